package payment

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// postingRulesFile is the posting-rule table: which movements a payment or a posting request makes. It is data for platform
// engineers; docs/how-to/change-the-posting-rules.md says how to change it.
//
//go:embed postingrules.json
var postingRulesFile []byte

// postingRules is the table in force. A program whose table does not hold together does not start.
var postingRules = mustPostingTable(postingRulesFile)

func mustPostingTable(file []byte) *postingTable {
	table, err := readPostingTable(file)
	if err != nil {
		panic("the posting-rule table: " + err.Error())
	}
	return table
}

// PostingRuleVersion is the version of the posting-rule table; it stands in every leg.
func PostingRuleVersion() string { return postingRules.Version }

// triggerPayment is what a rule is for that takes payments; the others are for one kind of posting request.
const triggerPayment RequestKind = "PAYMENT"

// postingTable is the posting rules, as their file has them.
type postingTable struct {
	Version            string             `json:"version"`
	TransactionClasses []transactionClass `json:"transactionClasses"`
	MerchantClasses    []merchantClass    `json:"merchantClasses"`
	Chart              []chartAccount     `json:"chart"`
	// Rules are in their order: the first one that takes a payment or request makes its legs.
	Rules       []postingRule `json:"rules"`
	Corrections struct {
		Full    namedRule `json:"full"`
		Partial namedRule `json:"partial"`
		// Unmatched posts a reversal whose original did not come, Clearing what is taken out of suspense.
		Unmatched namedRule `json:"unmatched"`
		Clearing  namedRule `json:"clearing"`
	} `json:"corrections"`
	InterOffice interOffice `json:"interOffice"`
	Positions   positions   `json:"positions"`

	// templates are the chart's account names by role.
	templates map[Role]template
}

// Classes of transactions, and of merchants, that the code speaks of; the table may have more.
const (
	classPurchase = "PURCHASE"
	classCash     = "CASH"
	classCredit   = "CREDIT"
)

// transactionClass is transaction types (DE3 positions 1-2) that do the same to the customer's account.
type transactionClass struct {
	Class string   `json:"class"`
	Side  Side     `json:"side"`
	Types []string `json:"types"`
}

// merchantClass is merchant categories (MCC) that posting treats alike.
type merchantClass struct {
	Class      string   `json:"class"`
	Categories []string `json:"categories"`
}

// chartAccount is a place in the chart of accounts.
type chartAccount struct {
	Role Role `json:"role"`
	// Account is the account's name with places for what it is kept by: {account}, {scheme}, {currency}, {branch}, {jurisdiction}.
	Account    string `json:"account"`
	Class      string `json:"class"`
	NormalSide Side   `json:"normalSide"`
	Meaning    string `json:"meaning"`
}

// postingRule gives the movements of one kind of payment or request, in the order of their legs.
type postingRule struct {
	namedRule
	For RequestKind `json:"for"`
	// When are conditions of which one must hold; without any the rule takes all it is for.
	When      []condition `json:"when,omitempty"`
	Movements []movement  `json:"movements"`
}

type namedRule struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// condition holds if every member that is there does.
type condition struct {
	// Class is a class of transaction types, MerchantClass one of merchant categories.
	Class         string `json:"class,omitempty"`
	MerchantClass string `json:"merchantClass,omitempty"`
	// Side is what a payment does to the customer's account; of a request, its side.
	Side    Side    `json:"side,omitempty"`
	Outcome Outcome `json:"outcome,omitempty"`
	// Foreign is whether a payment was made in another currency, FXCharge and CashCharge which charges it bears.
	Foreign    *bool `json:"foreign,omitempty"`
	FXCharge   *bool `json:"fxCharge,omitempty"`
	CashCharge *bool `json:"cashCharge,omitempty"`
}

// movement is an amount debited to one role and credited to another. One that is worth nothing is omitted.
type movement struct {
	// Rule is the id of the rule that the legs carry, where it is another one than that of the rule they stand in.
	Rule                string     `json:"rule,omitempty"`
	Debit               Role       `json:"debit"`
	Credit              Role       `json:"credit"`
	Component           Component  `json:"component"`
	Amount              AmountName `json:"amount"`
	BankTransactionCode string     `json:"bankTransactionCode"`
}

