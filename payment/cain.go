package payment

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// CainVersion is the message definition of FinancialInitiation: it tells the account side of an authorization that is
// complete and may be posted (MsgFctn CANO, a notification without response).
const CainVersion = "cain.003.001.04"

// Message is the JSON form of an ISO 20022 message: the names are the XML short tags, amounts and rates are strings,
// repeatable elements are arrays even when single.
type Message struct {
	MsgDefIdr string   `json:"msgDefIdr"`
	Document  Document `json:"Document"`
}

// Document holds one FinancialInitiation. The fields of the blocks below stand in the order of the XML schema
// (cain.003.001.04); only what Payrail emits is here. Field names are the XML short tags; the tag `iso` names the schema's
// simple type, which package iso20022 holds values against.
type Document struct{ FinInitn FinancialInitiation }

type FinancialInitiation struct {
	Hdr       Header
	TxChrtcs  TransactionCharacteristics
	Acqrr     Institution
	Sndr      *Institution `json:",omitempty"`
	Card      Card
	AcctFr    *CardAccount `json:",omitempty"`
	AcctTo    *CardAccount `json:",omitempty"`
	Issr      *Institution `json:",omitempty"`
	TxId      TransactionIdentification
	ConvsDtTm *Conversion    `json:",omitempty"`
	XchgRate  []ExchangeRate `json:",omitempty"`
	TxAmts    TransactionAmounts
	AddtlAmt  []AdditionalAmountBlock `json:",omitempty"`
	Accptr    *Acceptor               `json:",omitempty"`
	Termnl    *Terminal               `json:",omitempty"`
	Cntxt     Context
	Crdhldr   *Cardholder     `json:",omitempty"`
	Jursdctn  *Jurisdiction   `json:",omitempty"`
	SttlmSvc  *Settlement     `json:",omitempty"`
	AddtlFee  []AdditionalFee `json:",omitempty"`
	PrcgRslt  *Result         `json:",omitempty"`
	AddtlData []AdditionalSet `json:",omitempty"`
}

type Header struct {
	MsgFctn    string `iso:"Max4Text"`
	PrtcolVrsn string `iso:"Max2048Text"`
	XchgId     string `iso:"Max35Text"`
	CreDtTm    string `iso:"ISODateTime"`
	InitgPty   Party
	TracData   []Additional `json:",omitempty"`
}

type Party struct {
	Id string `iso:"Max35Text"`
	Tp string `iso:"PartyType17Code"`
}

type TransactionCharacteristics struct {
	TxTp   string   `iso:"ISO8583TransactionTypeCode"`
	MsgRsn []string `json:",omitempty" iso:"ISO8583MessageReasonCode"`
	TxDesc string   `json:",omitempty" xml:",omitempty" iso:"Max1000Text"`
}

type Institution struct {
	Id   string `iso:"Max11NumericText"`
	Ctry string `json:",omitempty" xml:",omitempty" iso:"ISO3NumericCountryCode"`
}

