package sns

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// maxAttributeName is SNS's limit of the length of a message attribute's name, in bytes.
const maxAttributeName = 256

var otherThanNames = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// checkAttributes refuses what SNS refuses of message attributes; at is where they stand in the request.
// Source: recorded answers of AWS, https://github.com/localstack/localstack/blob/main/tests/aws/services/sns/test_sns.snapshot.json
// (test_empty_or_wrong_message_attributes, test_message_attributes_prefixes).
func checkAttributes(attributes map[string]Attribute, at string) error {
	for _, name := range slices.Sorted(maps.Keys(attributes)) { // In one order, so that the same mistake has the same error.
		if err := checkAttributeName(name); err != nil {
			return err
		}
		a := attributes[name]
		kind, custom, dotted := strings.Cut(a.DataType, ".")
		field, empty := "String", a.StringValue == ""
		if kind == "Binary" {
			field, empty = "Binary", len(a.BinaryValue) == 0
		}
		switch {
		case a.DataType == "":
			return wire.Errorf("ValidationError", "1 validation error detected: Value null at '%smessageAttributes.%s.member.dataType' failed to satisfy constraint: Member must not be null", at, name)
		case !slices.Contains([]string{"String", "Number", "Binary"}, kind) || dotted && custom == "":
			return invalidAttribute("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		case a.StringValue == "" && len(a.BinaryValue) == 0:
			return invalidAttribute("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
		case empty:
			return invalidAttribute("The message attribute '%s' with type '%s' must use field '%s'.", name, a.DataType, field)
		}
	}
	return nil
}

func checkAttributeName(name string) error {
	switch {
	case len(name) > maxAttributeName:
		return invalidAttribute("Length of message attribute name must be less than 256 bytes.")
	case otherThanNames.MatchString(name):
		return invalidAttribute("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
			[]rune(otherThanNames.FindString(name))[0])
	case strings.HasPrefix(name, "."):
		return invalidAttribute("Invalid message attribute name starting with character '.' was found.")
	case strings.HasSuffix(name, "."):
		return invalidAttribute("Invalid message attribute name ending with character '.' was found.")
	case strings.Contains(name, ".."):
		return invalidAttribute("Message attribute name can not have successive '.' character.")
	}
	return nil
}

// invalidAttribute has the code that the API model gives InvalidParameterValueException.
func invalidAttribute(format string, args ...any) error {
	return wire.Errorf("ParameterValueInvalid", format, args...)
}