// interOffice passes a movement between the customer and a central account through a pair of accounts, where the customer's
// account is kept by another branch than the card centre: each branch's books then balance by themselves.
type interOffice struct {
	namedRule
	Central []Role `json:"central"`
	// Credit is credited where the customer is debited, Debit debited where the central account is credited; for a credit to the
	// customer the other way round.
	Credit Role `json:"credit"`
	Debit  Role `json:"debit"`
}

// positions splits a movement whose ends are in two currencies, so that each currency balances by itself.
type positions struct {
	Name string `json:"name"`
	// Settled are the roles that are kept in the currency of settlement.
	Settled  []Role `json:"settled"`
	Position Role   `json:"position"`
}

// readPostingTable reads a table strictly and verifies that it holds together.
func readPostingTable(file []byte) (*postingTable, error) {
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	var table postingTable
	if err := decoder.Decode(&table); err != nil {
		return nil, fmt.Errorf("reading it: %w", err)
	}
	if decoder.Decode(&json.RawMessage{}) != io.EOF {
		return nil, errors.New("reading it: there is something after its JSON value")
	}
	if err := table.check(); err != nil {
		return nil, err
	}
	return &table, nil
}

var (
	ruleForm  = regexp.MustCompile(`^PR-\d{2}$`)
	typeForm  = regexp.MustCompile(`^\d{2}$`)
	mccForm   = regexp.MustCompile(`^[0-9A-Z]{4}$`)
	accountIn = []string{"ASSET", "LIABILITY", "INCOME", "EXPENSE", "CONTROL"}
	// cardSubFamilies are ISO 20022's bank transaction codes of the family PMNT/CCRD.
	cardSubFamilies = []string{"POSD", "POSC", "XBCP", "CWDL", "XBCW", "CDPT", "RIMB", "FEES", "CHRG", "COMM", "TAXE", "INTR", "CAJT", "DAJT", "OTHR", "NTAV"}
)

// cardFamily begins every bank transaction code here.
const cardFamily = "PMNT/CCRD/"

