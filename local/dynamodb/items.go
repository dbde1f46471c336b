package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// legacy are the parameters that expressions have taken the place of; they are refused by name.
type legacy struct {
	Expected            json.RawMessage
	AttributeUpdates    json.RawMessage
	AttributesToGet     json.RawMessage
	ConditionalOperator json.RawMessage
	KeyConditions       json.RawMessage
	QueryFilter         json.RawMessage
	ScanFilter          json.RawMessage
}

func (l *legacy) refuse() error {
	for _, p := range []struct {
		name, instead string
		value         json.RawMessage
	}{
		{"Expected", "ConditionExpression", l.Expected},
		{"AttributeUpdates", "UpdateExpression", l.AttributeUpdates},
		{"AttributesToGet", "ProjectionExpression", l.AttributesToGet},
		{"ConditionalOperator", "AND and OR in an expression", l.ConditionalOperator},
		{"KeyConditions", "KeyConditionExpression", l.KeyConditions},
		{"QueryFilter", "FilterExpression", l.QueryFilter},
		{"ScanFilter", "FilterExpression", l.ScanFilter},
	} {
		if p.value != nil && string(p.value) != "null" {
			return invalid("the local runtime does not do the legacy parameter %s: use %s", p.name, p.instead)
		}
	}
	return nil
}

// writeInput are the parameters of PutItem, UpdateItem, DeleteItem and the actions of a transaction, as far as each has them.
type writeInput struct {
	legacy
	TableName                           string
	Item                                json.RawMessage
	Key                                 json.RawMessage
	ConditionExpression                 *string
	UpdateExpression                    *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]json.RawMessage
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
	// ReturnItemCollectionMetrics is of tables with a local secondary index: "If the table does not have any local secondary indexes,
	// this information is not returned" (API_PutItem.html).
	ReturnItemCollectionMetrics string
}