// Card never carries a card number: the schema's PAN is numeric and stays empty, the token goes into AddtlData.
type Card struct {
	PrtctdPAN bool
	CardSeqNb string       `json:",omitempty" xml:",omitempty" iso:"Min2Max3NumericText"`
	PANAcctRg string       `json:",omitempty" xml:",omitempty" iso:"Max19NumericText"`
	Ctry      string       `json:",omitempty" xml:",omitempty" iso:"ISO3NumericCountryCode"`
	PdctTp    string       `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	AddtlData []Additional `json:",omitempty"`
}

type Additional struct {
	Tp  string `iso:"Max35Text"`
	Val string `iso:"Max2048Text"`
}

type AdditionalSet struct {
	Tp   string `iso:"Max35Text"`
	Dtls []Additional
}

type CardAccount struct {
	Nm string `json:",omitempty" xml:",omitempty" iso:"Max70Text"`
	Tp string `json:",omitempty" xml:",omitempty" iso:"ISO8583AccountTypeCode"`
	Id string `json:",omitempty" xml:",omitempty" iso:"Max70Text"`
}

type TransactionIdentification struct {
	LclDt         string `iso:"ISODate"`
	LclTm         string `json:",omitempty" xml:",omitempty" iso:"ISOTime"`
	TrnsmssnDtTm  string `json:",omitempty" xml:",omitempty" iso:"ISODateTime"`
	SysTracAudtNb string `iso:"Max12NumericText"`
	RtrvlRefNb    string `iso:"Exact12Text"`
	LifeCyclSpprt string `json:",omitempty" xml:",omitempty" iso:"LifeCycleSupport1Code"`
	LifeCyclId    string `json:",omitempty" xml:",omitempty" iso:"Exact15Text"`
}

// Conversion is when a rate was taken.
type Conversion struct {
	Dt string `iso:"ISODate"`
}

type ExchangeRate struct {
	Dt        string `json:",omitempty" xml:",omitempty" iso:"ISODate"`
	CntrCcyCd string `iso:"ISO3NumericCurrencyCode"`
	BaseCcyCd string `iso:"ISO3NumericCurrencyCode"`
	Rate      string `iso:"BaseOne25Rate"`
}

type TransactionAmounts struct {
	AmtQlfr                 string `iso:"TypeOfAmount22Code"`
	Amt                     string `iso:"ImpliedCurrencyAndAmount"`
	Ccy                     string `iso:"ISO3NumericCurrencyCode"`
	CrdhldrBllgAmt          string `iso:"ImpliedCurrencyAndAmount"`
	CrdhldrBllgCcy          string `iso:"ISO3NumericCurrencyCode"`
	CrdhldrBllgFctvXchgRate string `json:",omitempty" xml:",omitempty" iso:"BaseOne25Rate"`
	RcncltnAmt              string `json:",omitempty" xml:",omitempty" iso:"ImpliedCurrencyAndAmount"`
	RcncltnCcy              string `json:",omitempty" xml:",omitempty" iso:"ISO3NumericCurrencyCode"`
	RcncltnFctvXchgRate     string `json:",omitempty" xml:",omitempty" iso:"BaseOne25Rate"`
}

// AdditionalAmountBlock is an amount of DE54, such as cash back.
type AdditionalAmountBlock struct {
	Tp     string `iso:"ISO8583AmountTypeCode"`
	Amt    string `iso:"ImpliedCurrencyAndAmount"`
	Ccy    string `iso:"ISO3NumericCurrencyCode"`
	CdtDbt string `iso:"CreditDebit3Code"`
}

type Acceptor struct {
	Id        string   `iso:"Max35Text"`
	NmAndLctn string   `iso:"Max99Text"`
	Adr       *Address `json:",omitempty"`
}

type Address struct {
	TwnNm string `json:",omitempty" xml:",omitempty" iso:"Max50Text"`
	Ctry  string `json:",omitempty" xml:",omitempty" iso:"ISOMax3ACountryCode"`
}

type Terminal struct {
	Id string `iso:"Max16Text"`
}

type Context struct {
	CardDataNtryMd string       `iso:"CardDataReading10Code"`
	MrchntCtgyCd   string       `iso:"ISO18245MerchantCategoryCode"`
	OthrMrchntCtgy string       `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	CardPres       *bool        `json:",omitempty"`
	CrdhldrPres    *bool        `json:",omitempty"`
	EComrc         *bool        `json:",omitempty"`
	ICCFllbck      *bool        `json:",omitempty"`
	AddtlData      []Additional `json:",omitempty"`
}

type Cardholder struct{ Nm Name }

type Name struct {
	Nm string `iso:"Max70Text"`
}

type Jurisdiction struct{ DmstInd bool }

type Settlement struct {
	Dt string `iso:"ISODate"`
}

// AdditionalFee is a fee beside the amount; the acquirer's is in the transaction currency.
type AdditionalFee struct {
	Tp     string `iso:"TypeOfAmount21Code"`
	CdtDbt string `iso:"CreditDebit3Code"`
	Amt    string `iso:"ImpliedCurrencyAndAmount"`
	Ccy    string `iso:"ISO3NumericCurrencyCode"`
}

type Result struct {
	RspnSrcTp string `json:",omitempty" xml:",omitempty" iso:"PartyType26Code"`
	RspnCd    string `iso:"ISO8583ResponseCode"`
	ApprvlCd  string `json:",omitempty" xml:",omitempty" iso:"Exact6AlphaNumericText"`
}

