package local

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/cloudformation"
	"github.com/payrail/payrail/local/dynamodb"
	"github.com/payrail/payrail/local/eventbridge"
	"github.com/payrail/payrail/local/firehose"
	"github.com/payrail/payrail/local/kms"
	"github.com/payrail/payrail/local/lambda"
	"github.com/payrail/payrail/local/pipes"
	"github.com/payrail/payrail/local/s3"
	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/stepfunctions"
	"github.com/payrail/payrail/local/template"
)

// stack creates the resources of a template one by one.
type stack struct {
	*Runtime
	resolver *template.Resolver
	creating string // the type of the resource being made
	// unenforced counts the types and properties that are accepted without effect.
	unenforced map[string]int
}

// resource is what a created resource is to others: what Ref gives, what GetAtt gives.
type resource struct {
	ref        string
	attributes map[string]any
}

// creators knows every resource type that the local runtime runs.
var creators = map[string]func(*stack, string, map[string]any) (resource, error){
	"AWS::ApiGatewayV2::Api":               (*stack).api,
	"AWS::ApiGatewayV2::Authorizer":        (*stack).authorizer,
	"AWS::ApiGatewayV2::Integration":       (*stack).integration,
	"AWS::ApiGatewayV2::Route":             (*stack).route,
	"AWS::ApiGatewayV2::Stage":             (*stack).stage,
	"AWS::DynamoDB::Table":                 (*stack).table,
	"AWS::Events::Archive":                 (*stack).archive,
	"AWS::Events::EventBus":                (*stack).bus,
	"AWS::Events::Rule":                    (*stack).rule,
	"AWS::KMS::Key":                        (*stack).key,
	"AWS::KinesisFirehose::DeliveryStream": (*stack).deliveryStream,
	"AWS::Lambda::EventSourceMapping":      (*stack).mapping,
	"AWS::Lambda::Function":                (*stack).function,
	"AWS::Lambda::Permission":              (*stack).permission,
	"AWS::Pipes::Pipe":                     (*stack).pipe,
	"AWS::S3::Bucket":                      (*stack).bucket,
	"AWS::SNS::Topic":                      (*stack).topic,
	"AWS::SNS::TopicPolicy":                (*stack).topicPolicy,
	"AWS::SQS::Queue":                      (*stack).queue,
	"AWS::SQS::QueuePolicy":                (*stack).queuePolicy,
	"AWS::StepFunctions::StateMachine":     (*stack).stateMachine,
}

// accepted are the types that only protect or show: they get names, and are listed as not enforced.
var accepted = map[string]func(name string) resource{
	"AWS::IAM::Role": func(name string) resource {
		return resource{name, map[string]any{"Arn": "arn:aws:iam::" + Account + ":role/" + name, "RoleId": name}}
	},
	"AWS::IAM::Policy":      named,
	"AWS::Logs::LogStream":  named,
	"AWS::S3::BucketPolicy": named,
	"AWS::Logs::LogGroup": func(name string) resource {
		return resource{name, map[string]any{"Arn": "arn:aws:logs:" + Region + ":" + Account + ":log-group:" + name + ":*"}}
	},
}

func named(name string) resource { return resource{ref: name} }

// createStack creates every resource of the template in the order of their references.
func (r *Runtime) createStack() error {
	order, err := r.template.Order()
	if err != nil {
		return err
	}
	s := &stack{Runtime: r, resolver: template.NewResolver(r.template), unenforced: map[string]int{}}
	var created []cloudformation.Resource
	for _, declared := range order {
		properties, err := s.resolver.Properties(declared.LogicalID)
		if err != nil {
			return err
		}
		var made resource
		s.creating = declared.Type
		if accept, ok := accepted[declared.Type]; ok {
			made = accept(s.name(declared.LogicalID))
			s.unenforced[declared.Type]++
		} else if create, ok := creators[declared.Type]; ok {
			if made, err = create(s, declared.LogicalID, properties); err != nil {
				return fmt.Errorf("creating %s (%s): %w", declared.LogicalID, declared.Type, err)
			}
		} else {
			return fmt.Errorf("creating %s: the local runtime does not do resources of type %s", declared.LogicalID, declared.Type)
		}
		s.resolver.Set(declared.LogicalID, made.ref, made.attributes)
		created = append(created, cloudformation.Resource{LogicalID: declared.LogicalID, PhysicalID: made.ref, Type: declared.Type})
	}
	if r.outputs, err = s.resolver.Outputs(); err != nil {
		return err
	}
	for kind, n := range s.unenforced {
		r.notEnforced = append(r.notEnforced, fmt.Sprintf("%s (%d)", kind, n))
	}
	slices.Sort(r.notEnforced)
	r.describeStack(created)
	return nil
}

