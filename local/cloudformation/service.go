// Package cloudformation answers what clients ask about the stacks that the local runtime has created: their status,
// outputs and resources. Stacks come from the runtime's start; none can be created or changed through the protocol.
package cloudformation

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

// complete is the status of every stack and resource here: the runtime serves only once all is created.
const complete = "CREATE_COMPLETE"

// Options are what a Service needs.
type Options struct {
	Faults *faults.Injector
}

// Stack is a created stack.
type Stack struct {
	Name        string
	ID          string
	Description string
	Created     time.Time
	Outputs     []Output
	Resources   []Resource
}

// Output is an output of a stack.
type Output struct{ Key, Value, Description, ExportName string }

// Resource is a resource of a stack. PhysicalID is what Ref gives.
type Resource struct{ LogicalID, PhysicalID, Type string }

// Service holds the stacks. It is safe for concurrent use.
type Service struct {
	*wire.Query
	mu     sync.RWMutex
	stacks map[string]Stack
}

// New makes a Service without stacks.
func New(o Options) *Service {
	s := &Service{stacks: map[string]Stack{}}
	s.Query = &wire.Query{
		Name: "cloudformation", Namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/", Faults: o.Faults,
		Operations: map[string]wire.QueryOperation{
			"DescribeStacks":         s.describeStacks,
			"DescribeStackResources": s.describeStackResources,
			"DescribeStackResource":  s.describeStackResource,
			"ListStackResources":     s.listStackResources,
			"ListStacks":             s.listStacks,
		},
	}
	return s
}

// Set adds a created stack, or takes the place of the one with its name.
func (s *Service) Set(stack Stack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stacks[stack.Name] = stack
}

// find takes a stack's name or id.
func (s *Service) find(nameOrID string) (Stack, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, stack := range s.stacks {
		if nameOrID == stack.Name || nameOrID == stack.ID {
			return stack, nil
		}
	}
	return Stack{}, wire.Errorf("ValidationError", "Stack with id %s does not exist", nameOrID)
}

func (s *Service) all() []Stack {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.stacks), func(a, b Stack) int { return strings.Compare(a.Name, b.Name) })
}

type stackMember struct {
	StackId         string
	StackName       string
	Description     string `xml:",omitempty"`
	CreationTime    string
	StackStatus     string
	DisableRollback bool
	Outputs         []outputMember `xml:"Outputs>member"`
}

type outputMember struct {
	OutputKey   string
	OutputValue string
	Description string `xml:",omitempty"`
	ExportName  string `xml:",omitempty"`
}

func (s *Service) describeStacks(_ context.Context, form url.Values) (any, error) {
	stacks := s.all()
	if name := form.Get("StackName"); name != "" {
		stack, err := s.find(name)
		if err != nil {
			return nil, err
		}
		stacks = []Stack{stack}
	}
	var out struct {
		Stacks []stackMember `xml:"Stacks>member"`
	}
	for _, stack := range stacks {
		m := stackMember{
			StackId: stack.ID, StackName: stack.Name, Description: stack.Description, CreationTime: timestamp(stack.Created), StackStatus: complete,
		}
		for _, o := range stack.Outputs {
			m.Outputs = append(m.Outputs, outputMember{o.Key, o.Value, o.Description, o.ExportName})
		}
		out.Stacks = append(out.Stacks, m)
	}
	return out, nil
}

type resourceMember struct {
	StackId            string
	StackName          string
	LogicalResourceId  string
	PhysicalResourceId string
	ResourceType       string
	Timestamp          string
	ResourceStatus     string
}

func (stack Stack) member(r Resource) resourceMember {
	return resourceMember{
		StackId: stack.ID, StackName: stack.Name, LogicalResourceId: r.LogicalID, PhysicalResourceId: r.PhysicalID, ResourceType: r.Type,
		Timestamp: timestamp(stack.Created), ResourceStatus: complete,
	}
}

