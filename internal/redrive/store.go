package redrive

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// Kind says what fills a store, and so where its items go.
type Kind string

// Kinds of store.
const (
	Processor  Kind = "PROCESSOR"     // events that a function failed on which consumes a queue
	Rule       Kind = "RULE"          // events that a rule could not deliver to its target
	Machine    Kind = "STATE_MACHINE" // events that a state machine caught an error on
	Pipe       Kind = "PIPE"          // where in the stream the records are that a pipe gave up
	Function   Kind = "FUNCTION"      // events of asynchronous invocations that failed
	Bus        Kind = "BUS"           // events that the bus could not take or hand on
	Parked     Kind = "PARKED"        // payments that were refused, with the reason
	Quarantine Kind = "QUARANTINE"    // items that held a card number: only counted
	Unknown    Kind = "UNKNOWN"       // a queue by its name, of which this version knows nothing
)

// ParkedName is the name of the store of parked payments.
const ParkedName = "Parked"

const quarantineName = "Quarantine"

// page says what to do with the items of each kind of store.
const page = "docs/how-to/redrive.md"

// Store is a place where items were set aside.
type Store struct {
	// Name is the queue's logical id in the stack without what CDK appends to it.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Address is the queue's URL or the bucket's name.
	Address string `json:"address"`
	// To says where items go back to; it is empty where none does.
	To string `json:"to,omitempty"`
	// Runbook is the page, and the place on it, that says what to do.
	Runbook string `json:"runbook"`

	// target is the address behind To, where all items of the store have the same.
	target string
}

// OnlyCounted reports whether nobody reads the store's items here, because they are card data.
func (s Store) OnlyCounted() bool { return s.Kind == Quarantine }

// isQueue reports whether the store is a queue and not a bucket.
func (s Store) isQueue() bool { return s.Kind != Parked && s.Kind != Quarantine }

// Stack models the CloudFormation client.
type Stack interface {
	ListStackResources(context.Context, *cloudformation.ListStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error)
}

// Layout is what of a stack a redrive works with.
type Layout struct {
	Stores []Store
	// DedupFunction, AuthorizationsTable and EventBus are physical names.
	DedupFunction       string
	AuthorizationsTable string
	EventBus            string
}

// resourceTypes are those that matter here.
const (
	typeQueue    = "AWS::SQS::Queue"
	typeFunction = "AWS::Lambda::Function"
	typeMachine  = "AWS::StepFunctions::StateMachine"
	typePipe     = "AWS::Pipes::Pipe"
	typeBus      = "AWS::Events::EventBus"
	typeBucket   = "AWS::S3::Bucket"
	typeTable    = "AWS::DynamoDB::Table"
)

// Endings of the names of queues that set events aside.
const (
	deadLetters = "DeadLetters"
	undelivered = "Undelivered"
)

// suffix is the hash that CDK appends to a logical id.
var suffix = regexp.MustCompile(`[0-9A-F]{8}$`)

// resources are physical ids by type and name.
type resources map[string]map[string]string

// Discover finds the stores of a stack.
func Discover(ctx context.Context, client Stack, stack string) (Layout, error) {
	found := resources{}
	pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Layout{}, fmt.Errorf("listing the resources of stack %s: %w", stack, err)
		}
		for _, r := range page.StackResourceSummaries {
			kind := aws.ToString(r.ResourceType)
			if found[kind] == nil {
				found[kind] = map[string]string{}
			}
			found[kind][suffix.ReplaceAllString(aws.ToString(r.LogicalResourceId), "")] = aws.ToString(r.PhysicalResourceId)
		}
	}
	return found.layout(), nil
}

func (r resources) layout() Layout {
	l := Layout{DedupFunction: r[typeFunction]["DedupFunction"], AuthorizationsTable: r[typeTable]["TablesAuthorizations"], EventBus: r[typeBus]["Bus"]}
	for name, url := range r[typeQueue] {
		if scope, ok := strings.CutSuffix(name, deadLetters); ok {
			l.Stores = append(l.Stores, r.deadLetters(scope, Store{Name: name, Address: url}))
		} else if strings.HasSuffix(name, undelivered) {
			l.Stores = append(l.Stores, Store{Name: name, Kind: Rule, Address: url, To: "the rule's target", Runbook: page + "#undelivered"})
		}
	}
	if bucket := r[typeBucket]["Buckets"+ParkedName]; bucket != "" {
		l.Stores = append(l.Stores, Store{Name: ParkedName, Kind: Parked, Address: bucket, To: "dedup, if it was rejected", Runbook: page + "#parked"})
	}
	if bucket := r[typeBucket]["Buckets"+quarantineName]; bucket != "" {
		l.Stores = append(l.Stores, Store{Name: quarantineName, Kind: Quarantine, Address: bucket, Runbook: page + "#quarantine"})
	}
	slices.SortFunc(l.Stores, func(a, b Store) int { return cmp.Or(a.rank()-b.rank(), strings.Compare(a.Name, b.Name)) })
	return l
}

// deadLetters says what fills a queue <scope>DeadLetters: what else the scope has in the stack tells.
func (r resources) deadLetters(scope string, s Store) Store {
	switch {
	case r[typeQueue][scope+"Queue"] != "":
		s.Kind, s.To, s.target, s.Runbook = Processor, scope+"Queue", r[typeQueue][scope+"Queue"], page+"#processors"
	case r[typeMachine][scope+"StateMachine"] != "":
		s.Kind, s.To, s.target, s.Runbook = Machine, scope+"StateMachine", r[typeMachine][scope+"StateMachine"], page+"#rules"
	case r[typePipe][scope] != "":
		s.Kind, s.To, s.Runbook = Pipe, "dedup and the bus", page+"#pipe"
	case r[typeBus][scope] != "":
		s.Kind, s.To, s.target, s.Runbook = Bus, "the bus", r[typeBus][scope], page+"#bus"
	case r[typeFunction][scope+"Function"] != "":
		s.Kind, s.To, s.target, s.Runbook = Function, scope+"Function", r[typeFunction][scope+"Function"], page+"#functions"
	default:
		s.Kind, s.Runbook = Unknown, page+"#unknown"
	}
	return s
}

// rank orders stores from the pipeline's end to its beginning: what one store puts back is then not met again in the next one,
// where it may fail once more, within a run.
func (s Store) rank() int {
	return slices.Index([]Kind{Function, Processor, Machine, Rule, Pipe, Bus, Parked, Quarantine, Unknown}, s.Kind)
}

// scope is the name without its ending: that of the stage.
func (s Store) scope() string {
	return strings.TrimSuffix(strings.TrimSuffix(s.Name, deadLetters), undelivered)
}
