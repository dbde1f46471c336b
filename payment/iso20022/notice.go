package iso20022

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/payment"
)

// codeIssuer issues the proprietary bank transaction codes below.
const codeIssuer = "PAYRAIL"

// booked is the status of every entry: only what is in the journal is told.
const booked = "BOOK"

// Posting is everything a notice tells: what was posted, to whose account, and the message of the card network behind it.
type Posting struct {
	Entry payment.JournalEntry
	// PostedAt is when the entry was committed, RFC 3339.
	PostedAt string
	Account  payment.Account
	// Authorization is the message that the posting was made of; the zero value where no message of a card is behind it, as with
	// a fee that stands by itself or a provisional credit.
	Authorization payment.Authorization
	// Corrects is the first posting sequence of the purchase, where this is a later one of it: a reversal, or the difference to a
	// completion with another amount. Empty for all others.
	Corrects string
}

// ofCard reports whether a message of a card network is behind the posting.
func (p Posting) ofCard() bool { return p.Authorization.MTI != "" }

// ErrNoCustomerLeg says that a posting touched no customer account, as one to suspense: there is nobody to notify.
var ErrNoCustomerLeg = errors.New("the posting has no leg on a customer account")

// Notify writes a posting as a camt.054: one notification for the sequence, one entry for each leg on the customer's account.
// It is a function of the posting, so that an export made again is the same document.
func Notify(p Posting) (Message, error) {
	legs := p.Entry.CustomerLegs()
	if len(legs) == 0 {
		return Message{}, fmt.Errorf("notifying of %s: %w", p.Entry.ID, ErrNoCustomerLeg)
	}
	for _, leg := range legs {
		if leg.Account != p.Account.ID || leg.Amount.Currency != p.Account.Currency {
			return Message{}, fmt.Errorf("notifying of %s: leg %d is on account %s in %s, the notice is for %s in %s",
				p.Entry.ID, leg.Number, leg.Account, leg.Amount.Currency, p.Account.ID, p.Account.Currency)
		}
	}
	summary, err := summarize(legs)
	if err != nil {
		return Message{}, fmt.Errorf("notifying of %s: %w", p.Entry.ID, err)
	}
	notification := AccountNotification{Id: p.Entry.ID, CreDtTm: p.PostedAt, Acct: p.account(), TxsSummry: summary}
	for _, leg := range legs {
		notification.Ntry = append(notification.Ntry, p.entry(leg))
	}
	return Message{MsgDefIdr: PostedNotice, Document: Document{BkToCstmrDbtCdtNtfctn: &Notification{
		GrpHdr: GroupHeader{MsgId: p.Entry.ID, CreDtTm: p.PostedAt}, Ntfctn: []AccountNotification{notification},
	}}}, nil
}

// accountTypes maps the account types of the processing code (DE3 positions 3-4) to external cash account types.
var accountTypes = map[string]string{"10": "SVGS", "20": "CACC", "30": "CARD"}

func (p Posting) account() Account {
	const maxName, maxOwner = 70, 140
	a := Account{Ccy: string(p.Account.Currency), Nm: payment.Shorten(p.Account.Product, maxName)}
	if validIBAN(p.Account.IBAN) {
		a.Id.IBAN = p.Account.IBAN
	} else {
		a.Id.Othr = &OtherAccount{Id: p.Account.ID}
	}
	if code := p.Authorization.ProcessingCode; len(code) == 6 && accountTypes[code[2:4]] != "" {
		a.Tp = &AccountType{Cd: accountTypes[code[2:4]]}
	}
	if p.Account.Holder != "" {
		a.Ownr = &PartyName{Nm: payment.Shorten(p.Account.Holder, maxOwner)}
	}
	a.Svcr = servicer(p.Account)
	return a
}

// validIBAN checks form and check digits (ISO 13616: modulus 97). An account whose IBAN is wrong goes by the bank's own number.
func validIBAN(iban string) bool {
	if !facets["IBAN2007Identifier"].accepts(iban) || len(iban) < 5 {
		return false
	}
	remainder := 0
	for _, r := range strings.ToUpper(iban[4:] + iban[:4]) {
		if r >= 'A' {
			remainder = (remainder*100 + int(r-'A') + 10) % 97
		} else {
			remainder = (remainder*10 + int(r-'0')) % 97
		}
	}
	return remainder == 1
}