// inert are properties without effect on AWS either, as far as the stack goes.
var inert = []string{"Description", "Tags"}

// decode puts properties into a struct. Those accepted have no effect here and are listed as not enforced, any other the
// struct does not have is refused.
func (s *stack) decode(properties map[string]any, into any, accepted ...string) error {
	for _, name := range accepted {
		if _, given := properties[name]; given && !slices.Contains(inert, name) {
			s.unenforced[s.creating+" "+name]++
		}
	}
	return template.Decode(properties, into, accepted...)
}

func (r *Runtime) describeStack(resources []cloudformation.Resource) {
	described := cloudformation.Stack{Created: r.started, Name: r.template.StackName(), ID: r.template.StackID(), Resources: resources}
	for _, o := range r.outputs {
		described.Outputs = append(described.Outputs, cloudformation.Output{Key: o.Key, Value: o.Value, Description: o.Description})
	}
	r.cloudformation.Set(described)
}

// name is the physical name of a resource that has none of its own. CloudFormation would add random characters; here the
// name stays the same from run to run.
func (s *stack) name(logicalID string) string { return s.template.StackName() + "-" + logicalID }

func arn(service, rest string) string {
	return "arn:aws:" + service + ":" + Region + ":" + Account + ":" + rest
}

func (s *stack) table(id string, properties map[string]any) (resource, error) {
	var p struct {
		TableName                 string
		DeletionProtectionEnabled bool
		AttributeDefinitions      []struct{ AttributeName, AttributeType string }
		KeySchema                 []struct{ AttributeName, KeyType string }
		StreamSpecification       struct{ StreamViewType string }
		TimeToLiveSpecification   struct {
			AttributeName string
			Enabled       bool
		}
		GlobalSecondaryIndexes []struct {
			IndexName  string
			KeySchema  []struct{ AttributeName, KeyType string }
			Projection struct {
				ProjectionType   string
				NonKeyAttributes []string
			}
		}
	}
	if err := s.decode(properties, &p, "BillingMode", "PointInTimeRecoverySpecification", "SSESpecification", "Tags"); err != nil {
		return resource{}, err
	}
	types, used := map[string]string{}, map[string]bool{}
	for _, a := range p.AttributeDefinitions {
		types[a.AttributeName] = a.AttributeType
	}
	keys := func(schema []struct{ AttributeName, KeyType string }) (partition, sort dynamodb.Key) {
		for _, k := range schema {
			used[k.AttributeName] = true
			key := dynamodb.Key{Name: k.AttributeName, Type: types[k.AttributeName]}
			if k.KeyType == "HASH" {
				partition = key
			} else {
				sort = key
			}
		}
		return partition, sort
	}
	spec := dynamodb.TableSpec{Name: p.TableName, StreamView: p.StreamSpecification.StreamViewType, DeletionProtection: p.DeletionProtectionEnabled}
	if spec.Name == "" {
		spec.Name = s.name(id)
	}
	if p.TimeToLiveSpecification.Enabled {
		spec.TTLAttribute = p.TimeToLiveSpecification.AttributeName
	}
	spec.PartitionKey, spec.SortKey = keys(p.KeySchema)
	for _, index := range p.GlobalSecondaryIndexes {
		i := dynamodb.IndexSpec{Name: index.IndexName, Projection: index.Projection.ProjectionType, Include: index.Projection.NonKeyAttributes}
		i.PartitionKey, i.SortKey = keys(index.KeySchema)
		spec.Indexes = append(spec.Indexes, i)
	}
	if len(used) != len(types) {
		return resource{}, fmt.Errorf("AttributeDefinitions has %d attributes and the keys of the table and its indexes %d: AWS wants the same ones", len(types), len(used))
	}
	info, err := s.dynamodb.CreateTable(spec)
	if err != nil {
		return resource{}, err
	}
	attributes := map[string]any{"Arn": info.ARN}
	if info.StreamARN != "" {
		attributes["StreamArn"] = info.StreamARN
	}
	return resource{info.Name, attributes}, nil
}

