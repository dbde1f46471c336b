package payment

import (
	"errors"
	"fmt"
	"strings"
)

// Places in the account names of the chart of accounts.
const (
	placeAccount      = "account"
	placeScheme       = "scheme"
	placeCurrency     = "currency"
	placeBranch       = "branch"
	placeJurisdiction = "jurisdiction"
)

// template is an account name of the chart, taken apart.
type template []templatePart

// templatePart is literal text, or a place where something is filled in.
type templatePart struct{ text, place string }

// parseTemplate takes a name like "SCHEME_PAYABLE.{scheme}.{currency}" apart.
func parseTemplate(name string) (template, error) {
	var parts template
	for rest := name; rest != ""; {
		text, after, found := strings.Cut(rest, "{")
		if text != "" {
			parts = append(parts, templatePart{text: text})
		}
		if !found {
			break
		}
		place, remainder, closed := strings.Cut(after, "}")
		switch place {
		case placeAccount, placeScheme, placeCurrency, placeBranch, placeJurisdiction:
		default:
			closed = false
		}
		if !closed {
			return nil, fmt.Errorf("account %q has a place that is none of {account}, {scheme}, {currency}, {branch}, {jurisdiction}", name)
		}
		parts, rest = append(parts, templatePart{place: place}), remainder
	}
	if len(parts) == 0 {
		return nil, errors.New("it has no account")
	}
	return parts, nil
}

// places is what account names are filled in with.
type places struct{ account, scheme, branch, jurisdiction string }

func (p places) of(place string, currency Currency) string {
	switch place {
	case placeAccount:
		return p.account
	case placeScheme:
		return p.scheme
	case placeBranch:
		return p.branch
	case placeJurisdiction:
		return p.jurisdiction
	default:
		return string(currency)
	}
}

// placeNames are the places as people call them.
var placeNames = map[string]string{placeAccount: "customer's account", placeScheme: "scheme", placeBranch: "branch", placeJurisdiction: "tax jurisdiction"}

// account names the account of a role. The error says what is not known of it.
func (t *postingTable) account(role Role, p places, currency Currency) (string, error) {
	var name strings.Builder
	for _, part := range t.templates[role] {
		value := part.text
		if part.place != "" {
			value = p.of(part.place, currency)
		}
		if value == "" {
			reason := reasonAccount
			if part.place == placeJurisdiction {
				reason = reasonTerms
			}
			return "", &Error{Kind: Invalid, Reason: reason, Err: fmt.Errorf("account %s needs the %s", role, placeNames[part.place])}
		}
		name.WriteString(value)
	}
	return name.String(), nil
}

// reasonAccount is the reason of a posting to an account of which not everything is known.
const reasonAccount = "ACCOUNT_MISSING"

// suspenseAccount is the account of what is in suspense in a currency. The table's check makes sure that it needs nothing else.
func suspenseAccount(c Currency) (string, error) {
	return postingRules.account(RoleSuspense, places{}, c)
}
