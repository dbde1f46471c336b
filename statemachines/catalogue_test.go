package statemachines_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/statemachines"
)

var update = flag.Bool("update", false, "write docs/reference/business-rules.md anew")

// cataloguePage is generated from the catalogue.
var cataloguePage = filepath.Join("..", "docs", "reference", "business-rules.md")

// listedRule is a row of the table in the state ListRules.
type listedRule struct {
	Rule, Event, Charge                string
	Holds                              json.RawMessage `json:"holds"`
	Fact                               string          `json:"holds.$"`
	Off                                string          `json:"off.$"`
	Tells, Counts, Decides, IfApproved *bool
	Data                               map[string]string
	Decision                           *struct{ Outcome, Reason, ISOReason string }
}

func listedRules(t *testing.T) []listedRule {
	t.Helper()
	var definition struct {
		States struct {
			ListRules struct{ Parameters struct{ All []listedRule } }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(statemachines.PostingRules), &definition))
	return definition.States.ListRules.Parameters.All
}

// The table of the state machine and the catalogue that people read say the same.
func TestTheTableAndTheCatalogueAgree(t *testing.T) {
	contracts := map[string]bool{}
	for _, c := range events.Contracts() {
		contracts[string(c.DetailType)] = true
	}
	inTable := map[string]string{"R-001": ""} // which ends the evaluation before the table
	counted := map[string]int{}
	decides := false
	for _, row := range listedRules(t) {
		for name, set := range map[string]*bool{"tells": row.Tells, "counts": row.Counts, "decides": row.Decides, "ifApproved": row.IfApproved} {
			require.NotNil(t, set, "%s: %s", row.Rule, name)
		}
		inTable[row.Rule] += row.Event
		require.Equal(t, row.Rule, row.Data["rule"])
		require.Equal(t, *row.Tells, row.Event != "NONE", row.Rule)
		require.True(t, !*row.Tells || contracts[row.Event], "%s: %s is no event", row.Rule, row.Event)
		require.Equal(t, *row.Decides, row.Decision != nil, row.Rule)
		require.False(t, decides && !*row.Decides, "%s: what decides comes last", row.Rule)
		decides = decides || *row.Decides
		if row.Rule != "R-005" {
			require.Equal(t, "States.ArrayContains($.settings.off, '"+row.Rule+"')", row.Off)
		}
		require.Equal(t, row.Charge != "NONE", row.Event == string(events.FeeApplied), row.Rule)
		require.True(t, row.Charge == "NONE" || *row.IfApproved, "%s: only an approved payment bears a fee", row.Rule)
		if *row.Counts && !*row.Decides {
			counted[row.Rule]++
			require.Equal(t, 1, counted[row.Rule], "%s would stand in rulesFired twice", row.Rule)
		}
	}
	var catalogued []string
	for _, rule := range payment.BusinessRules() {
		if rule.DecidedBy != payment.StageRules {
			continue
		}
		catalogued = append(catalogued, rule.ID)
		_, ok := inTable[rule.ID]
		require.True(t, ok, "%s is not in the table", rule.ID)
		for name := range contracts {
			decision := strings.HasPrefix(name, "TransactionPosting") || name == string(events.TransactionRoutedToSuspense)
			require.Equal(t, strings.Contains(inTable[rule.ID], name), strings.Contains(rule.Event, "`"+name+"`") && !decision, "%s and %s", rule.ID, name)
		}
	}
	for rule := range inTable {
		require.Contains(t, catalogued, rule)
	}
}

