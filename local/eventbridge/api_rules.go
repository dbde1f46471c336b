package eventbridge

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// empty is the answer of operations that return nothing.
type empty struct{}

type ruleInput struct {
	page
	Name, EventBusName, EventPattern, ScheduleExpression, Description, State, NamePrefix, RoleArn, TargetArn string
	Tags                                                                                                     []tag
}

type ruleOutput struct {
	Name               string
	Arn                string
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	Description        string `json:",omitempty"`
	RoleArn            string `json:",omitempty"`
	State              string
	EventBusName       string
	CreatedBy          string `json:",omitempty"` // Of described rules only.
}

type putRuleOutput struct{ RuleArn string }

func (s *Service) apiPutRule(ctx context.Context, in *ruleInput) (*putRuleOutput, error) {
	switch in.State {
	case "", "ENABLED", "DISABLED":
	case "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
		return nil, wire.NotImplemented("the rule state " + in.State)
	default:
		return nil, violated(in.State, "state", "satisfy enum value set: [DISABLED, ENABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]")
	}
	if err := addTags(map[string]string{}, in.Tags); err != nil {
		return nil, err
	}
	s.mu.RLock()
	_, _, missing := s.lookupRule(in.EventBusName, in.Name)
	s.mu.RUnlock()
	arn, err := s.PutRule(Rule{
		RoleARN: in.RoleArn, Name: in.Name, Bus: in.EventBusName, EventPattern: in.EventPattern, ScheduleExpression: in.ScheduleExpression,
		Description: in.Description, Disabled: in.State == "DISABLED",
	})
	if err == nil && missing != nil { // Tags of an existing rule are left alone, as API_PutRule says.
		_, err = s.apiTagResource(ctx, &tagsInput{ResourceARN: arn, Tags: in.Tags})
	}
	return &putRuleOutput{RuleArn: arn}, err
}

func (r *rule) describe() ruleOutput {
	state := "ENABLED"
	if r.Disabled {
		state = "DISABLED"
	}
	return ruleOutput{Name: r.Name, Arn: r.arn, EventPattern: r.EventPattern, ScheduleExpression: r.ScheduleExpression,
		Description: r.Description, RoleArn: r.RoleARN, State: state, EventBusName: r.Bus}
}

