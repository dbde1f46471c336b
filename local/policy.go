package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// policy is a resource policy as far as it decides whether a service may send to the resource: a queue or topic that does
// not let EventBridge in works in a careless emulator and receives nothing on AWS.
type policy struct {
	Version, ID string
	Statement   []statement
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

// The condition keys a delivery by another service has, in lower case.
const (
	keySourceARN       = "aws:sourcearn"
	keySourceAccount   = "aws:sourceaccount"
	keySecureTransport = "aws:securetransport"
)

var conditionKeys = []string{keySourceARN, keySourceAccount, keySecureTransport}

// request is what a policy is asked: may service do action on resource, with these condition keys (in lower case)?
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
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields() // NotAction, NotPrincipal and NotResource turn a statement's meaning around.
	if err := decoder.Decode(&p); err != nil {
		return policy{}, fmt.Errorf("reading policy: %w", err)
	}
	for _, s := range p.Statement {
		if err := s.check(); err != nil {
			return policy{}, fmt.Errorf("reading policy statement %q: %w", s.Sid, err)
		}
	}
	return p, nil
}

// check refuses what applies would misread.
func (s statement) check() error {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return fmt.Errorf("the effect is %q, want Allow or Deny", s.Effect)
	}
	for operator, conditions := range s.Condition {
		if _, ok := operators[operator]; !ok {
			return fmt.Errorf("the local runtime does not do condition operator %s", operator)
		}
		for key, values := range conditions {
			if !slices.Contains(conditionKeys, strings.ToLower(key)) {
				return fmt.Errorf("the local runtime does not do condition key %s", key)
			}
			for _, value := range values {
				if strings.HasPrefix(operator, "Arn") && strings.Count(value, ":") < arnParts-1 {
					return fmt.Errorf("%s compares with %q, which is not an ARN", operator, value)
				}
			}
		}
	}
	return nil
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
	// Names of actions and condition keys are not case-sensitive: a Deny of "SQS:*" is one.
	lower := func(pattern string) bool { return wildcard(strings.ToLower(r.action), strings.ToLower(pattern)) }
	if !s.names(r.service) || !slices.ContainsFunc(s.Action, lower) || !s.Resource.match(r.resource) {
		return false
	}
	for operator, conditions := range s.Condition {
		for key, values := range conditions {
			actual, present := r.keys[strings.ToLower(key)]
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
	"ArnEquals":    arnLike,
	"ArnLike":      arnLike,
	"Bool":         strings.EqualFold,
}

// arnParts is how many parts an ARN has; the last one may hold colons.
const arnParts = 6

// arnLike matches each part of an ARN by itself: a * does not reach across the colons before the resource.
func arnLike(actual, pattern string) bool {
	have, want := strings.SplitN(actual, ":", arnParts), strings.SplitN(pattern, ":", arnParts)
	return slices.EqualFunc(have, want, wildcard)
}

// wildcard matches * and ? as IAM does: across every character, "/" and ":" included.
func wildcard(actual, pattern string) bool {
	// path.Match stops * at "/", so slashes become a character that ARNs do not have.
	hide := strings.NewReplacer("/", "\x00", "[", "\x01", "\\", "\x02")
	matched, err := path.Match(hide.Replace(pattern), hide.Replace(actual))
	return err == nil && matched
}
