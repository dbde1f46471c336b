package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

// offence is an attribute that holds card data, or may hold some.
type offence struct {
	// attribute is the name of the item's attribute.
	attribute string
	// path says where in the attribute it was found. It can be shown: a name that is itself a card number is not in it.
	path string
	// sensitive: what was found is sensitive authentication data, which must not be kept at all.
	sensitive bool
}

// findOffences is the PAN guard: a token that is none, card numbers in everything whose form does not exclude them, and sensitive
// authentication data by its name.
func findOffences(item authorizationitem.Item) []offence {
	var offences []offence
	for _, name := range slices.Sorted(maps.Keys(item)) {
		if o, found := searchAttribute(name, item[name]); found {
			o.attribute = name
			offences = append(offences, o)
		}
	}
	return offences
}

func searchAttribute(name string, value types.AttributeValue) (offence, bool) {
	text, isText := value.(*types.AttributeValueMemberS)
	if name == "panToken" {
		return offence{path: name}, !isAbsent(value) && (!isText || !payment.IsPANToken(text.Value))
	}
	if isText && payment.FieldHasForm(name, text.Value) {
		return offence{}, false
	}
	var s search
	if authorizationitem.IsKnown(name) {
		s.value(name, value)
	} else {
		s.member("", name, value)
	}
	// A number may be spread over the elements of a list or a map.
	if s.card == "" && len(s.parts) > 1 && panguard.Contains(strings.Join(s.parts, ",")) {
		s.card = shownName(name)
	}
	if s.sensitive != "" {
		return offence{path: s.sensitive, sensitive: true}, true
	}
	return offence{path: s.card}, s.card != ""
}

// isAbsent reports whether a value is an empty text or null: no token, but no card number in its place either.
func isAbsent(value types.AttributeValue) bool {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value == ""
	case *types.AttributeValueMemberNULL:
		return true
	default:
		return false
	}
}

// search is one look through an attribute: where the first card number and the first sensitive authentication data were found.
type search struct {
	card, sensitive string
	// parts are all texts and numbers, in their order.
	parts []string
}

func (s *search) foundCard(path string, found bool) {
	if found && s.card == "" {
		s.card = path
	}
}

func (s *search) foundSensitive(path string, found bool) {
	if found && s.sensitive == "" {
		s.sensitive = path
	}
}

// shownName is a name as a path may show it.
func shownName(name string) string {
	if panguard.Contains(name) {
		return panguard.NameWithheld
	}
	return name
}

// member looks at an attribute of the item, or at an entry of a map.
func (s *search) member(parent, name string, value types.AttributeValue) {
	path := shownName(name)
	hasCard := path != name
	if parent != "" {
		path = parent + "." + path
	}
	s.foundCard(path, hasCard)
	s.foundSensitive(path, panguard.SensitiveName(name) && isData(value))
	s.value(path, value)
}

func (s *search) value(path string, value types.AttributeValue) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		s.text(path, v.Value)
	case *types.AttributeValueMemberN:
		s.foundCard(path, panguard.ContainsNumber(v.Value))
		s.parts = append(s.parts, v.Value)
	case *types.AttributeValueMemberB:
		s.bytes(path, v.Value)
	case *types.AttributeValueMemberSS:
		for _, element := range v.Value {
			s.text(path, element)
		}
	case *types.AttributeValueMemberNS:
		for _, element := range v.Value {
			s.foundCard(path, panguard.ContainsNumber(element))
			s.parts = append(s.parts, element)
		}
	case *types.AttributeValueMemberBS:
		for _, element := range v.Value {
			s.bytes(path, element)
		}
	case *types.AttributeValueMemberL:
		for i, element := range v.Value {
			s.value(path+"["+strconv.Itoa(i)+"]", element)
		}
	case *types.AttributeValueMemberM:
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			s.member(path, name, v.Value[name])
		}
	}
}

func (s *search) text(path, text string) {
	s.foundCard(path, panguard.Contains(text))
	s.foundSensitive(path, panguard.NamesSensitiveData(text))
	s.parts = append(s.parts, text)
}

func (s *search) bytes(path string, data []byte) {
	s.foundCard(path, panguard.ContainsBytes(data))
	s.foundSensitive(path, panguard.NamesSensitiveData(string(data)))
}

// isData reports whether a value is more than a flag or nothing: "pin": true says that one was entered, not which.
func isData(value types.AttributeValue) bool {
	switch v := value.(type) {
	case *types.AttributeValueMemberNULL, *types.AttributeValueMemberBOOL:
		return false
	case *types.AttributeValueMemberS:
		return v.Value != ""
	case *types.AttributeValueMemberB:
		return len(v.Value) > 0
	case *types.AttributeValueMemberL:
		return len(v.Value) > 0
	case *types.AttributeValueMemberM:
		return len(v.Value) > 0
	default:
		return true
	}
}
