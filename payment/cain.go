package payment

import (
	"fmt"
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
// (cain.003.001.04); only what Payrail emits is here.
type Document struct{ FinInitn FinancialInitiation }

type FinancialInitiation struct {
	Hdr       Header
	TxChrtcs  TransactionCharacteristics
	Acqrr     Institution
	Sndr      *Institution `json:",omitempty"`
	Card      Card
	AcctFr    *CardAccount `json:",omitempty"`
	Issr      *Institution `json:",omitempty"`
	TxId      TransactionIdentification
	XchgRate  []ExchangeRate `json:",omitempty"`
	TxAmts    TransactionAmounts
	Accptr    *Acceptor `json:",omitempty"`
	Termnl    *Terminal `json:",omitempty"`
	Cntxt     Context
	Crdhldr   *Cardholder     `json:",omitempty"`
	Jursdctn  *Jurisdiction   `json:",omitempty"`
	SttlmSvc  *Settlement     `json:",omitempty"`
	PrcgRslt  *Result         `json:",omitempty"`
	AddtlData []AdditionalSet `json:",omitempty"`
}

type Header struct {
	MsgFctn    string
	PrtcolVrsn string
	XchgId     string
	CreDtTm    string
	InitgPty   Party
	TracData   []Additional `json:",omitempty"`
}

type Party struct {
	Id string
	Tp string
}

type TransactionCharacteristics struct {
	TxTp   string
	TxDesc string `json:",omitempty"`
}

type Institution struct {
	Id   string `json:",omitempty"`
	Ctry string `json:",omitempty"`
}

// Card never carries a card number: the schema's PAN is numeric and stays empty, the token goes into AddtlData.
type Card struct {
	PrtctdPAN bool
	CardSeqNb string       `json:",omitempty"`
	PANAcctRg string       `json:",omitempty"`
	Ctry      string       `json:",omitempty"`
	PdctTp    string       `json:",omitempty"`
	AddtlData []Additional `json:",omitempty"`
}

type Additional struct {
	Tp  string
	Val string
}

type AdditionalSet struct {
	Tp   string
	Dtls []Additional
}

type CardAccount struct {
	Nm string `json:",omitempty"`
	Tp string `json:",omitempty"`
	Id string `json:",omitempty"`
}

type TransactionIdentification struct {
	LclDt         string
	LclTm         string `json:",omitempty"`
	TrnsmssnDtTm  string `json:",omitempty"`
	SysTracAudtNb string
	RtrvlRefNb    string
	LifeCyclSpprt string `json:",omitempty"`
	LifeCyclId    string `json:",omitempty"`
}

type ExchangeRate struct {
	CntrCcyCd string
	BaseCcyCd string
	Rate      string
}

type TransactionAmounts struct {
	AmtQlfr                 string
	Amt                     string
	Ccy                     string
	CrdhldrBllgAmt          string
	CrdhldrBllgCcy          string
	CrdhldrBllgFctvXchgRate string `json:",omitempty"`
	RcncltnAmt              string `json:",omitempty"`
	RcncltnCcy              string `json:",omitempty"`
}

type Acceptor struct {
	Id        string
	NmAndLctn string
	Adr       *Address `json:",omitempty"`
}

type Address struct {
	TwnNm string `json:",omitempty"`
	Ctry  string `json:",omitempty"`
}

type Terminal struct{ Id string }

type Context struct {
	CardDataNtryMd string
	MrchntCtgyCd   string
	OthrMrchntCtgy string       `json:",omitempty"`
	ICCFllbck      *bool        `json:",omitempty"`
	EComrc         *bool        `json:",omitempty"`
	AddtlData      []Additional `json:",omitempty"`
}

type Cardholder struct{ Nm Name }

type Name struct{ Nm string }

type Jurisdiction struct{ DmstInd bool }

type Settlement struct{ Dt string }

type Result struct {
	RspnSrcTp string `json:",omitempty"`
	RspnCd    string
	ApprvlCd  string
}

// Types of the additional data that has no native element.
const (
	dataPANToken   = "PAN_TOKEN"
	dataPANLast4   = "PAN_LAST4"
	dataSource     = "SOURCE"
	dataEnrichment = "ENRICHMENT"
)

// initiatingParty is the id of the system that approved the authorization, and its type: card issuer processor.
const initiatingParty, issuerProcessor, issuer = "AUTHORIZER", "CISP", "CISS"

// unknownMCC stands in MrchntCtgyCd, which takes 4 digits only, where the network's code has letters ("AAFF").
const unknownMCC = "0000"

// Standardize writes an authorization as an ISO 20022 financial initiation. ingestedAt is the recorded ingest time, so that
// a redelivery gives the same message.
func Standardize(a Authorization, ingestedAt time.Time) (Message, error) {
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
			TracData: []Additional{{Tp: "POSTING_SEQ_ID", Val: SequenceID(businessKey, 0)}},
		},
		TxChrtcs: TransactionCharacteristics{TxTp: a.TransactionType(), TxDesc: Description(a)},
		Acqrr:    Institution{Id: a.AcquirerID, Ctry: a.AcquirerCountry},
		Card:     cainCard(a),
		TxId:     cainIdentification(a),
		TxAmts:   amounts,
		Cntxt:    cainContext(a),
		Jursdctn: &Jurisdiction{DmstInd: !Foreign(a)},
	}
	if a.ForwarderID != "" {
		f.Sndr = &Institution{Id: a.ForwarderID}
	}
	if a.BIN != "" && KnownCountry(a.IssuerCountry) {
		f.Issr = &Institution{Id: a.BIN, Ctry: a.IssuerCountry}
	}
	if a.ConversionRate != "" {
		f.XchgRate = []ExchangeRate{{CntrCcyCd: amounts.CrdhldrBllgCcy, BaseCcyCd: amounts.Ccy, Rate: a.ConversionRate}}
	}
	if a.Merchant.ID != "" {
		f.Accptr = &Acceptor{Id: a.Merchant.ID, NmAndLctn: nameAndLocation(a.Merchant), Adr: address(a.Merchant)}
	}
	if a.Merchant.TerminalID != "" {
		f.Termnl = &Terminal{Id: a.Merchant.TerminalID}
	}
	if a.SettlementDate != "" {
		f.SttlmSvc = &Settlement{Dt: a.SettlementDate}
	}
	if a.ResponseCode != "" {
		// ApprvlCd has exactly six characters; the schema allows blanks, so shorter codes are padded on the right.
		f.PrcgRslt = &Result{RspnSrcTp: issuer, RspnCd: a.ResponseCode, ApprvlCd: fmt.Sprintf("%-6s", a.AuthCode)}
	}
	f.AddtlData = []AdditionalSet{{Tp: dataSource, Dtls: cainSource(a, businessKey)}}
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
		amounts.RcncltnAmt, amounts.RcncltnCcy = a.SettlementAmount.Decimal(), currency
	}
	return amounts, nil
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
		SysTracAudtNb: a.STAN, RtrvlRefNb: a.RRN,
	}
	if id.LclDt == "" {
		id.LclDt = a.TransmittedAt.UTC().Format(time.DateOnly)
	}
	if id.RtrvlRefNb == "" {
		id.RtrvlRefNb = syntheticRRN(a)
	}
	if a.LifecycleID != "" {
		id.LifeCyclSpprt, id.LifeCyclId = "AUTH", a.LifecycleID
	}
	return id
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

