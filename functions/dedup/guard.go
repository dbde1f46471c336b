package main

import (
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

// offence is an attribute that holds a card number, or may hold one.
type offence struct {
	// attribute is the name of the item's attribute.
	attribute string
	// path says where in the attribute the number was found. It can be shown: a name that is itself a card number is not in it.
	path string
}

// nameWithheld stands in a path for a name that holds a card number.
const nameWithheld = "(name withheld)"

// findOffences is the PAN guard: a token that is none, and card numbers in everything whose form does not exclude them.
func findOffences(item authorizationitem.Item) []offence {
	var offences []offence
	for _, name := range slices.Sorted(maps.Keys(item)) {
		if path, found := searchAttribute(name, item[name]); found {
			offences = append(offences, offence{attribute: name, path: path})
		}
	}
	return offences
}

func searchAttribute(name string, value types.AttributeValue) (path string, found bool) {
	text, isText := value.(*types.AttributeValueMemberS)
	if name == "panToken" {
		return name, !isAbsent(value) && (!isText || !payment.IsPANToken(text.Value))
	}
	if isText && payment.FieldHasForm(name, text.Value) {
		return "", false
	}
	if panguard.Contains(name) {
		return nameWithheld, true
	}
	return search(name, value)
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

// search looks for a card number in a value of any type; the path is that of the first one.
func search(path string, value types.AttributeValue) (string, bool) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return path, panguard.Contains(v.Value)
	case *types.AttributeValueMemberN:
		return path, panguard.Contains(v.Value)
	case *types.AttributeValueMemberB:
		return path, panguard.ContainsBytes(v.Value)
	case *types.AttributeValueMemberSS:
		return path, slices.ContainsFunc(v.Value, panguard.Contains)
	case *types.AttributeValueMemberNS:
		return path, slices.ContainsFunc(v.Value, panguard.Contains)
	case *types.AttributeValueMemberBS:
		return path, slices.ContainsFunc(v.Value, panguard.ContainsBytes)
	case *types.AttributeValueMemberL:
		for i, element := range v.Value {
			if at, found := search(path+"["+strconv.Itoa(i)+"]", element); found {
				return at, true
			}
		}
	case *types.AttributeValueMemberM:
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			if panguard.Contains(name) {
				return path + "." + nameWithheld, true
			}
			if at, found := search(path+"."+name, v.Value[name]); found {
				return at, true
			}
		}
	}
	return path, false
}