// Types of the additional data that has no native element.
const (
	dataTraceID    = "TRACE_ID"
	dataPANToken   = "PAN_TOKEN"
	dataPANLast4   = "PAN_LAST4"
	dataSource     = "SOURCE"
	dataEnrichment = "ENRICHMENT"
)

// initiatingParty is the id of the system that approved the authorization, and its type: card issuer processor.
const initiatingParty, issuerProcessor, issuer = "AUTHORIZER", "CISP", "CISS"

// unknownMCC stands in MrchntCtgyCd, which takes 4 digits only, where the network's code has letters ("AAFF").
const unknownMCC = "0000"

// Standardize writes an authorization as an ISO 20022 financial initiation. payloadHash and ingestedAt are those recorded when
// the payment was taken in, never new ones: a redelivery gives the same message, and a corrected authorization stays the
// payment that was taken in.
func Standardize(a Authorization, payloadHash string, ingestedAt time.Time) (Message, error) {
	amounts, err := cainAmounts(a)
	if err != nil {
		return Message{}, err
	}
	businessKey := a.BusinessKey()
	f := FinancialInitiation{
		Hdr: Header{
			MsgFctn: "CANO", PrtcolVrsn: CainVersion, XchgId: businessKey[:idCharacters],
			CreDtTm:  ingestedAt.UTC().Format("2006-01-02T15:04:05.000Z"),
			InitgPty: Party{Id: initiatingParty, Tp: issuerProcessor},
			TracData: []Additional{{Tp: "POSTING_SEQ_ID", Val: SequenceID(businessKey, 0)}, {Tp: dataTraceID, Val: TraceID(TransactionID(businessKey))}},
		},
		TxChrtcs: TransactionCharacteristics{TxTp: a.TransactionType(), TxDesc: Description(a)},
		Acqrr:    Institution{Id: a.AcquirerID, Ctry: a.AcquirerCountry},
		Card:     cainCard(a),
		TxId:     cainIdentification(a),
		TxAmts:   amounts,
		Cntxt:    a.POSContext(),
		Jursdctn: &Jurisdiction{DmstInd: !Foreign(a)},
	}
	f.AcctFr, f.AcctTo = cainAccountTypes(a)
	f.AddtlFee = acquirerFee(a, amounts.Ccy)
	if a.ForwarderID != "" {
		f.Sndr = &Institution{Id: a.ForwarderID}
	}
	if a.BIN != "" && KnownCountry(a.IssuerCountry) {
		f.Issr = &Institution{Id: a.BIN, Ctry: a.IssuerCountry}
	}
	if a.ConversionRate != "" {
		f.XchgRate = []ExchangeRate{{Dt: a.ConversionDate, CntrCcyCd: amounts.CrdhldrBllgCcy, BaseCcyCd: amounts.Ccy, Rate: a.ConversionRate}}
	}
	if a.ConversionDate != "" {
		f.ConvsDtTm = &Conversion{Dt: a.ConversionDate}
	}
	if f.AddtlAmt, err = cainAdditionalAmounts(a); err != nil {
		return Message{}, err
	}
	if a.Merchant.ID != "" {
		f.Accptr = &Acceptor{Id: a.Merchant.ID, NmAndLctn: nameAndLocation(a.Merchant), Adr: merchantAddress(a.Merchant)}
	}
	if a.Merchant.TerminalID != "" {
		f.Termnl = &Terminal{Id: a.Merchant.TerminalID}
	}
	if a.SettlementDate != "" {
		f.SttlmSvc = &Settlement{Dt: a.SettlementDate}
	}
	if a.ResponseCode != "" {
		f.PrcgRslt = &Result{RspnSrcTp: issuer, RspnCd: a.ResponseCode}
		if a.AuthCode != "" {
			// ApprvlCd has exactly six characters; the schema allows blanks, so shorter codes are padded on the right.
			f.PrcgRslt.ApprvlCd = fmt.Sprintf("%-6s", a.AuthCode)
		}
	}
	f.AddtlData = []AdditionalSet{{Tp: dataSource, Dtls: cainSource(a, businessKey, payloadHash)}}
	return Message{MsgDefIdr: CainVersion, Document: Document{FinInitn: f}}, nil
}