// ukClearing is the code of the UK's sort codes; other countries' clearing codes are told without their system.
const ukClearing = "GBDSC"

func servicer(a payment.Account) *Servicer {
	const maxBranch = 140
	var s Servicer
	if a.SortCode != "" {
		member := &ClearingMember{MmbId: a.SortCode}
		if strings.HasPrefix(a.IBAN, "GB") {
			member.ClrSysId = &ClearingSystem{Cd: ukClearing}
		}
		s.FinInstnId.ClrSysMmbId = member
	}
	if a.BranchID != "" || a.BranchName != "" {
		s.BrnchId = &Branch{Id: a.BranchID, Nm: payment.Shorten(a.BranchName, maxBranch)}
	}
	if s == (Servicer{}) {
		return nil
	}
	return &s
}

// summarize adds the legs up: control totals that the receiver holds against the entries.
func summarize(legs []payment.Leg) (*Summary, error) {
	none := payment.Money{Currency: legs[0].Amount.Currency}
	debits, credits, all, net := none, none, none, none
	var numbers [2]int
	for _, leg := range legs {
		side, n := &credits, 0
		if leg.Side == payment.Debit {
			side, n = &debits, 1
		}
		numbers[n]++
		for _, sum := range []struct {
			total *payment.Money
			add   payment.Money
		}{{side, leg.Amount}, {&all, leg.Amount}, {&net, leg.Signed()}} {
			total, err := sum.total.Add(sum.add)
			if err != nil {
				return nil, err
			}
			*sum.total = total
		}
	}
	direction := credit
	if net.Minor < 0 {
		direction, net = debit, net.Neg()
	}
	s := &Summary{TtlNtries: NetTotal{NbOfNtries: strconv.Itoa(len(legs)), Sum: all.Decimal(), TtlNetNtry: Net{Amt: net.Decimal(), CdtDbtInd: direction}}}
	if numbers[0] > 0 {
		s.TtlCdtNtries = &Total{NbOfNtries: strconv.Itoa(numbers[0]), Sum: credits.Decimal()}
	}
	if numbers[1] > 0 {
		s.TtlDbtNtries = &Total{NbOfNtries: strconv.Itoa(numbers[1]), Sum: debits.Decimal()}
	}
	return s, nil
}

const credit, debit = "CRDT", "DBIT"

func direction(side payment.Side) string {
	if side == payment.Debit {
		return debit
	}
	return credit
}

func amount(m payment.Money) Amount { return Amount{Ccy: string(m.Currency), Value: m.Decimal()} }

