package local

import (
	"fmt"
	"slices"

	"github.com/payrail/payrail/local/cloudformation"
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
	"AWS::CloudWatch::Alarm":               (*stack).alarm,
	"AWS::CloudWatch::CompositeAlarm":      (*stack).compositeAlarm,
	"AWS::DynamoDB::Table":                 (*stack).table,
	"AWS::Events::Archive":                 (*stack).archive,
	"AWS::Events::EventBus":                (*stack).bus,
	"AWS::Events::Rule":                    (*stack).rule,
	"AWS::KMS::Key":                        (*stack).key,
	"AWS::KinesisFirehose::DeliveryStream": (*stack).deliveryStream,
	"AWS::Lambda::EventInvokeConfig":       (*stack).eventInvokeConfig,
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