func cainAmounts(a Authorization) (TransactionAmounts, error) {
	transactionCurrency, err := a.TransactionAmount.Currency.Numeric()
	if err != nil {
		return TransactionAmounts{}, &Error{Kind: Invalid, Reason: "CURRENCY_UNKNOWN", Err: err}
	}
	billingCurrency, err := a.BillingAmount.Currency.Numeric()
	if err != nil {
		return TransactionAmounts{}, &Error{Kind: Invalid, Reason: "CURRENCY_UNKNOWN", Err: err}
	}
	amounts := TransactionAmounts{
		AmtQlfr: "ACTL", Amt: a.TransactionAmount.Decimal(), Ccy: transactionCurrency,
		CrdhldrBllgAmt: a.BillingAmount.Decimal(), CrdhldrBllgCcy: billingCurrency, CrdhldrBllgFctvXchgRate: a.ConversionRate,
	}
	if a.SettlementAmount != nil {
		currency, err := a.SettlementAmount.Currency.Numeric()
		if err != nil {
			return TransactionAmounts{}, &Error{Kind: Invalid, Reason: "CURRENCY_UNKNOWN", Err: err}
		}
		amounts.RcncltnAmt, amounts.RcncltnCcy, amounts.RcncltnFctvXchgRate = a.SettlementAmount.Decimal(), currency, a.SettlementRate
	}
	return amounts, nil
}

func cainAdditionalAmounts(a Authorization) ([]AdditionalAmountBlock, error) {
	all, err := ParseAdditionalAmounts(a.AdditionalAmounts)
	if err != nil {
		return nil, &Error{Kind: Invalid, Reason: "CURRENCY_UNKNOWN", Err: err}
	}
	var blocks []AdditionalAmountBlock
	for _, one := range all {
		currency, err := one.Amount.Currency.Numeric()
		if err != nil {
			return nil, &Error{Kind: Invalid, Reason: "CURRENCY_UNKNOWN", Err: err}
		}
		blocks = append(blocks, AdditionalAmountBlock{Tp: one.Type, Amt: one.Amount.Decimal(), Ccy: currency, CdtDbt: cainSide(one.Side)})
	}
	return blocks, nil
}

// cainSide is the code of a side in cain.
func cainSide(side Side) string {
	if side == Credit {
		return "CRDT"
	}
	return "DBIT"
}

func cainCard(a Authorization) Card {
	card := Card{PANAcctRg: a.BIN, AddtlData: []Additional{{Tp: dataPANToken, Val: a.PANToken}}}
	if KnownCountry(a.IssuerCountry) {
		card.Ctry = a.IssuerCountry
	}
	if a.PANLast4 != "" {
		card.AddtlData = append(card.AddtlData, Additional{Tp: dataPANLast4, Val: a.PANLast4})
	}
	if a.PANSequence != "" {
		// CardSeqNb takes 2 to 3 digits; the networks send up to 4 of which the first is 0.
		sequence := leftPad(a.PANSequence, 3)
		card.CardSeqNb = sequence[len(sequence)-3:]
	}
	return card
}

func cainIdentification(a Authorization) TransactionIdentification {
	id := TransactionIdentification{
		LclDt: a.LocalDate, LclTm: a.LocalTime, TrnsmssnDtTm: a.TransmittedAt.UTC().Format(time.RFC3339),
		SysTracAudtNb: a.STAN, RtrvlRefNb: a.RetrievalReference(),
	}
	if id.LclDt == "" {
		id.LclDt = a.TransmittedAt.UTC().Format(time.DateOnly)
	}
	if a.LifecycleID != "" {
		id.LifeCyclSpprt, id.LifeCyclId = "AUTH", a.LifecycleID
		if MTIClass(a.MTI) == ClassFinancial {
			id.LifeCyclSpprt = "FINC"
		}
	}
	return id
}

// RetrievalReference is the network's retrieval reference number (DE37), or the synthetic one where it sent none.
func (a Authorization) RetrievalReference() string {
	if a.RRN != "" {
		return a.RRN
	}
	return syntheticRRN(a)
}

// syntheticRRN makes the 12-character retrieval reference that the schema demands where the network sent none: the last
// digit of the year, the day of the year, the hour, and the last six digits of the STAN. It is a function of the message.
func syntheticRRN(a Authorization) string {
	at := a.TransmittedAt.UTC()
	stan := leftPad(a.STAN, 6)
	return fmt.Sprintf("%d%03d%02d%s", at.Year()%10, at.YearDay(), at.Hour(), stan[len(stan)-6:])
}