func (s *stack) bucket(id string, properties map[string]any) (resource, error) {
	var p struct {
		BucketName              string
		ObjectLockEnabled       bool
		VersioningConfiguration struct{ Status string }
	}
	if err := s.decode(properties, &p, "BucketEncryption", "ObjectLockConfiguration", "OwnershipControls", "PublicAccessBlockConfiguration", "LifecycleConfiguration", "Tags"); err != nil {
		return resource{}, err
	}
	spec := s3.BucketSpec{Name: p.BucketName, ObjectLock: p.ObjectLockEnabled, Versioned: p.VersioningConfiguration.Status == "Enabled"}
	if spec.Name == "" {
		spec.Name = strings.ToLower(s.name(id))
	}
	if err := s.s3.CreateBucket(spec); err != nil {
		return resource{}, err
	}
	return resource{spec.Name, map[string]any{"Arn": "arn:aws:s3:::" + spec.Name}}, nil
}

func (s *stack) key(id string, properties map[string]any) (resource, error) {
	var p struct{ Description, KeySpec, KeyUsage string }
	if err := s.decode(properties, &p, "KeyPolicy", "EnableKeyRotation", "PendingWindowInDays", "Tags"); err != nil {
		return resource{}, err
	}
	keyID := s.name(id)
	keyARN, err := s.kms.CreateKey(kms.KeySpec{ID: keyID, Spec: p.KeySpec, Usage: p.KeyUsage, Description: p.Description})
	if err != nil {
		return resource{}, err
	}
	return resource{keyID, map[string]any{"Arn": keyARN, "KeyId": keyID}}, nil
}

func (s *stack) bus(id string, properties map[string]any) (resource, error) {
	var p struct{ Name string }
	if err := s.decode(properties, &p, "Description", "Tags"); err != nil {
		return resource{}, err
	}
	busARN, err := s.eventbridge.CreateBus(p.Name)
	if err != nil {
		return resource{}, err
	}
	return resource{p.Name, map[string]any{"Arn": busARN, "Name": p.Name}}, nil
}

func (s *stack) rule(id string, properties map[string]any) (resource, error) {
	var p struct {
		Name, EventBusName, Description, State string
		EventPattern                           any
		Targets                                []struct {
			ID               string `json:"Id"`
			Arn, RoleArn     string
			Input, InputPath string
			DeadLetterConfig struct{ Arn string }
			RetryPolicy      struct {
				MaximumRetryAttempts     *int
				MaximumEventAgeInSeconds int
			}
		}
	}
	if err := s.decode(properties, &p, "Tags"); err != nil {
		return resource{}, err
	}
	pattern, err := json.Marshal(p.EventPattern)
	if err != nil {
		return resource{}, fmt.Errorf("encoding the event pattern: %w", err)
	}
	if p.Name == "" {
		p.Name = s.name(id)
	}
	ruleARN, err := s.eventbridge.PutRule(eventbridge.Rule{Name: p.Name, Bus: p.EventBusName, EventPattern: string(pattern), Description: p.Description, Disabled: p.State == "DISABLED"})
	if err != nil {
		return resource{}, err
	}
	targets := make([]eventbridge.Target, len(p.Targets))
	for i, t := range p.Targets {
		targets[i] = eventbridge.Target{ID: t.ID, ARN: t.Arn, RoleARN: t.RoleArn, Input: t.Input, InputPath: t.InputPath, DeadLetterARN: t.DeadLetterConfig.Arn,
			MaximumRetryAttempts: t.RetryPolicy.MaximumRetryAttempts, MaximumEventAge: time.Duration(t.RetryPolicy.MaximumEventAgeInSeconds) * time.Second}
	}
	if err := s.eventbridge.PutTargets(p.EventBusName, p.Name, targets); err != nil {
		return resource{}, err
	}
	return resource{p.Name, map[string]any{"Arn": ruleARN}}, nil
}