func (s *Service) describeStackResources(_ context.Context, form url.Values) (any, error) {
	name, physical, logical := form.Get("StackName"), form.Get("PhysicalResourceId"), form.Get("LogicalResourceId")
	stacks := s.all()
	switch {
	case name == "" && physical == "":
		return nil, wire.Errorf("ValidationError", "StackName or PhysicalResourceId must be specified")
	case name != "" && physical != "":
		return nil, wire.Errorf("ValidationError", "StackName and PhysicalResourceId must not both be specified")
	case name != "":
		stack, err := s.find(name)
		if err != nil {
			return nil, err
		}
		stacks = []Stack{stack}
	}
	var out struct {
		StackResources []resourceMember `xml:"StackResources>member"`
	}
	for _, stack := range stacks {
		if physical != "" && !slices.ContainsFunc(stack.Resources, func(r Resource) bool { return r.PhysicalID == physical }) {
			continue
		}
		for _, r := range stack.Resources {
			if logical == "" || r.LogicalID == logical {
				out.StackResources = append(out.StackResources, stack.member(r))
			}
		}
	}
	if physical != "" && len(out.StackResources) == 0 {
		return nil, wire.Errorf("ValidationError", "Stack for %s does not exist", physical)
	}
	return out, nil
}

type resourceDetail struct {
	StackId              string
	StackName            string
	LogicalResourceId    string
	PhysicalResourceId   string
	ResourceType         string
	LastUpdatedTimestamp string
	ResourceStatus       string
}

func (s *Service) describeStackResource(_ context.Context, form url.Values) (any, error) {
	stack, err := s.find(form.Get("StackName"))
	if err != nil {
		return nil, err
	}
	logical := form.Get("LogicalResourceId")
	for _, r := range stack.Resources {
		if r.LogicalID == logical {
			return struct{ StackResourceDetail resourceDetail }{stack.member(r).detail()}, nil
		}
	}
	return nil, wire.Errorf("ValidationError", "Resource %s does not exist for stack %s", logical, stack.Name)
}

func (m resourceMember) detail() resourceDetail {
	return resourceDetail{
		StackId: m.StackId, StackName: m.StackName, LogicalResourceId: m.LogicalResourceId, PhysicalResourceId: m.PhysicalResourceId,
		ResourceType: m.ResourceType, LastUpdatedTimestamp: m.Timestamp, ResourceStatus: m.ResourceStatus,
	}
}

type resourceSummary struct {
	LogicalResourceId    string
	PhysicalResourceId   string
	ResourceType         string
	LastUpdatedTimestamp string
	ResourceStatus       string
}

func (s *Service) listStackResources(_ context.Context, form url.Values) (any, error) {
	stack, err := s.find(form.Get("StackName"))
	if err != nil {
		return nil, err
	}
	var out struct {
		StackResourceSummaries []resourceSummary `xml:"StackResourceSummaries>member"`
	}
	for _, r := range stack.Resources {
		out.StackResourceSummaries = append(out.StackResourceSummaries, resourceSummary{
			LogicalResourceId: r.LogicalID, PhysicalResourceId: r.PhysicalID, ResourceType: r.Type,
			LastUpdatedTimestamp: timestamp(stack.Created), ResourceStatus: complete,
		})
	}
	return out, nil
}

type stackSummary struct{ StackId, StackName, CreationTime, StackStatus string }

func (s *Service) listStacks(_ context.Context, form url.Values) (any, error) {
	wanted, filtered := false, false
	for name, values := range form {
		if strings.HasPrefix(name, "StackStatusFilter.member.") {
			filtered = true
			wanted = wanted || slices.Contains(values, complete)
		}
	}
	var out struct {
		StackSummaries []stackSummary `xml:"StackSummaries>member"`
	}
	if filtered && !wanted {
		return out, nil
	}
	for _, stack := range s.all() {
		out.StackSummaries = append(out.StackSummaries, stackSummary{stack.ID, stack.Name, timestamp(stack.Created), complete})
	}
	return out, nil
}

func timestamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