// check verifies that the table holds together: names that are known, a rule for everything that is posted. It also prepares
// the account names.
func (t *postingTable) check() error {
	if t.Version == "" {
		return errors.New("it has no version")
	}
	for _, part := range []func() error{t.checkClasses, t.checkChart, t.checkExpansions, t.checkRules, t.checkComplete} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (t *postingTable) checkClasses() error {
	seen := map[string]bool{}
	// The business rules speak of these classes.
	for _, class := range []string{classPurchase, classCash, classCredit} {
		if len(t.types(class)) == 0 {
			return fmt.Errorf("transaction class %s must be there, with types", class)
		}
	}
	for _, c := range t.TransactionClasses {
		if c.Class == "" || seen[c.Class] || !isSide(c.Side) {
			return fmt.Errorf("transaction class %q has no side D or C, or is there twice", c.Class)
		}
		seen[c.Class] = true
		for _, name := range c.Types {
			if seen[name] || !typeForm.MatchString(name) {
				return fmt.Errorf("transaction class %s: type %q is not two digits, or is there twice", c.Class, name)
			}
			seen[name] = true
		}
	}
	seen = map[string]bool{}
	for _, c := range t.MerchantClasses {
		if c.Class == "" || seen[c.Class] {
			return fmt.Errorf("merchant class %q has no name, or is there twice", c.Class)
		}
		seen[c.Class] = true
		for _, mcc := range c.Categories {
			if !mccForm.MatchString(mcc) {
				return fmt.Errorf("merchant class %s: %q is no merchant category", c.Class, mcc)
			}
		}
	}
	return nil
}

func isSide(s Side) bool { return s == Debit || s == Credit }

func (t *postingTable) checkChart() error {
	t.templates = make(map[Role]template, len(t.Chart))
	for _, a := range t.Chart {
		if _, twice := t.templates[a.Role]; twice || a.Role == "" {
			return fmt.Errorf("the chart has role %q twice, or it has no name", a.Role)
		}
		if !slices.Contains(accountIn, a.Class) || !isSide(a.NormalSide) || a.Meaning == "" {
			return fmt.Errorf("role %s: want a class of %s, a normal side D or C, and a meaning", a.Role, strings.Join(accountIn, ", "))
		}
		name, err := parseTemplate(a.Account)
		if err != nil {
			return fmt.Errorf("role %s: %w", a.Role, err)
		}
		t.templates[a.Role] = name
	}
	if customer, ok := t.templates[RoleCustomer]; !ok || !slices.Equal(customer, template{{place: placeAccount}}) {
		return fmt.Errorf("role %s must be in the chart, with the account {%s}", RoleCustomer, placeAccount)
	}
	// Corrections go to suspense without knowing more of a payment than its currency.
	if _, err := t.account(RoleSuspense, places{}, "GBP"); err != nil || t.templates[RoleSuspense] == nil {
		return fmt.Errorf("role %s must be in the chart, with an account kept by {%s} alone", RoleSuspense, placeCurrency)
	}
	return nil
}

// inChart says which of the roles is not in the chart of accounts.
func (t *postingTable) inChart(roles ...Role) error {
	for _, role := range roles {
		if _, ok := t.templates[role]; !ok {
			return fmt.Errorf("role %q is not in the chart of accounts", role)
		}
	}
	return nil
}

func (t *postingTable) checkExpansions() error {
	for name, rule := range map[string]namedRule{"corrections.full": t.Corrections.Full, "corrections.partial": t.Corrections.Partial, "corrections.unmatched": t.Corrections.Unmatched, "corrections.clearing": t.Corrections.Clearing, "interOffice": t.InterOffice.namedRule} {
		if err := rule.check(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := t.inChart(append(slices.Clone(t.InterOffice.Central), t.InterOffice.Credit, t.InterOffice.Debit)...); err != nil {
		return fmt.Errorf("interOffice: %w", err)
	}
	if err := t.inChart(append(slices.Clone(t.Positions.Settled), t.Positions.Position)...); err != nil {
		return fmt.Errorf("positions: %w", err)
	}
	// One account for all currencies could not keep them apart.
	if !slices.Contains(t.templates[t.Positions.Position], templatePart{place: placeCurrency}) {
		return fmt.Errorf("positions: the account of role %s must be kept by {%s}", t.Positions.Position, placeCurrency)
	}
	return nil
}

func (r namedRule) check() error {
	if !ruleForm.MatchString(r.ID) || r.Name == "" {
		return fmt.Errorf("rule %q must have an id like PR-01 and a name", r.ID)
	}
	return nil
}

func (t *postingTable) checkRules() error {
	taken := map[RequestKind]bool{}
	for i, rule := range t.Rules {
		if err := t.checkRule(rule); err != nil {
			return fmt.Errorf("rule %d (%s, %s): %w", i+1, rule.ID, rule.Name, err)
		}
		if taken[rule.For] {
			return fmt.Errorf("rule %d (%s, %s) is never reached: an earlier one takes every %s", i+1, rule.ID, rule.Name, rule.For)
		}
		taken[rule.For] = taken[rule.For] || len(rule.When) == 0
	}
	return nil
}

func (t *postingTable) checkRule(rule postingRule) error {
	if err := rule.namedRule.check(); err != nil {
		return err
	}
	if _, request := subjects[rule.For]; !request && rule.For != triggerPayment {
		return fmt.Errorf("it is for %q, which is neither %s nor a kind of posting request", rule.For, triggerPayment)
	}
	for _, c := range rule.When {
		if err := t.checkCondition(rule, c); err != nil {
			return err
		}
	}
	if len(rule.Movements) == 0 {
		return errors.New("it has no movements")
	}
	for i, m := range rule.Movements {
		if err := t.checkMovement(rule, m); err != nil {
			return fmt.Errorf("movement %d: %w", i+1, err)
		}
	}
	return nil
}

func (t *postingTable) checkCondition(rule postingRule, c condition) error {
	ofPayment := c.Class != "" || c.MerchantClass != "" || c.Outcome != "" || c.Foreign != nil || c.FXCharge != nil || c.CashCharge != nil
	switch {
	case c == (condition{}):
		return errors.New("a condition is empty")
	case rule.For != triggerPayment && ofPayment:
		return errors.New("a condition of a posting request can only name its side")
	case c.Class != "" && !slices.ContainsFunc(t.TransactionClasses, func(k transactionClass) bool { return k.Class == c.Class }):
		return fmt.Errorf("there is no transaction class %q", c.Class)
	case c.MerchantClass != "" && !slices.ContainsFunc(t.MerchantClasses, func(k merchantClass) bool { return k.Class == c.MerchantClass }):
		return fmt.Errorf("there is no merchant class %q", c.MerchantClass)
	case c.Side != "" && !isSide(c.Side):
		return fmt.Errorf("side %q is neither D nor C", c.Side)
	case c.Outcome != "" && c.Outcome != OutcomePosted && c.Outcome != OutcomeSuspense:
		return fmt.Errorf("there is no outcome %q", c.Outcome)
	}
	return nil
}

func (t *postingTable) checkMovement(rule postingRule, m movement) error {
	if m.Rule != "" && !ruleForm.MatchString(m.Rule) {
		return fmt.Errorf("rule %q must be an id like PR-01", m.Rule)
	}
	if err := t.inChart(m.Debit, m.Credit); err != nil {
		return err
	}
	if m.Debit == m.Credit {
		return fmt.Errorf("role %s is debited and credited", m.Debit)
	}
	if !slices.Contains(everyComponent, m.Component) {
		return fmt.Errorf("there is no component %q", m.Component)
	}
	known := paymentAmounts[m.Amount]
	if rule.For != triggerPayment {
		_, known = requestAmounts[m.Amount]
	}
	if !known {
		return fmt.Errorf("a rule for %s knows no amount %q", rule.For, m.Amount)
	}
	family, found := strings.CutPrefix(m.BankTransactionCode, cardFamily)
	if !found || !slices.Contains(cardSubFamilies, family) {
		return fmt.Errorf("bank transaction code %q is none of cards", m.BankTransactionCode)
	}
	return nil
}

// checkComplete verifies that everything that is posted has a rule: each class of transactions, to its account and to suspense,
// and each kind of request.
func (t *postingTable) checkComplete() error {
	for _, class := range t.TransactionClasses {
		for _, outcome := range []Outcome{OutcomePosted, OutcomeSuspense} {
			rule, ok := t.rule(situation{trigger: triggerPayment, class: class.Class, side: class.Side, outcome: outcome})
			if !ok {
				return fmt.Errorf("no rule takes transaction class %s with outcome %s", class.Class, outcome)
			}
			// What goes to suspense has no account that takes postings.
			if outcome == OutcomeSuspense && slices.ContainsFunc(rule.Movements, func(m movement) bool { return m.Debit == RoleCustomer || m.Credit == RoleCustomer }) {
				return fmt.Errorf("rule %s (%s) takes transaction class %s with outcome %s and moves the customer's account", rule.ID, rule.Name, class.Class, outcome)
			}
		}
	}
	for kind := range subjects {
		if !slices.ContainsFunc(t.Rules, func(r postingRule) bool { return r.For == kind }) {
			return fmt.Errorf("no rule takes posting requests of kind %s", kind)
		}
	}
	return nil
}

// situation is what conditions are held against.
type situation struct {
	trigger                       RequestKind
	class, mcc                    string
	side                          Side
	outcome                       Outcome
	foreign, fxCharge, cashCharge bool
}

// rule finds the first rule that takes a situation.
func (t *postingTable) rule(s situation) (postingRule, bool) {
	for _, rule := range t.Rules {
		if rule.For == s.trigger && (len(rule.When) == 0 || slices.ContainsFunc(rule.When, func(c condition) bool { return t.holds(c, s) })) {
			return rule, true
		}
	}
	return postingRule{}, false
}

func (t *postingTable) holds(c condition, s situation) bool {
	is := func(want *bool, fact bool) bool { return want == nil || *want == fact }
	return (c.Class == "" || c.Class == s.class) &&
		(c.MerchantClass == "" || slices.Contains(t.merchants(c.MerchantClass), s.mcc)) &&
		(c.Side == "" || c.Side == s.side) &&
		(c.Outcome == "" || c.Outcome == s.outcome) &&
		is(c.Foreign, s.foreign) && is(c.FXCharge, s.fxCharge) && is(c.CashCharge, s.cashCharge)
}

// classOf is the class of a transaction type.
func (t *postingTable) classOf(transactionType string) (transactionClass, bool) {
	for _, c := range t.TransactionClasses {
		if slices.Contains(c.Types, transactionType) {
			return c, true
		}
	}
	return transactionClass{}, false
}

// types are the transaction types of a class.
func (t *postingTable) types(class string) []string {
	for _, c := range t.TransactionClasses {
		if c.Class == class {
			return c.Types
		}
	}
	return nil
}

// merchants are the merchant categories of a class.
func (t *postingTable) merchants(class string) []string {
	for _, c := range t.MerchantClasses {
		if c.Class == class {
			return c.Categories
		}
	}
	return nil
}

// usesSide reports whether the conditions of a rule look at the side.
func (r postingRule) usesSide() bool {
	return slices.ContainsFunc(r.When, func(c condition) bool { return c.Side != "" })
}