func (s *stack) archive(id string, properties map[string]any) (resource, error) {
	var p struct {
		ArchiveName, SourceArn, Description string
		EventPattern                        any
		RetentionDays                       int
	}
	if err := s.decode(properties, &p); err != nil {
		return resource{}, err
	}
	archive := eventbridge.Archive{Name: p.ArchiveName, Bus: p.SourceArn, Description: p.Description, RetentionDays: p.RetentionDays}
	if archive.Name == "" {
		archive.Name = s.name(id)
	}
	if p.EventPattern != nil {
		pattern, err := json.Marshal(p.EventPattern)
		if err != nil {
			return resource{}, fmt.Errorf("encoding the event pattern: %w", err)
		}
		archive.EventPattern = string(pattern)
	}
	archiveARN, err := s.eventbridge.CreateArchive(archive)
	if err != nil {
		return resource{}, err
	}
	return resource{archive.Name, map[string]any{"Arn": archiveARN, "ArchiveName": archive.Name}}, nil
}

func (s *stack) queue(id string, properties map[string]any) (resource, error) {
	name := s.name(id)
	attributes := map[string]string{}
	for property, value := range properties {
		switch property {
		case "QueueName":
			name = fmt.Sprint(value)
		case "Tags":
		case "KmsMasterKeyId":
			// Services deliver to such a queue only if the key's policy lets them use the key, and that is not evaluated here.
			return resource{}, fmt.Errorf("the local runtime does not do property %s", property)
		default:
			text, err := attributeText(value)
			if err != nil {
				return resource{}, fmt.Errorf("reading %s: %w", property, err)
			}
			attributes[property] = text
		}
	}
	queueARN, url, err := s.sqs.CreateQueue(sqs.QueueSpec{Name: name, Attributes: attributes})
	if err != nil {
		return resource{}, err
	}
	return resource{url, map[string]any{"Arn": queueARN, "QueueName": name, "QueueUrl": url}}, nil
}

// attributeText writes a property as the SQS API takes attributes: scalars as text, objects as JSON text.
func attributeText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	default:
		text, err := json.Marshal(v)
		return string(text), err
	}
}

func (s *stack) queuePolicy(id string, properties map[string]any) (resource, error) {
	var p struct {
		PolicyDocument any
		Queues         []string
	}
	if err := s.decode(properties, &p); err != nil {
		return resource{}, err
	}
	document, err := json.Marshal(p.PolicyDocument)
	if err != nil {
		return resource{}, fmt.Errorf("encoding the policy: %w", err)
	}
	if _, err := parsePolicy(p.PolicyDocument); err != nil {
		return resource{}, err
	}
	for _, url := range p.Queues {
		queueARN := arn("sqs", url[strings.LastIndexByte(url, '/')+1:])
		if err := s.sqs.SetAttributes(queueARN, map[string]string{"Policy": string(document)}); err != nil {
			return resource{}, err
		}
	}
	return named(s.name(id)), nil
}

func (s *stack) topic(id string, properties map[string]any) (resource, error) {
	var p struct{ TopicName, DisplayName string }
	if err := s.decode(properties, &p, "Tags"); err != nil {
		return resource{}, err
	}
	if p.TopicName == "" {
		p.TopicName = s.name(id)
	}
	topicARN, err := s.sns.CreateTopic(p.TopicName, p.DisplayName)
	if err != nil {
		return resource{}, err
	}
	return resource{topicARN, map[string]any{"TopicArn": topicARN, "TopicName": p.TopicName}}, nil
}