// entryModes maps DE22 positions 1-2 to CardDataNtryMd.
var entryModes = map[string]string{
	"00": "UNSP", "01": "KEEN", "02": "MGST", "03": "OPTC", "04": "OCRR", "05": "ICCY", "07": "ICPY", "10": "DFLE",
	"79": "MGST", "80": "MGST", "81": "KEEN", "90": "MGST", "91": "MSIP", "95": "ICCY",
}

// eCommerce is the POS condition (DE25) of a purchase over the internet.
const eCommerce = "59"

// presence says what was at the point of sale.
type presence struct{ card, cardholder bool }

// presences maps DE25: normal, customer not present, card not present, mail or telephone order, e-commerce. Of the others
// nothing is said.
var presences = map[string]presence{"00": {true, true}, "01": {true, false}, "05": {false, true}, "08": {false, false}, eCommerce: {false, false}}

// POSContext is how the card was used, from DE18, DE22 and DE25.
func (a Authorization) POSContext() Context {
	context := Context{CardDataNtryMd: "UNSP", MrchntCtgyCd: a.MCC}
	if !isDigits(a.MCC) {
		context.MrchntCtgyCd, context.OthrMrchntCtgy = unknownMCC, a.MCC
	}
	yes := true
	if a.POSEntryMode != "" {
		mode := leftPad(a.POSEntryMode, 3)
		mode = mode[len(mode)-3 : len(mode)-1]
		context.CardDataNtryMd = entryModes[mode]
		if context.CardDataNtryMd == "" {
			context.CardDataNtryMd = "OTHP"
		}
		if mode == "79" || mode == "80" {
			context.ICCFllbck = &yes
		}
		if mode == "81" {
			context.EComrc = &yes
		}
		context.AddtlData = append(context.AddtlData, Additional{Tp: "ISO8583_DE22", Val: a.POSEntryMode})
	}
	if a.POSCondition != "" {
		if present, known := presences[a.POSCondition]; known {
			context.CardPres, context.CrdhldrPres = &present.card, &present.cardholder
		}
		if a.POSCondition == eCommerce {
			context.EComrc = &yes
		}
		context.AddtlData = append(context.AddtlData, Additional{Tp: "ISO8583_DE25", Val: a.POSCondition})
	}
	return context
}

func cainSource(a Authorization, businessKey, payloadHash string) []Additional {
	source := []Additional{
		{Tp: "MTI", Val: a.MTI}, {Tp: "PROCESSING_CODE", Val: a.ProcessingCode},
		{Tp: "DEDUP_KEY", Val: businessKey}, {Tp: "PAYLOAD_HASH", Val: payloadHash},
	}
	if a.RRN == "" {
		source = append(source, Additional{Tp: "RRN", Val: "SYNTHETIC"})
	}
	if a.AcquirerFee != "" {
		source = append(source, Additional{Tp: "ACQUIRER_FEE", Val: a.AcquirerFee})
	}
	return source
}

// nameAndLocation writes DE43: name 22, city 13, state 2 (blank), country 2, pad 1. The schema takes no empty text, so a
// merchant without name and place goes by its id.
func nameAndLocation(m Merchant) string {
	if text := strings.TrimRight(fmt.Sprintf("%-22.22s%-13.13s  %-2.2s", m.Name, m.City, m.Country), " "); text != "" {
		return text
	}
	return m.ID
}

// maxTown is the schema's limit of a town's name; networks send 13 characters, some more.
const maxTown = 50

// countryLetters is the schema's form of a merchant's country. What a network sends in another form stays in NmAndLctn.
var countryLetters = regexp.MustCompile(`^[A-Z]{2,3}$`)

func merchantAddress(m Merchant) *Address {
	a := Address{TwnNm: Shorten(m.City, maxTown)}
	if countryLetters.MatchString(m.Country) {
		a.Ctry = m.Country
	}
	if a == (Address{}) {
		return nil
	}
	return &a
}

// Shorten cuts text to a schema's limit, which counts characters and not bytes.
func Shorten(text string, characters int) string {
	if runes := []rune(text); len(runes) > characters {
		return strings.TrimRight(string(runes[:characters]), " ")
	}
	return text
}