// Every fact of the table stands in the gate before it, or its rule would not fire alone, and in the guard of the input.
func TestEveryFactIsGuarded(t *testing.T) {
	gate := statemachines.PostingRules[strings.Index(statemachines.PostingRules, `"DoesAnyRuleFire"`):strings.Index(statemachines.PostingRules, `"ListRules": {`)]
	guard := statemachines.PostingRules[:strings.Index(statemachines.PostingRules, `"SelectInput": {`)]
	for _, row := range listedRules(t) {
		if row.Rule == "R-005" {
			continue
		}
		require.Contains(t, gate, `{"Variable": "`+row.Fact+`", "BooleanEquals": true}`, row.Rule)
		if fact, ok := strings.CutPrefix(row.Fact, "$.facts."); ok {
			require.Contains(t, guard, `{"Variable": "$.detail.data.facts.`+fact+`", "IsBoolean": true}`, row.Rule)
		}
	}
}

func TestTheCataloguePageIsWritten(t *testing.T) {
	page := catalogue(t)
	if *update {
		require.NoError(t, os.WriteFile(cataloguePage, []byte(page), 0o644))
	}
	checkedIn, err := os.ReadFile(cataloguePage)
	require.NoError(t, err)
	require.Equal(t, page, string(checkedIn), "%s has drifted: run `go test ./statemachines -update`", cataloguePage)
}

// catalogue is the page.
func catalogue(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Business rules

<!-- Generated from payment.BusinessRules by ` + "`go test ./statemachines -update`" + `; tests hold it against the state machine's table. -->

dedup decides what is taken in (R-010 to R-014), posting what needs another payment; the state machine decides the others, on facts
that enrichment computes. All of its rules are evaluated.
Findings and fees add up; of the rules that route a payment the first in the table decides, R-005 if there is none. A payment that is not
posted to its account bears no fee. ` + "`decision.rulesFired`" + ` lists what fired: findings first, then what decides. Every decision and finding carries
` + "`ruleSetVersion`" + `. [Change the rules](../how-to/change-the-rules.md) says how.

| Rule | Condition | Action | Event | Setting | Decided by | Can be off |
|---|---|---|---|---|---|---|
`)
	for _, r := range payment.BusinessRules() {
		off := ""
		if r.Switchable {
			off = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", r.ID, r.Condition, r.Action, r.Event, r.Setting, r.DecidedBy, off)
	}
	b.WriteString(`
Codes in brackets are those of ISO 20022's external code set, in ` + "`decision.isoReason`" + `. Reviews are [failed reviews](../how-to/repair-a-payment.md).

Left out are the rules for limits of amount, velocity, sanctioned countries and overdrafts (R-050, R-051, R-053, R-054): they need state
that the authorizer has, or a list of sanctions that is somebody's service. Tax on fees (R-080) is part of a product's terms.

## Order

What decides, in this order: ` + order(t) + `.

## Settings

Of the item ` + "`SETTINGS` `RULES`" + ` in the reference table, which ` + "`payrail seed`" + ` writes from ` + "`rules.json`" + `. These are the defaults; they are common
practice, not a scheme's rules. A category is four digits or a range of them. Shares are decimals of one.

` + "```json\n")
	settings := payment.DefaultRuleSettings()
	settings.Disabled = []string{}
	defaults, err := json.MarshalIndent(settings, "", "  ")
	require.NoError(t, err)
	b.Write(compacted(defaults))
	b.WriteString("\n```\n")
	return b.String()
}

// order are the rules that decide, as the table has them.
func order(t *testing.T) string {
	t.Helper()
	var rules []string
	for _, row := range listedRules(t) {
		if *row.Decides && !slices.Contains(rules, row.Rule) {
			rules = append(rules, row.Rule)
		}
	}
	return "R-001, which ends the evaluation; " + strings.Join(rules, ", ")
}

var listOfText = regexp.MustCompile(`\[\s+((?:"[^"]*",\s+)*"[^"]*")\s+\]`)

// compacted puts lists of texts on one line.
func compacted(document []byte) []byte {
	return listOfText.ReplaceAllFunc(document, func(list []byte) []byte {
		return []byte("[" + strings.Join(strings.Fields(string(list[1:len(list)-1])), " ") + "]")
	})
}