// entry writes one leg. The card, its point of use and the amounts of the purchase stand at the leg of the principal; fees and
// taxes say what they are.
func (p Posting) entry(leg payment.Leg) Entry {
	e := Entry{
		NtryRef: fmt.Sprintf("%s/%d", p.Entry.ID, leg.Number), Amt: amount(leg.Amount), CdtDbtInd: direction(leg.Side), Sts: Status{Cd: booked},
		BookgDt: DateTime{DtTm: p.PostedAt}, AcctSvcrRef: p.Entry.ID, BkTxCd: p.bankTransactionCode(leg),
	}
	if leg.ValueDate != "" {
		e.ValDt = &Date{Dt: leg.ValueDate}
	}
	if p.takesBack(leg) {
		yes := true
		e.RvslInd = &yes
	}
	details := EntryTransaction{Refs: p.references(leg), Amt: e.Amt, CdtDbtInd: e.CdtDbtInd, AddtlTxInf: payment.Shorten(leg.Description, 500)}
	switch kind, isCharge := chargeOf(leg); {
	case isCharge:
		e.Chrgs = p.charge(leg, kind)
	case p.ofCard():
		e.AmtDtls, e.CardTx = p.amountDetails(leg), p.card()
		if p.Corrects == "" {
			e.Chrgs = p.acquirerFee()
		}
		details.RltdPties, details.RltdDts, details.CardTx = p.merchant(leg), &RelatedDates{AccptncDtTm: instant(p.Authorization.TransmittedAt)}, p.cardTransaction()
	default:
		e.AmtDtls = p.amountDetails(leg)
	}
	e.NtryDtls = []EntryDetails{{TxDtls: []EntryTransaction{details}}}
	return e
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// charge is a movement beside the principal: Payrail's own bank transaction code for it, and its name in a charge record.
type charge struct{ code, name string }

// charges are what components of a payment are called; chargeFamilies what legs are by ISO 20022 sub-family where their
// component has no name of its own.
var (
	charges        = map[payment.Component]charge{payment.FXFee: {"CARD.FEE.FX", "FXFEE"}, payment.CashFee: {"CARD.FEE.CASH", "CASHFEE"}, payment.FXFeeTax: {"CARD.TAX", "TAX"}}
	chargeFamilies = map[string]charge{"FEES": {"CARD.FEE", "FEE"}, "CHRG": {"CARD.CHARGE", "CHARGE"}, "COMM": {"CARD.COMMISSION", "COMMISSION"},
		"TAXE": {"CARD.TAX", "TAX"}, "INTR": {"CARD.INTEREST", "INTEREST"}}
)

// chargeOf says which charge a leg is. The bank transaction code decides: a fee that is given back with a provisional credit is
// an adjustment, and no charge.
func chargeOf(leg payment.Leg) (charge, bool) {
	kind, isCharge := chargeFamilies[subFamily(leg)]
	if named, ok := charges[leg.Component]; ok && isCharge {
		return named, true
	}
	return kind, isCharge
}

// subFamily is the last part of a leg's bank transaction code.
func subFamily(leg payment.Leg) string {
	if parts := strings.Split(leg.BankTransactionCode, "/"); len(parts) == 3 {
		return parts[2]
	}
	return ""
}

// Sub-families of corrections in favour of the customer, and of their claw-back.
const creditAdjustment, debitAdjustment = "CAJT", "DAJT"

// takesBack reports whether a leg takes an entry of the purchase back: it has the other side than the purchase and its charges
// have. The difference that a higher completion adds does not.
func (p Posting) takesBack(leg payment.Leg) bool {
	if p.Corrects == "" || !p.ofCard() || subFamily(leg) == creditAdjustment || subFamily(leg) == debitAdjustment {
		return false
	}
	side := payment.Debit
	if _, isCharge := chargeOf(leg); !isCharge && p.Authorization.Direction() == payment.DirectionCredit {
		side = payment.Credit
	}
	return leg.Side != side
}

// principals are the proprietary codes of principals by ISO 20022 sub-family.
var principals = map[string]string{"POSD": "CARD.PURCHASE", "POSC": "CARD.PURCHASE", "XBCP": "CARD.PURCHASE", "CWDL": "CARD.CASH", "XBCW": "CARD.CASH",
	"RIMB": "CARD.REFUND"}

// bankTransactionCode is the code of the posting rule, and Payrail's own beside it, which tells foreign from domestic: there is no
// sub-family for foreign debit card purchases.
func (p Posting) bankTransactionCode(leg payment.Leg) BankTransactionCode {
	var code BankTransactionCode
	family := subFamily(leg)
	if parts := strings.Split(leg.BankTransactionCode, "/"); family != "" {
		code.Domn = &Domain{Cd: parts[0], Fmly: Family{Cd: parts[1], SubFmlyCd: family}}
	}
	code.Prtry = &ProprietaryCode{Cd: p.ownCode(leg), Issr: codeIssuer}
	return code
}

func (p Posting) ownCode(leg payment.Leg) string {
	family := subFamily(leg)
	kind, isCharge := chargeOf(leg)
	own, isPrincipal := principals[family]
	switch {
	case isCharge:
		return kind.code
	case family == creditAdjustment || family == debitAdjustment:
		return "CARD.ADJUSTMENT"
	case isPrincipal && p.ofCard() && payment.Foreign(p.Authorization):
		return own + ".FOREIGN"
	case isPrincipal:
		return own
	default:
		return "CARD.OTHER"
	}
}

// maxReference is the longest reference that the schema takes.
const maxReference = 35

func (p Posting) references(leg payment.Leg) References {
	a := p.Authorization
	r := References{AcctSvcrRef: p.Entry.ID}
	own := []Reference{{"POSTING_SEQUENCE", p.Entry.ID}, {"POSTING_LEG", fmt.Sprintf("%d/%d", leg.Number, p.Entry.Of)}, {"ORIG", p.Corrects}}
	if p.ofCard() {
		r.EndToEndId, r.TxId = a.RetrievalReference(), a.LifecycleID
		own = slices.Concat([]Reference{{"STAN", a.STAN}, {"AUTH_CODE", a.AuthCode}, {"ACQUIRER_ID", a.AcquirerID}}, own)
	} else {
		own = append(own, Reference{"CAUSE", p.Entry.AuthorizationID})
	}
	for _, reference := range own {
		if reference.Ref != "" && len(reference.Ref) <= maxReference {
			r.Prtry = append(r.Prtry, reference)
		}
	}
	return r
}

func (p Posting) amountDetails(leg payment.Leg) *AmountDetails {
	a := p.Authorization
	d := &AmountDetails{TxAmt: &TransactionAmount{Amt: amount(leg.Amount)}}
	if p.Corrects != "" || !p.ofCard() {
		// The amounts of a reversal's message are its original's, those of a completion the whole purchase's. How much of them this
		// posting moves depends on what was posted before it: the notice tells what was posted.
		return d
	}
	d.InstdAmt = &PlainAmount{Amt: amount(a.TransactionAmount)}
	if rate, ok := entryRate(a.ConversionRate); ok && payment.Foreign(a) {
		source, target := string(a.TransactionAmount.Currency), string(a.BillingAmount.Currency)
		d.TxAmt.CcyXchg = &CurrencyExchange{SrcCcy: source, TrgtCcy: target, UnitCcy: source, XchgRate: rate}
		if a.ConversionDate != "" {
			d.TxAmt.CcyXchg.QtnDt = a.ConversionDate + "T00:00:00" // the element takes a time, and DE16 is a date
		}
	}
	if a.SettlementAmount != nil {
		d.CntrValAmt = &PlainAmount{Amt: amount(*a.SettlementAmount)}
	}
	d.PrtryAmt = additionalAmounts(a)
	return d
}

// additionalAmounts are those of DE54 by their type there and their side: the element has no place for either.
func additionalAmounts(a payment.Authorization) []NamedAmount {
	all, err := payment.ParseAdditionalAmounts(a.AdditionalAmounts)
	if err != nil {
		return nil // the intake takes no such text
	}
	var named []NamedAmount
	for _, one := range all {
		named = append(named, NamedAmount{Tp: "DE54_" + one.Type + "_" + direction(one.Side), Amt: amount(one.Amount)})
	}
	return named
}

// charge is the record of a fee or a tax leg. The rate is not told: prices may have changed since.
func (p Posting) charge(leg payment.Leg, kind charge) *Charges {
	total := amount(leg.Amount)
	record := Charge{Amt: total, CdtDbtInd: direction(leg.Side), Tp: ChargeType{Prtry: ChargeName{Id: kind.name}}, Br: "DEBT"}
	if jurisdiction := p.jurisdiction(leg); jurisdiction != "" {
		record.Tax = &Tax{Id: jurisdiction, Amt: &total}
	}
	return &Charges{TtlChrgsAndTaxAmt: &total, Rcrd: []Charge{record}}
}

// jurisdiction is whose tax a leg is: the account on its other side says so (TAX_PAYABLE.GB). Empty for what is no tax.
func (p Posting) jurisdiction(leg payment.Leg) string {
	i := slices.IndexFunc(p.Entry.Legs, func(l payment.Leg) bool { return l.Role == payment.RoleTaxPayable && l.Component == leg.Component })
	if i < 0 {
		return ""
	}
	return strings.TrimPrefix(p.Entry.Legs[i].Account, string(payment.RoleTaxPayable)+".")
}

// acquirerFee is DE28: a surcharge of the acquirer that the amount of the transaction includes.
func (p Posting) acquirerFee() *Charges {
	fee, ok := p.Authorization.AcquirerFeeAmount()
	if !ok {
		return nil
	}
	side, included := debit, true
	if p.Authorization.AcquirerFee[0] == 'C' {
		side = credit
	}
	return &Charges{Rcrd: []Charge{{Amt: amount(fee), CdtDbtInd: side, ChrgInclInd: &included, Tp: ChargeType{Prtry: ChargeName{Id: "ACQUIRERFEE"}}}}}
}