func (s *stack) topicPolicy(id string, properties map[string]any) (resource, error) {
	var p struct {
		PolicyDocument any
		Topics         []string
	}
	if err := s.decode(properties, &p); err != nil {
		return resource{}, err
	}
	parsed, err := parsePolicy(p.PolicyDocument)
	if err != nil {
		return resource{}, err
	}
	for _, topicARN := range p.Topics {
		s.wiring.setTopicPolicy(topicARN, parsed)
	}
	return named(s.name(id)), nil
}

func (s *stack) function(id string, properties map[string]any) (resource, error) {
	var p struct {
		FunctionName, Description, Handler, Role, Runtime string
		Architectures                                     []string
		Code                                              any
		Environment                                       struct{ Variables map[string]string }
		MemorySize, Timeout                               int
		ReservedConcurrentExecutions                      *int
	}
	if err := s.decode(properties, &p, "LoggingConfig", "TracingConfig", "Tags"); err != nil {
		return resource{}, err
	}
	if p.Runtime != "provided.al2023" {
		return resource{}, fmt.Errorf("the local runtime runs provided.al2023 functions, not %s", p.Runtime)
	}
	folder, err := s.template.CodeFolder(p.Code)
	if err != nil {
		return resource{}, err
	}
	spec := lambda.FunctionSpec{Name: p.FunctionName, Dir: folder, Handler: p.Handler, Environment: p.Environment.Variables, TimeoutSeconds: p.Timeout,
		MemoryMB: p.MemorySize, Description: p.Description, Role: p.Role, ReservedConcurrency: p.ReservedConcurrentExecutions}
	if spec.Name == "" {
		spec.Name = s.name(id)
	}
	if len(p.Architectures) > 0 {
		spec.Architecture = p.Architectures[0]
	}
	functionARN, err := s.lambda.CreateFunction(spec)
	if err != nil {
		return resource{}, err
	}
	return resource{spec.Name, map[string]any{"Arn": functionARN}}, nil
}

// reportBatchItemFailures is the one response type there is; misspelt, the failures of a batch would be deleted.
const reportBatchItemFailures = "ReportBatchItemFailures"

func (s *stack) mapping(id string, properties map[string]any) (resource, error) {
	var p struct {
		BatchSize                      int
		MaximumBatchingWindowInSeconds int
		EventSourceArn, FunctionName   string
		FunctionResponseTypes          []string
		ScalingConfig                  struct{ MaximumConcurrency int }
		Enabled                        *bool
	}
	if err := s.decode(properties, &p, "Tags"); err != nil {
		return resource{}, err
	}
	for _, kind := range p.FunctionResponseTypes {
		if kind != reportBatchItemFailures {
			return resource{}, fmt.Errorf("FunctionResponseTypes has %q, want %s", kind, reportBatchItemFailures)
		}
	}
	mappingID, err := s.lambda.CreateEventSourceMapping(lambda.MappingSpec{
		QueueARN: p.EventSourceArn, FunctionARN: p.FunctionName, BatchSize: p.BatchSize, MaximumBatchingWindowSeconds: p.MaximumBatchingWindowInSeconds,
		ReportBatchItemFailures: len(p.FunctionResponseTypes) > 0,
		MaximumConcurrency:      p.ScalingConfig.MaximumConcurrency, Disabled: p.Enabled != nil && !*p.Enabled,
	})
	return resource{ref: mappingID, attributes: map[string]any{"Id": mappingID}}, err
}