func (s *Service) apiDescribeRule(_ context.Context, in *ruleInput) (*ruleOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, r, err := s.lookupRule(in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	out := r.describe()
	out.CreatedBy = s.options.Account
	return &out, nil
}

type listRulesOutput struct {
	Rules     []ruleOutput
	NextToken string `json:",omitempty"`
}

func (s *Service) apiListRules(_ context.Context, in *ruleInput) (*listRulesOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.lookup(in.EventBusName)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range sortedKeys(b.rules) {
		if strings.HasPrefix(name, in.NamePrefix) {
			names = append(names, name)
		}
	}
	part, next, err := in.names(names)
	if err != nil {
		return nil, err
	}
	out := &listRulesOutput{Rules: []ruleOutput{}, NextToken: next}
	for _, name := range part {
		out.Rules = append(out.Rules, b.rules[name].describe())
	}
	return out, nil
}

type listRuleNamesOutput struct {
	RuleNames []string
	NextToken string `json:",omitempty"`
}

func (s *Service) apiListRuleNamesByTarget(_ context.Context, in *ruleInput) (*listRuleNamesOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.lookup(in.EventBusName)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, name := range sortedKeys(b.rules) {
		for _, t := range b.rules[name].targets {
			if t.ARN == in.TargetArn {
				names = append(names, name)
				break
			}
		}
	}
	part, next, err := in.names(names)
	return &listRuleNamesOutput{RuleNames: part, NextToken: next}, err
}

func (s *Service) apiEnableRule(_ context.Context, in *ruleInput) (*empty, error) {
	return &empty{}, s.SetRuleState(in.EventBusName, in.Name, true)
}

func (s *Service) apiDisableRule(_ context.Context, in *ruleInput) (*empty, error) {
	return &empty{}, s.SetRuleState(in.EventBusName, in.Name, false)
}

func (s *Service) apiDeleteRule(_ context.Context, in *ruleInput) (*empty, error) {
	return &empty{}, s.DeleteRule(in.EventBusName, in.Name)
}

type retryPolicy struct {
	MaximumRetryAttempts     *int `json:",omitempty"`
	MaximumEventAgeInSeconds *int `json:",omitempty"`
}

type deadLetterConfig struct {
	Arn string `json:",omitempty"`
}

type sqsParameters struct {
	MessageGroupID string `json:"MessageGroupId,omitempty"`
}

type targetShape struct {
	ID               string `json:"Id"`
	Arn              string
	RoleArn          string            `json:",omitempty"`
	Input            string            `json:",omitempty"`
	InputPath        string            `json:",omitempty"`
	SqsParameters    *sqsParameters    `json:",omitempty"`
	DeadLetterConfig *deadLetterConfig `json:",omitempty"`
	RetryPolicy      *retryPolicy      `json:",omitempty"`
	// What follows is not done and is refused when given.
	InputTransformer            json.RawMessage `json:",omitempty"`
	AppSyncParameters           json.RawMessage `json:",omitempty"`
	BatchParameters             json.RawMessage `json:",omitempty"`
	EcsParameters               json.RawMessage `json:",omitempty"`
	HTTPParameters              json.RawMessage `json:"HttpParameters,omitempty"`
	KinesisParameters           json.RawMessage `json:",omitempty"`
	RedshiftDataParameters      json.RawMessage `json:",omitempty"`
	RunCommandParameters        json.RawMessage `json:",omitempty"`
	SageMakerPipelineParameters json.RawMessage `json:",omitempty"`
}

func (t *targetShape) target() (Target, error) {
	err := refuseGiven(map[string]json.RawMessage{
		"InputTransformer": t.InputTransformer, "AppSyncParameters": t.AppSyncParameters, "BatchParameters": t.BatchParameters,
		"EcsParameters": t.EcsParameters, "HttpParameters": t.HTTPParameters, "KinesisParameters": t.KinesisParameters,
		"RedshiftDataParameters": t.RedshiftDataParameters, "RunCommandParameters": t.RunCommandParameters,
		"SageMakerPipelineParameters": t.SageMakerPipelineParameters,
	})
	if err != nil {
		return Target{}, err
	}
	out := Target{ID: t.ID, ARN: t.Arn, RoleARN: t.RoleArn, Input: t.Input, InputPath: t.InputPath}
	if t.SqsParameters != nil {
		out.MessageGroupID = t.SqsParameters.MessageGroupID
	}
	if t.DeadLetterConfig != nil {
		out.DeadLetterARN = t.DeadLetterConfig.Arn
	}
	if t.RetryPolicy != nil {
		out.MaximumRetryAttempts = t.RetryPolicy.MaximumRetryAttempts
		if age := t.RetryPolicy.MaximumEventAgeInSeconds; age != nil {
			if out.MaximumEventAge = time.Duration(*age) * time.Second; *age <= 0 {
				out.MaximumEventAge = -1 // Refused by the validation, unlike 0 for "not given".
			}
		}
	}
	return out, nil
}

func shapeOf(t Target) targetShape {
	out := targetShape{ID: t.ID, Arn: t.ARN, RoleArn: t.RoleARN, Input: t.Input, InputPath: t.InputPath}
	if t.MessageGroupID != "" {
		out.SqsParameters = &sqsParameters{MessageGroupID: t.MessageGroupID}
	}
	if t.DeadLetterARN != "" {
		out.DeadLetterConfig = &deadLetterConfig{Arn: t.DeadLetterARN}
	}
	if t.MaximumRetryAttempts != nil || t.MaximumEventAge != 0 {
		out.RetryPolicy = &retryPolicy{MaximumRetryAttempts: t.MaximumRetryAttempts}
		if t.MaximumEventAge != 0 {
			seconds := int(t.MaximumEventAge / time.Second)
			out.RetryPolicy.MaximumEventAgeInSeconds = &seconds
		}
	}
	return out
}

type targetsInput struct {
	page
	Rule, EventBusName string
	Targets            []targetShape
	IDs                []string `json:"Ids"`
}

// targetsOutput never has failed entries: what is wrong fails the whole request.
type targetsOutput struct {
	FailedEntryCount int
	FailedEntries    []empty
}

func (s *Service) apiPutTargets(_ context.Context, in *targetsInput) (*targetsOutput, error) {
	if len(in.Targets) == 0 {
		return nil, violated("[]", "targets", "have length greater than or equal to 1")
	}
	var targets []Target
	for i := range in.Targets {
		t, err := in.Targets[i].target()
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	return &targetsOutput{FailedEntries: []empty{}}, s.PutTargets(in.EventBusName, in.Rule, targets)
}

func (s *Service) apiRemoveTargets(_ context.Context, in *targetsInput) (*targetsOutput, error) {
	if len(in.IDs) == 0 {
		return nil, violated("[]", "ids", "have length greater than or equal to 1")
	}
	return &targetsOutput{FailedEntries: []empty{}}, s.RemoveTargets(in.EventBusName, in.Rule, in.IDs)
}

type listTargetsOutput struct {
	Targets   []targetShape
	NextToken string `json:",omitempty"`
}

func (s *Service) apiListTargetsByRule(_ context.Context, in *targetsInput) (*listTargetsOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, r, err := s.lookupRule(in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	part, next, err := in.names(sortedKeys(r.targets))
	if err != nil {
		return nil, err
	}
	out := &listTargetsOutput{Targets: []targetShape{}, NextToken: next}
	for _, id := range part {
		out.Targets = append(out.Targets, shapeOf(r.targets[id]))
	}
	return out, nil
}