// cainAccountTypes are the account types of the processing code (DE3 positions 3-4 and 5-6); 00 is "not specified".
func cainAccountTypes(a Authorization) (from, to *CardAccount) {
	const notSpecified = "00"
	if t := a.ProcessingCode[2:4]; t != notSpecified {
		from = &CardAccount{Tp: t}
	}
	if t := a.ProcessingCode[4:6]; t != notSpecified {
		to = &CardAccount{Tp: t}
	}
	return from, to
}

// acquirerFee is DE28, x+n8: C or D and eight digits of minor units in the transaction currency.
func acquirerFee(a Authorization, numericCurrency string) []AdditionalFee {
	fee, ok := a.AcquirerFeeAmount()
	if !ok {
		return nil
	}
	return []AdditionalFee{{Tp: "FEEP", CdtDbt: cainSide(Side(a.AcquirerFee[:1])), Amt: fee.Decimal(), Ccy: numericCurrency}}
}

// AcquirerFeeAmount is the acquirer's fee (DE28) without its side. ok is false where there is none.
func (a Authorization) AcquirerFeeAmount() (fee Money, ok bool) {
	if len(a.AcquirerFee) < 2 {
		return Money{}, false
	}
	minor, err := strconv.ParseInt(a.AcquirerFee[1:], 10, 64)
	return Money{Minor: minor, Currency: a.TransactionAmount.Currency}, err == nil && minor > 0
}

// Description is the line the customer reads: merchant, city, country, and the original amount of a foreign payment.
func Description(a Authorization) string {
	words := make([]string, 0, 4)
	for _, word := range []string{a.Merchant.Name, a.Merchant.City, a.Merchant.Country} {
		if word != "" {
			words = append(words, word)
		}
	}
	if a.TransactionAmount.Currency != a.BillingAmount.Currency {
		words = append(words, a.TransactionAmount.String())
	}
	return strings.Join(words, " ")
}

// ledgerAccount is the general ledger account of a role beside a customer's account, by the chart of accounts; nothing where a
// part of its name is not known.
func ledgerAccount(role Role, account Account) string {
	name, err := postingRules.account(role, places{branch: account.BranchID}, account.Currency)
	if err != nil || account.Currency == "" {
		return ""
	}
	return name
}

// Enriched returns the message with what enrichment found: the account it is posted to, its holder, product and branch.
func (m Message) Enriched(account Account) Message {
	if account.Status == AccountNotFound {
		return m
	}
	f := m.Document.FinInitn
	const maxName, maxProduct = 70, 35
	holder := Shorten(account.Holder, maxName)
	cardAccount := CardAccount{Nm: holder, Id: cmp.Or(account.IBAN, account.ID)}
	if f.AcctFr != nil {
		cardAccount.Tp = f.AcctFr.Tp
	}
	f.AcctFr = &cardAccount
	if holder != "" {
		f.Crdhldr = &Cardholder{Nm: Name{Nm: holder}}
	}
	f.Card.PdctTp = Shorten(account.Product, maxProduct)
	var details []Additional
	for _, d := range []Additional{
		{Tp: "ACCOUNT_ID", Val: account.ID}, {Tp: "SORT_CODE", Val: account.SortCode}, {Tp: "BRANCH_ID", Val: account.BranchID},
		{Tp: "BRANCH_NAME", Val: account.BranchName}, {Tp: "BANK_PRODUCT", Val: account.Product},
		{Tp: "SUSPENSE_ACCOUNT", Val: ledgerAccount(RoleSuspense, account)},
		{Tp: "HEAD_OFFICE_ACCOUNT", Val: ledgerAccount(postingRules.InterOffice.Credit, account)},
		{Tp: "TAX_CATEGORY", Val: account.TaxCategory},
	} {
		if d.Val != "" { // the schema takes no empty text
			details = append(details, d)
		}
	}
	if len(details) > 0 {
		// A new slice: the input message must not change under its other readers.
		f.AddtlData = append(f.AddtlData[:len(f.AddtlData):len(f.AddtlData)], AdditionalSet{Tp: dataEnrichment, Dtls: details})
	}
	m.Document.FinInitn = f
	return m
}