func (s *stack) stateMachine(id string, properties map[string]any) (resource, error) {
	var p struct {
		StateMachineName, StateMachineType, RoleArn, DefinitionString string
		DefinitionSubstitutions                                       map[string]string
	}
	if err := s.decode(properties, &p, "LoggingConfiguration", "TracingConfiguration", "Tags"); err != nil {
		return resource{}, err
	}
	if p.StateMachineName == "" {
		p.StateMachineName = s.name(id)
	}
	machineARN, err := s.stepfunctions.CreateStateMachine(stepfunctions.Spec{Name: p.StateMachineName, Type: p.StateMachineType, Definition: p.DefinitionString,
		Substitutions: p.DefinitionSubstitutions, RoleARN: p.RoleArn})
	if err != nil {
		return resource{}, err
	}
	return resource{machineARN, map[string]any{"Arn": machineARN, "Name": p.StateMachineName}}, nil
}

func (s *stack) deliveryStream(id string, properties map[string]any) (resource, error) {
	var spec firehose.Spec
	if err := s.decode(properties, &spec); err != nil {
		return resource{}, err
	}
	if spec.DeliveryStreamName == "" {
		spec.DeliveryStreamName = s.name(id)
	}
	streamARN, err := s.firehose.CreateDeliveryStream(spec)
	if err != nil {
		return resource{}, err
	}
	return resource{spec.DeliveryStreamName, map[string]any{"Arn": streamARN}}, nil
}

func (s *stack) pipe(id string, properties map[string]any) (resource, error) {
	var p struct {
		Name, Source, Enrichment, Target string
		DesiredState                     string
		EnrichmentParameters             struct{ InputTemplate string }
		SourceParameters                 struct {
			DynamoDBStreamParameters struct {
				BatchSize, ParallelizationFactor                          int
				MaximumBatchingWindowInSeconds, MaximumRecordAgeInSeconds int
				MaximumRetryAttempts                                      *int
				StartingPosition, OnPartialBatchItemFailure               string
				DeadLetterConfig                                          struct{ Arn string }
			}
			FilterCriteria struct{ Filters []struct{ Pattern string } }
		}
		TargetParameters struct {
			InputTemplate                 string
			EventBridgeEventBusParameters struct {
				DetailType, Source, Time, EndpointID string
				Resources                            []string
			}
		}
	}
	if err := s.decode(properties, &p, "RoleArn", "Description", "LogConfiguration", "Tags"); err != nil {
		return resource{}, err
	}
	if p.Name == "" {
		p.Name = s.name(id)
	}
	stream, bus := p.SourceParameters.DynamoDBStreamParameters, p.TargetParameters.EventBridgeEventBusParameters
	pipe := pipes.Pipe{
		Name: p.Name, SourceARN: p.Source, EnrichmentARN: p.Enrichment, EnrichmentTemplate: p.EnrichmentParameters.InputTemplate,
		TargetARN: p.Target, Stopped: p.DesiredState == "STOPPED",
		Source: pipes.Source{
			StartingPosition: stream.StartingPosition, BatchSize: stream.BatchSize, ParallelizationFactor: stream.ParallelizationFactor,
			BatchingWindow:       time.Duration(stream.MaximumBatchingWindowInSeconds) * time.Second,
			MaximumRecordAge:     time.Duration(stream.MaximumRecordAgeInSeconds) * time.Second,
			MaximumRetryAttempts: stream.MaximumRetryAttempts, OnPartialBatchItemFailure: stream.OnPartialBatchItemFailure,
			DeadLetterARN: stream.DeadLetterConfig.Arn,
		},
		Target: pipes.Target{DetailType: bus.DetailType, Source: bus.Source, Resources: bus.Resources, Time: bus.Time, EndpointID: bus.EndpointID,
			InputTemplate: p.TargetParameters.InputTemplate},
	}
	for _, filter := range p.SourceParameters.FilterCriteria.Filters {
		pipe.Source.Filters = append(pipe.Source.Filters, filter.Pattern)
	}
	if pipe.Source.MaximumRecordAge < 0 {
		pipe.Source.MaximumRecordAge = -1
	}
	pipeARN, err := s.pipes.CreatePipe(pipe)
	if err != nil {
		return resource{}, err
	}
	return resource{p.Name, map[string]any{"Arn": pipeARN}}, nil
}
