package eventbridge

import (
	"encoding/base64"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/payrail/payrail/local/wire"
)

// What the API model says of members that many operations share.
// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html
const (
	maxDescription = 512
	maxPage        = 100
	maxInput       = 8192 // Of a target's Input.
	maxInputPath   = 256
)

// nameForm is a kind of name: its pattern as the service's messages quote it, and its longest length.
type nameForm struct {
	pattern string
	form    *regexp.Regexp
	max     int
}

func newNameForm(characters string, most int) nameForm {
	return nameForm{pattern: characters, form: regexp.MustCompile(`^` + characters + `$`), max: most}
}

var (
	busNames     = newNameForm(`[/\.\-_A-Za-z0-9]+`, 256)
	ruleNames    = newNameForm(`[\.\-_A-Za-z0-9]+`, 64)
	targetIDs    = ruleNames
	replayNames  = ruleNames
	archiveNames = newNameForm(`[\.\-_A-Za-z0-9]+`, 48)
)

// violated is the service's message about one member of a request that breaks a constraint of the API model.
func violated(value, member, constraint string) error {
	return wire.Errorf("ValidationException", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, member, constraint)
}

func (f nameForm) check(value, member string) error {
	switch {
	case value == "":
		return violated(value, member, "have length greater than or equal to 1")
	case len(value) > f.max:
		return tooLong(value, member, f.max)
	case !f.form.MatchString(value):
		return violated(value, member, "satisfy regular expression pattern: "+f.pattern)
	}
	return nil
}

// checkLength refuses a text with more characters than the model allows.
func checkLength(value, member string, most int) error {
	if utf8.RuneCountInString(value) > most {
		return tooLong(value, member, most)
	}
	return nil
}

func tooLong(value, member string, most int) error {
	return wire.Errorf("ValidationException", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", value, member, most)
}

// page is the part of a list that one answer has. Lists are ordered by name; the token is the last name of the page before, so that
// a list goes on rightly where names come and go between the calls.
type page struct {
	Limit     *int
	NextToken string
}

// names takes the page's part of sorted names, and the token for the next one, empty at the end.
func (p page) names(all []string) (part []string, next string, err error) {
	limit := maxPage
	if p.Limit != nil {
		switch limit = *p.Limit; {
		case limit < 1:
			return nil, "", wire.Errorf("ValidationException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
				"Member must have value greater than or equal to 1", limit)
		case limit > maxPage:
			return nil, "", wire.Errorf("ValidationException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
				"Member must have value less than or equal to %d", limit, maxPage)
		}
	}
	if p.NextToken != "" {
		last, err := base64.RawURLEncoding.DecodeString(p.NextToken)
		if err != nil {
			return nil, "", wire.Errorf("ValidationException", "Parameter NextToken is not valid.")
		}
		i, found := slices.BinarySearch(all, string(last))
		if found {
			i++
		}
		all = all[i:]
	}
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], base64.RawURLEncoding.EncodeToString([]byte(all[limit-1])), nil
}