type writeOutput struct {
	Attributes       json.RawMessage   `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

// parse checks all of in that does not depend on the primary key or item, which setTarget fills in.
func (s *Service) parse(kind writeKind, in *writeInput) (*write, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	if err := in.checkEnums(kind); err != nil {
		return nil, err
	}
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	w := &write{kind: kind, table: t, showOld: in.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	wanted := []string{"ConditionExpression"}
	if kind == writeUpdate {
		wanted = []string{"UpdateExpression", "ConditionExpression"}
	}
	names, err := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues, wanted...)
	if err != nil {
		return nil, err
	}
	if kind == writeUpdate {
		if w.update, err = parseUpdate(in.UpdateExpression, names); err != nil {
			return nil, err
		}
		for _, p := range w.update.paths() {
			if t.schema.has(p[0].name) {
				return nil, invalidParameter("Cannot update attribute %s. This attribute is part of the key", p[0].name)
			}
		}
	}
	if w.condition, err = parseCondition("ConditionExpression", in.ConditionExpression, names); err != nil {
		return nil, err
	}
	return w, names.finish()
}

func (in *writeInput) checkEnums(kind writeKind) error {
	allowed := []string{"", "NONE", "ALL_OLD"}
	if kind == writeUpdate {
		allowed = append(allowed, "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
	}
	if !slices.Contains(allowed, in.ReturnValues) {
		if slices.Contains([]string{"ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"}, in.ReturnValues) {
			return invalid("ReturnValues can only be ALL_OLD or NONE")
		}
		return invalidEnum(in.ReturnValues, "returnValues", "ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW")
	}
	if !slices.Contains([]string{"", "NONE", "ALL_OLD"}, in.ReturnValuesOnConditionCheckFailure) {
		return invalidEnum(in.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD, NONE")
	}
	if !slices.Contains([]string{"", "NONE", "SIZE"}, in.ReturnItemCollectionMetrics) {
		return invalidEnum(in.ReturnItemCollectionMetrics, "returnItemCollectionMetrics", "SIZE, NONE")
	}
	return checkReturnConsumedCapacity(in.ReturnConsumedCapacity)
}

// setTarget reads the item or key that w is about and checks it against the table.
func (w *write) setTarget(in *writeInput) error {
	if w.kind == writePut {
		return w.setItem(in.Item)
	}
	return w.setKey(in.Key)
}

func (w *write) setItem(raw json.RawMessage) error {
	item, err := requireAttrs(raw, "item")
	if err != nil {
		return err
	}
	if err := w.table.schema.checkItem(item); err != nil {
		return err
	}
	if err := w.table.checkIndexKeys(item); err != nil {
		return err
	}
	w.target, w.key = item, w.table.schema.encode(item)
	return nil
}

func (w *write) setKey(raw json.RawMessage) error {
	key, err := w.table.decodeKey(raw)
	if err != nil {
		return err
	}
	w.target, w.key = key, w.table.schema.encode(key)
	return nil
}

func requireAttrs(raw json.RawMessage, parameter string) (attrs, error) {
	if raw == nil {
		return nil, invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", parameter)
	}
	return decodeItem(raw)
}

func (t *table) decodeKey(raw json.RawMessage) (attrs, error) {
	key, err := requireAttrs(raw, "key")
	if err != nil {
		return nil, err
	}
	return key, t.schema.checkKey(key)
}

func (s *Service) putItem(_ context.Context, in *writeInput) (*writeOutput, error) {
	return s.writeItem(writePut, in)
}

func (s *Service) updateItem(_ context.Context, in *writeInput) (*writeOutput, error) {
	return s.writeItem(writeUpdate, in)
}

func (s *Service) deleteItem(_ context.Context, in *writeInput) (*writeOutput, error) {
	return s.writeItem(writeDelete, in)
}

func (s *Service) writeItem(kind writeKind, in *writeInput) (*writeOutput, error) {
	w, err := s.parse(kind, in)
	if err != nil {
		return nil, err
	}
	if err := w.setTarget(in); err != nil {
		return nil, err
	}
	e, cost, err := s.perform(w)
	var failed *conditionError
	if errors.As(err, &failed) {
		return nil, conditionFailed(failed.item)
	}
	if err != nil {
		return nil, err
	}
	out := &writeOutput{ConsumedCapacity: cost.report(in.ReturnConsumedCapacity, w.table)}
	out.Attributes, err = e.returned(in.ReturnValues)
	if err != nil {
		return nil, s.internal("reading item", err)
	}
	return out, nil
}

// returned are the Attributes of the answer; nothing is returned of an item or attribute that is not there.
func (e *effect) returned(returnValues string) (json.RawMessage, error) {
	image := e.new
	if strings.HasSuffix(returnValues, "_OLD") {
		image = e.old
	}
	switch returnValues {
	case "ALL_OLD", "ALL_NEW":
		return image.json(), nil
	case "UPDATED_OLD", "UPDATED_NEW":
		item, err := image.item()
		if err != nil {
			return nil, err
		}
		if part := project(item, e.write.update.paths()); len(part) > 0 {
			return itemJSON(part), nil
		}
	}
	return nil, nil
}

type getInput struct {
	legacy
	TableName                string
	Key                      json.RawMessage
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ConsistentRead           bool
	ReturnConsumedCapacity   string
}

type getOutput struct {
	Item             json.RawMessage   `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

// read is one parsed and checked read of an item.
type read struct {
	table      *table
	key        []byte
	projection []path
}

func (s *Service) parseRead(in *getInput) (*read, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	names, err := newScope(in.ExpressionAttributeNames, nil, "ProjectionExpression")
	if err != nil {
		return nil, err
	}
	r := &read{table: t}
	if r.projection, err = parseProjection(in.ProjectionExpression, names); err != nil {
		return nil, err
	}
	if err := names.finish(); err != nil {
		return nil, err
	}
	key, err := t.decodeKey(in.Key)
	if err != nil {
		return nil, err
	}
	r.key = t.schema.encode(key)
	return r, nil
}

// fetch returns what the read shows of the item, nil where there is none, and the item's whole size.
func (s *Service) fetch(r *read) (json.RawMessage, int, error) {
	raw, _, err := s.options.Store.Get(r.table.space, r.key)
	if err != nil {
		return nil, 0, s.internal("reading item", err)
	}
	shown, err := stored(raw).show(r.projection)
	if err != nil {
		return nil, 0, s.internal("reading item", err)
	}
	return shown, stored(raw).size(), nil
}

// show is the item's JSON, cut down to the projection if there is one.
func (s stored) show(projection []path) (json.RawMessage, error) {
	if s == nil || projection == nil {
		return s.json(), nil
	}
	item, err := s.item()
	if err != nil {
		return nil, err
	}
	return itemJSON(project(item, projection)), nil
}

func (s *Service) getItem(_ context.Context, in *getInput) (*getOutput, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	r, err := s.parseRead(in)
	if err != nil {
		return nil, err
	}
	item, size, err := s.fetch(r)
	if err != nil {
		return nil, err
	}
	cost := consumption{table: readUnits(size, in.ConsistentRead)}
	return &getOutput{Item: item, ConsumedCapacity: cost.report(in.ReturnConsumedCapacity, r.table)}, nil
}