// howTo is the page that says how to change the rules.
func howTo(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "how-to", "change-the-rules.md"))
	require.NoError(t, err)
	return string(page)
}

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// The steps of the how-to, applied to the definition as they are written there, give a rule that fires, and can be switched off.
func TestARuleIsAddedAsDocumented(t *testing.T) {
	blocks := jsonBlock.FindAllStringSubmatch(howTo(t), -1)
	require.Len(t, blocks, 4, "settings, guard, gate, row")
	definition := statemachines.PostingRules
	for n, before := range []string{`{"Variable": "$.detail.data.facts.merchantWarning", "IsPresent": true}`, `{"Variable": "$.facts.foreign", "BooleanEquals": true}`, `{"rule": "R-015", "event"`} {
		require.Equal(t, 1, strings.Count(definition, before), before)
		definition = strings.Replace(definition, before, blocks[n+1][1]+before, 1)
	}
	for name, tc := range map[string]struct {
		facts facts
		want  []string
	}{
		"fires":       {facts{"largeAmount": true}, []string{"LargeAmountFound R-098", "TransactionPostingApproved APPROVED NONE R-098,R-005"}},
		"does not":    {facts{"largeAmount": false}, []string{"TransactionPostingApproved APPROVED NONE R-005"}},
		"is off":      {facts{"largeAmount": true, "disabledRules": "R-098"}, []string{"TransactionPostingApproved APPROVED NONE R-005"}},
		"with others": {facts{"largeAmount": true, "foreign": true, "accountClosed": true}, []string{"ForeignTransactionFound R-002", "LargeAmountFound R-098", "TransactionRoutedToSuspense SUSPENSE ACCOUNT_CLOSED AC04 R-002,R-098,R-016"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngineOf(t, definition, "corrected")
			e.run(t, enriched(t, tc.facts))
			require.Equal(t, tc.want, e.sent(t))
		})
	}
	t.Run("without the fact", func(t *testing.T) {
		e := newEngineOf(t, definition, "corrected")
		input := enriched(t, nil)
		e.run(t, input)
		requireDeadLetter(t, e, "Payrail.InvalidInput", input)
	})
}

// The settings that the how-to shows are read, and the rule that they switch off does not fire.
func TestSettingsWorkAsDocumented(t *testing.T) {
	settings, err := payment.ParseRuleSettings([]byte(jsonBlock.FindStringSubmatch(howTo(t))[1]))
	require.NoError(t, err)
	require.True(t, settings.Gambling.Contains("7993"))
	require.Equal(t, 45.0, settings.Validity.For("7011").Hours()/24)
	crossBorder := payment.Observed{Account: payment.Account{Status: payment.AccountOpen, Currency: "GBP", Holder: "A HOLDER", SortCode: "601613"}, ProductFound: true, CategoryListed: true,
		Authorization: payment.Authorization{MTI: "0100", ProcessingCode: "000000", MCC: "7993", AcquirerCountry: "831", IssuerCountry: "826",
			TransactionAmount: payment.Money{Minor: 1981, Currency: "GBP"}, BillingAmount: payment.Money{Minor: 1981, Currency: "GBP"}}}
	for name, tc := range map[string]struct {
		settings payment.RuleSettings
		want     []string
	}{
		"before": {payment.DefaultRuleSettings(), []string{"CrossBorderTransactionFound R-021", "TransactionPostingApproved APPROVED NONE R-021,R-005"}},
		"after":  {settings, []string{"WarningMerchantTypeTransactionFound R-040 GAMBLING", "TransactionPostingApproved APPROVED NONE R-040,R-005"}},
	} {
		t.Run(name, func(t *testing.T) {
			crossBorder.Settings = tc.settings
			raw, err := json.Marshal(payment.ComputeFacts(crossBorder))
			require.NoError(t, err)
			var computed facts
			require.NoError(t, json.Unmarshal(raw, &computed))
			e := newEngine(t, "corrected")
			e.run(t, enriched(t, computed))
			require.Equal(t, tc.want, e.sent(t))
		})
	}
}
