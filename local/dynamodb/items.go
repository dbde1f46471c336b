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

// parseWrite reads all of in that can be judged without the table, which bind finds: the service does so first.
func parseWrite(kind writeKind, in *writeInput) (*write, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	if err := in.checkEnums(kind); err != nil {
		return nil, err
	}
	w := &write{kind: kind, showOld: in.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	if err := w.read(in); err != nil {
		return nil, err
	}
	expressions := []expression{{"ConditionExpression", in.ConditionExpression}}
	if kind == writeUpdate {
		expressions = []expression{{"UpdateExpression", in.UpdateExpression}, {"ConditionExpression", in.ConditionExpression}}
	}
	names, err := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues, expressions...)
	if err != nil {
		return nil, err
	}
	if kind == writeUpdate {
		if w.update, err = parseUpdate(in.UpdateExpression, names); err != nil {
			return nil, err
		}
		w.nested = names.nested // Of a condition such paths are taken as they are.
	}
	if w.condition, err = parseCondition("ConditionExpression", in.ConditionExpression, names); err != nil {
		return nil, err
	}
	return w, names.finish()
}

// read decodes the item or key that w is about.
func (w *write) read(in *writeInput) (err error) {
	if w.kind != writePut {
		w.target, err = requireAttrs(in.Key, "key")
		return err
	}
	if w.target, err = requireAttrs(in.Item, "item"); err == nil && w.target.size() > maxItemBytes {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return err
}

// bind finds w's table and refuses what no item can be: a change of its key, an empty value in a key. Keys that do not fit the table are
// left to check, because a transaction is cancelled by them.
func (s *Service) bind(w *write, in *writeInput) (err error) {
	if w.table, err = s.table(in.TableName); err != nil {
		return err
	}
	if w.update != nil {
		for _, p := range w.update.paths() {
			if w.table.schema.has(p[0].name) {
				return invalidParameter("Cannot update attribute %s. This attribute is part of the key", p[0].name)
			}
		}
	}
	if err := w.table.checkNested(w.nested); err != nil {
		return err
	}
	return w.checkEmptyKeys()
}

// checkEmptyKeys refuses empty values of key attributes, as far as the request tells them.
func (w *write) checkEmptyKeys() error {
	if err := w.table.schema.checkEmpty(w.target); err != nil {
		return err
	}
	switch w.kind {
	case writePut:
		return w.table.checkEmptyIndexKeys(w.target)
	case writeUpdate:
		for _, set := range w.update.sets {
			if v, ok := set.value.(constant); ok && len(set.path) == 1 {
				if err := w.table.checkUpdatedIndexKey(set.path[0].name, v.value); err != nil {
					return err
				}
			}
		}
	}
	return nil
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

// check holds the item or key against the table's keys, and tells where it lies in the store.
func (w *write) check() (err error) {
	if w.kind == writePut {
		if err = w.table.schema.checkItem(w.target); err == nil {
			err = w.table.checkIndexKeys(w.target)
		}
	} else if err = w.table.schema.checkKey(w.target); err == nil && w.update != nil {
		err = w.table.checkIndexKeyTypes(w.update)
	}
	if err == nil {
		w.key = w.table.schema.encode(w.target)
	}
	return err
}

func requireAttrs(raw json.RawMessage, parameter string) (attrs, error) {
	if raw == nil {
		return nil, invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", parameter)
	}
	return decodeItem(raw)
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
	w, err := parseWrite(kind, in)
	if err != nil {
		return nil, err
	}
	if err := s.bind(w, in); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
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
	primary    attrs
	key        []byte // in the store
	projection []path
	nested     []path
}

// parseRead reads all of in that can be judged without the table.
func parseRead(in *getInput) (*read, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	r := &read{}
	var err error
	if r.primary, err = requireAttrs(in.Key, "key"); err != nil {
		return nil, err
	}
	names, err := newScope(in.ExpressionAttributeNames, nil, expression{"ProjectionExpression", in.ProjectionExpression})
	if err != nil {
		return nil, err
	}
	if r.projection, err = parseProjection(in.ProjectionExpression, names); err != nil {
		return nil, err
	}
	r.nested = names.nested
	return r, names.finish()
}

// bind finds r's table; whether its key fits is left to check.
func (r *read) bind(s *Service, in *getInput) (err error) {
	if r.table, err = s.table(in.TableName); err != nil {
		return err
	}
	return r.table.checkNested(r.nested)
}

// check holds the key against the table's, and tells where the item lies in the store.
func (r *read) check() error {
	if err := r.table.schema.checkKey(r.primary); err != nil {
		return err
	}
	r.key = r.table.schema.encode(r.primary)
	return nil
}

// checkedRead does all three steps of a read.
func (s *Service) checkedRead(in *getInput) (*read, error) {
	r, err := parseRead(in)
	if err != nil {
		return nil, err
	}
	if err := r.bind(s, in); err != nil {
		return nil, err
	}
	return r, r.check()
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
	r, err := s.checkedRead(in)
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
