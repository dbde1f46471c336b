package payment

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const rulesIntro = `# Posting rules

<!-- Generated from payment/postingrules.json by ` + "`go test ./payment -update`" + `; a test holds it against the table. -->

The table ` + "`payment/postingrules.json`" + `, version %s. The first rule that takes a payment or a [posting request](events.md#postingrequested)
makes its legs; each movement is a debit leg and a credit leg of the same amount. Movements worth nothing are left out. How to change
it: [how-to](../how-to/change-the-posting-rules.md). Examples, computed: [worked examples](worked-examples.md).

`

// TestPostingRulesPage writes the table as a page for people who do not read JSON.
func TestPostingRulesPage(t *testing.T) {
	var b strings.Builder
	table := postingRules
	fmt.Fprintf(&b, rulesIntro, table.Version)
	b.WriteString("## Payments\n\n| Rule | For | When | Debit | Credit | Amount | Bank transaction code |\n|---|---|---|---|---|---|---|\n")
	for _, rule := range table.Rules {
		if rule.For == triggerPayment {
			ruleRows(&b, rule)
		}
	}
	b.WriteString("\n## Posting requests\n\n| Rule | For | When | Debit | Credit | Amount | Bank transaction code |\n|---|---|---|---|---|---|---|\n")
	for _, rule := range table.Rules {
		if rule.For != triggerPayment {
			ruleRows(&b, rule)
		}
	}
	fmt.Fprintf(&b, "\n## Corrections\n\n| Rule | |\n|---|---|\n| %s | %s |\n| %s | %s |\n",
		table.Corrections.Full.ID, table.Corrections.Full.Name, table.Corrections.Partial.ID, table.Corrections.Partial.Name)
	expansions(&b, table)
	b.WriteString("\n## Terms in the conditions\n\n| Term | Means |\n|---|---|\n")
	for _, c := range table.TransactionClasses {
		fmt.Fprintf(&b, "| class %s | transaction types (DE3 positions 1-2) %s; side %s |\n", c.Class, strings.Join(c.Types, ", "), c.Side)
	}
	for _, c := range table.MerchantClasses {
		fmt.Fprintf(&b, "| merchant class %s | merchant categories (MCC) %s |\n", c.Class, strings.Join(c.Categories, ", "))
	}
	b.WriteString("| side | what a payment does to the customer's account; of a request, its `side` (of a settlement difference: D where more was settled than posted, of a refund with `side` C where less was) |\n" +
		"| foreign | the transaction currency is another than the billing currency |\n" +
		"| FX charge, cash charge | the business rules decided that the payment bears the product's charge |\n")
	amountRows(&b)
	b.WriteString("\n## Chart of accounts\n\n| Role | Account | Class | Normal side | |\n|---|---|---|---|---|\n")
	for _, a := range table.Chart {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", a.Role, a.Account, strings.ToLower(a.Class), a.NormalSide, a.Meaning)
	}
	b.WriteString("\nLegs carry their currency: an account without one in its name is kept in each currency that it is posted in.\n" +
		"\n## Not here\n\nPR-17, the release of an authorization's hold: holds and the available balance belong to the authorizer, which has made the hold.\n" +
		"Payrail's balances are of what is posted.\n")
	page(t, "posting-rules.md", b.String())
}

func ruleRows(b *strings.Builder, rule postingRule) {
	var when []string
	for _, c := range rule.When {
		when = append(when, c.words())
	}
	for i, m := range rule.Movements {
		id, name, condition := rule.ID, rule.Name, strings.Join(when, "<br>or ")
		if rule.For != triggerPayment {
			name += " (`" + string(rule.For) + "`)"
		}
		if i > 0 {
			name, condition = "", ""
		}
		if m.Rule != "" {
			id = m.Rule
		}
		fmt.Fprintf(b, "| %s | %s | %s | `%s` | `%s` | %s | %s |\n", id, name, condition, m.Debit, m.Credit, m.Amount, m.BankTransactionCode)
	}
}

// words writes a condition out.
func (c condition) words() string {
	var words []string
	add := func(there bool, format string, arguments ...any) {
		if there {
			words = append(words, fmt.Sprintf(format, arguments...))
		}
	}
	is := func(name string, fact *bool) {
		if fact != nil {
			add(true, "%s%s", map[bool]string{false: "no "}[*fact], name)
		}
	}
	add(c.Outcome != "", "outcome %s", c.Outcome)
	add(c.Class != "", "class %s", c.Class)
	add(c.MerchantClass != "", "merchant class %s", c.MerchantClass)
	add(c.Side != "", "side %s", c.Side)
	is("foreign", c.Foreign)
	is("FX charge", c.FXCharge)
	is("cash charge", c.CashCharge)
	return strings.Join(words, ", ")
}

func expansions(b *strings.Builder, table *postingTable) {
	names := func(roles []Role) string {
		quoted := make([]string, len(roles))
		for i, role := range roles {
			quoted[i] = "`" + string(role) + "`"
		}
		return strings.Join(quoted, ", ")
	}
	office, position := table.InterOffice, table.Positions
	fmt.Fprintf(b, "\n## Expansions\n\n**%s, %s.** Where the product's terms name a card centre (`cardCentre`, off by default) and the account's branch is\n"+
		"another, a movement between `%s` and one of %s gets the pair C `%s` D `%s` in its middle,\nand the other way round for a credit to the customer. Charges are the branch's own and get none.\n",
		office.ID, office.Name, RoleCustomer, names(office.Central), office.Credit, office.Debit)
	fmt.Fprintf(b, "\n**Positions: %s.** Where the authorization has a `settlementAmount` in another currency than the\nbilling currency, the principal is split at %s: the billed amount against `%s` in its currency, the settlement\n"+
		"amount against the position in the other. Every currency then balances by itself.\n", position.Name, names(position.Settled), position.Position)
}

// amountRows explains the amounts; each must be explained.
func amountRows(b *strings.Builder) {
	meanings := map[AmountName]string{
		AmountPrincipal: "the billed amount (DE6), never recomputed; of a request `principal`", AmountFXFee: "the product's `fxFeeRate` of the principal, within `fxFeeMinimum` and `fxFeeMaximum`, if the FX charge was decided; of a request `fxFee`",
		AmountFXFeeTax: "`fxFeeTaxRate` of the FX fee; of a request `fxFeeTax`", AmountCashFee: "`cashFeeRate` of the principal, at least `cashFeeMinimum`, if the cash charge was decided; of a request `cashFee`",
		AmountFee: "`fee`", AmountFeeTax: "`feeTax`", AmountWon: "`won`", AmountLost: "`lost`", AmountInterchange: "`interchange`",
		AmountLessInterchange: "`principal` less `interchange`", AmountSettlementDifference: "by how much `settled` and `principal` differ",
	}
	b.WriteString("\n## Amounts\n\nEach is rounded once, half to even, at the currency's exponent (JPY 0, GBP 2, BHD 3).\n\n| Amount | Is |\n|---|---|\n")
	var names []AmountName
	for name := range requestAmounts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(b, "| %s | %s |\n", name, meanings[name])
	}
}