func cainContext(a Authorization) Context {
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
		if a.POSCondition == "59" {
			context.EComrc = &yes
		}
		context.AddtlData = append(context.AddtlData, Additional{Tp: "ISO8583_DE25", Val: a.POSCondition})
	}
	return context
}

func cainSource(a Authorization, businessKey string) []Additional {
	source := []Additional{
		{Tp: "MTI", Val: a.MTI}, {Tp: "PROCESSING_CODE", Val: a.ProcessingCode},
		{Tp: "DEDUP_KEY", Val: businessKey}, {Tp: "PAYLOAD_HASH", Val: a.PayloadHash()},
	}
	if a.RRN == "" {
		source = append(source, Additional{Tp: "RRN", Val: "SYNTHETIC"})
	}
	if a.AcquirerFee != "" {
		source = append(source, Additional{Tp: "ACQUIRER_FEE", Val: a.AcquirerFee})
	}
	return source
}

// nameAndLocation writes DE43: name 22, city 13, state 2 (blank), country 2, pad 1.
func nameAndLocation(m Merchant) string {
	return strings.TrimRight(fmt.Sprintf("%-22.22s%-13.13s  %-2.2s", m.Name, m.City, m.Country), " ")
}

func address(m Merchant) *Address {
	if m.City == "" && m.Country == "" {
		return nil
	}
	return &Address{TwnNm: m.City, Ctry: m.Country}
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

// Enriched returns the message with what enrichment found: the account it is posted to, its holder, product and branch.
func (m Message) Enriched(account Account) Message {
	if account.Status == AccountNotFound {
		return m
	}
	f := m.Document.FinInitn
	f.AcctFr = &CardAccount{Nm: account.Holder, Id: account.IBAN}
	f.Crdhldr = &Cardholder{Nm: Name{Nm: account.Holder}}
	f.Card.PdctTp = account.Product
	// A new slice: the input message must not change under its other readers.
	f.AddtlData = append(f.AddtlData[:len(f.AddtlData):len(f.AddtlData)], AdditionalSet{Tp: dataEnrichment, Dtls: []Additional{
		{Tp: "SORT_CODE", Val: account.SortCode}, {Tp: "BRANCH_NAME", Val: account.BranchName},
		{Tp: "BANK_PRODUCT", Val: account.Product}, {Tp: "TAX_CATEGORY", Val: account.TaxCategory},
	}})
	m.Document.FinInitn = f
	return m
}
