package local

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// policy is a resource policy as far as it decides whether a service may send to the resource: a queue or topic that does
// not let EventBridge in works in a careless emulator and receives nothing on AWS.
type policy struct {
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Principal principals
	Action    words
	Resource  words
	Condition map[string]map[string]words
}

// words is a string or a list of strings.
type words []string

func (w *words) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(w))
}

// principals is "*" or a map from kinds of principals to names.
type principals map[string]words

func (p *principals) UnmarshalJSON(data []byte) error {
	if string(data) == `"*"` {
		*p = principals{"*": {"*"}}
		return nil
	}
	return json.Unmarshal(data, (*map[string]words)(p))
}

// request is what a policy is asked: may service do action on resource, with these condition keys?
type request struct {
	service, action, resource string
	keys                      map[string]string
}

// parsePolicy reads a policy document and refuses what evaluation would not understand.
func parsePolicy(document any) (policy, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return policy{}, fmt.Errorf("encoding policy: %w", err)
	}
	var p policy
	if err := json.Unmarshal(data, &p); err != nil {
		return policy{}, fmt.Errorf("reading policy: %w", err)
	}
	for _, s := range p.Statement {
		for operator := range s.Condition {
			if _, ok := operators[operator]; !ok {
				return policy{}, fmt.Errorf("reading policy statement %q: the local runtime does not do condition operator %s", s.Sid, operator)
			}
		}
	}
	return p, nil
}

// allows evaluates a policy as IAM does: an explicit deny wins, and without an allow the answer is no.
func (p policy) allows(r request) bool {
	allowed := false
	for _, s := range p.Statement {
		if !s.applies(r) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s statement) applies(r request) bool {
	if !s.names(r.service) || !s.Action.match(r.action) || !s.Resource.match(r.resource) {
		return false
	}
	for operator, conditions := range s.Condition {
		for key, values := range conditions {
			actual, present := r.keys[key]
			if !present || !slices.ContainsFunc(values, func(want string) bool { return operators[operator](actual, want) }) {
				return false
			}
		}
	}
	return true
}

func (s statement) names(service string) bool {
	return slices.Contains(s.Principal["Service"], service) || slices.Contains(s.Principal["AWS"], "*") || slices.Contains(s.Principal["*"], "*")
}

func (w words) match(actual string) bool {
	return slices.ContainsFunc(w, func(pattern string) bool { return wildcard(actual, pattern) })
}

// operators are the condition operators evaluated; all compare one value at a time.
var operators = map[string]func(actual, want string) bool{
	"StringEquals": func(actual, want string) bool { return actual == want },
	"StringLike":   wildcard,
	"ArnEquals":    wildcard,
	"ArnLike":      wildcard,
	"Bool":         strings.EqualFold,
}

// wildcard matches * and ? as IAM does: across every character, "/" and ":" included.
func wildcard(actual, pattern string) bool {
	// path.Match stops * at "/", so slashes become a character that ARNs do not have.
	hide := strings.NewReplacer("/", "\x00", "[", "\x01", "\\", "\x02")
	matched, err := path.Match(hide.Replace(pattern), hide.Replace(actual))
	return err == nil && matched
}
