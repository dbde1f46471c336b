package iso20022

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/payrail/payrail/payment"
)

// Reversal is the cain.005: it takes an earlier message back, in whole or in part.
type Reversal struct {
	Hdr            payment.Header
	TxChrtcs       payment.TransactionCharacteristics
	Acqrr          payment.Institution
	Sndr           *payment.Institution `json:",omitempty"`
	Card           *ReversalCard        `json:",omitempty"`
	AcctFr         *payment.CardAccount `json:",omitempty"`
	AcctTo         *payment.CardAccount `json:",omitempty"`
	Issr           *payment.Institution `json:",omitempty"`
	TxId           payment.TransactionIdentification
	ConvsDtTm      *payment.Conversion `json:",omitempty"`
	TxAmts         payment.TransactionAmounts
	AddtlAmt       []payment.AdditionalAmountBlock `json:",omitempty"`
	OrgnlDataElmts OriginalDataElements
	Accptr         *payment.Acceptor       `json:",omitempty"`
	Termnl         *payment.Terminal       `json:",omitempty"`
	Cntxt          *ReversalContext        `json:",omitempty"`
	Jursdctn       *payment.Jurisdiction   `json:",omitempty"`
	SttlmSvc       *payment.Settlement     `json:",omitempty"`
	AddtlFee       []payment.AdditionalFee `json:",omitempty"`
	PrcgRslt       *payment.Result         `json:",omitempty"`
	AddtlData      []payment.AdditionalSet `json:",omitempty"`
}

// ReversalCard is the card block, which names two of its elements differently in cain.005. It never carries a card number.
type ReversalCard struct {
	PrtctdPAN     bool
	CardSeqNb     string               `json:",omitempty" xml:",omitempty" iso:"Min2Max3NumericText"`
	PANAcctRg     string               `json:",omitempty" xml:",omitempty" iso:"Max19NumericText"`
	CtryCd        string               `json:",omitempty" xml:",omitempty" iso:"ISO3NumericCountryCode"`
	PdctTp        string               `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	AddtlCardData []payment.Additional `json:",omitempty"`
}

// ReversalContext is the context block without what cain.005 does not have in it.
type ReversalContext struct {
	CardDataNtryMd string               `iso:"CardDataReading10Code"`
	MrchntCtgyCd   string               `iso:"ISO18245MerchantCategoryCode"`
	OthrMrchntCtgy string               `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	CardPres       *bool                `json:",omitempty"`
	CrdhldrPres    *bool                `json:",omitempty"`
	EComrc         *bool                `json:",omitempty"`
	AddtlData      []payment.Additional `json:",omitempty"`
}

// OriginalDataElements are what DE90 says of the message that is reversed, and its amounts.
type OriginalDataElements struct {
	MsgClss  string `json:",omitempty" xml:",omitempty" iso:"MessageClass1Code"`
	AcqrrId  string `json:",omitempty" xml:",omitempty" iso:"Max11NumericText"`
	TxId     OriginalIdentification
	TxAmts   *payment.TransactionAmounts `json:",omitempty"`
	ApprvlCd string                      `json:",omitempty" xml:",omitempty" iso:"Exact6AlphaNumericText"`
}

type OriginalIdentification struct {
	TrnsmssnDtTm  string `json:",omitempty" xml:",omitempty" iso:"ISODateTime"`
	SysTracAudtNb string `iso:"Max12NumericText"`
	RtrvlRefNb    string `json:",omitempty" xml:",omitempty" iso:"Exact12Text"`
	LifeCyclId    string `json:",omitempty" xml:",omitempty" iso:"Exact15Text"`
}

// Original is the message that a reversal takes back, as DE90 names it: MTI, STAN, transmission time and acquirer.
type Original struct {
	MTI           string
	STAN          string
	TransmittedAt time.Time
	AcquirerID    string
	// RRN and AuthCode are empty where they are not known.
	RRN, AuthCode string
}

// Final is what remains of the original after the reversal (DE95). Nothing remains after a full one.
type Final struct {
	Transaction, Billing payment.Money
}

// Standardize writes an authorization as the message of its kind: a reversal as cain.005, everything else as cain.003.
func Standardize(a payment.Authorization, payloadHash string, ingestedAt time.Time) (Message, error) {
	if !a.IsReversal() {
		message, err := payment.Standardize(a, payloadHash, ingestedAt)
		return Initiation(message), err
	}
	if a.Original == nil {
		return Message{}, &payment.Error{Kind: payment.Invalid, Reason: "ORIGINAL_INVALID", Err: errors.New("a reversal must say what it reverses")}
	}
	final, err := finalOf(a)
	if err != nil {
		return Message{}, &payment.Error{Kind: payment.Invalid, Reason: "REPLACEMENT_INVALID", Err: err}
	}
	// The approval code of a reversal is that of its original.
	original := Original{MTI: a.Original.MTI, STAN: a.Original.STAN, TransmittedAt: a.Original.TransmittedAt, AcquirerID: a.Original.AcquirerID, AuthCode: a.AuthCode}
	return Reverse(a, payloadHash, original, final, ingestedAt)
}

// finalOf is what remains after a reversal; nil after a full one.
func finalOf(a payment.Authorization) (*Final, error) {
	if a.ReplacementAmount == nil {
		return nil, nil
	}
	billing, err := a.RemainingBilling()
	return &Final{Transaction: *a.ReplacementAmount, Billing: billing}, err
}

// messageClasses are the classes that can be reversed, by the second digit of the message type.
var messageClasses = map[string]string{"1": "AUTH", "2": "FINL"}

// Reverse writes a reversal (MTI 04xx). The amounts of a are those of the original (DE4, DE6) and go to its data elements; the
// amounts of the message are what remains. A nil final is a full reversal: zero remains.
func Reverse(a payment.Authorization, payloadHash string, original Original, final *Final, ingestedAt time.Time) (Message, error) {
	if payment.MTIClass(a.MTI) != "4" {
		return Message{}, &payment.Error{Kind: payment.Unsupported, Reason: "MESSAGE_TYPE_NOT_SUPPORTED", Err: fmt.Errorf("message type %s is no reversal", a.MTI)}
	}
	class, ok := messageClasses[payment.MTIClass(original.MTI)]
	if !ok {
		return Message{}, &payment.Error{Kind: payment.Invalid, Reason: "ORIGINAL_INVALID", Err: fmt.Errorf("message type %q cannot be reversed", original.MTI)}
	}
	if final == nil {
		final = &Final{Transaction: payment.Money{Currency: a.TransactionAmount.Currency}, Billing: payment.Money{Currency: a.BillingAmount.Currency}}
	}
	if err := final.remainsOf(a); err != nil {
		return Message{}, &payment.Error{Kind: payment.Invalid, Reason: "REPLACEMENT_INVALID", Err: err}
	}
	// A reversal has every field of a financial initiation; what it names differently is changed below.
	standard, err := payment.Standardize(a, payloadHash, ingestedAt)
	if err != nil {
		return Message{}, err
	}
	f := standard.Document.FinInitn
	f.Hdr.PrtcolVrsn = ReversalInitiation
	f.Hdr.MsgFctn = "NOTI" // what was reversed has been; no answer is expected
	// The posting sequence of a reversal gets its number when it is posted: only the trace is known.
	f.Hdr.TracData = slices.DeleteFunc(f.Hdr.TracData, func(d payment.Additional) bool { return d.Tp == "POSTING_SEQ_ID" })
	remaining := f.TxAmts
	remaining.Amt, remaining.CrdhldrBllgAmt = final.Transaction.Decimal(), final.Billing.Decimal()
	// The settlement amount of the message is the original's; what remains of it only the scheme's settlement says.
	remaining.RcncltnAmt, remaining.RcncltnCcy, remaining.RcncltnFctvXchgRate = "", "", ""
	r := &Reversal{
		Hdr: f.Hdr, TxChrtcs: f.TxChrtcs, Acqrr: f.Acqrr, Sndr: f.Sndr, AcctFr: f.AcctFr, AcctTo: f.AcctTo, Issr: f.Issr,
		Card: &ReversalCard{PrtctdPAN: f.Card.PrtctdPAN, CardSeqNb: f.Card.CardSeqNb, PANAcctRg: f.Card.PANAcctRg, CtryCd: f.Card.Ctry, AddtlCardData: f.Card.AddtlData},
		TxId: f.TxId, ConvsDtTm: f.ConvsDtTm, TxAmts: remaining, AddtlAmt: f.AddtlAmt,
		OrgnlDataElmts: OriginalDataElements{
			MsgClss: class, AcqrrId: original.AcquirerID, TxAmts: &f.TxAmts,
			TxId: OriginalIdentification{SysTracAudtNb: original.STAN, RtrvlRefNb: original.RRN, LifeCyclId: a.LifecycleID},
		},
		Accptr: f.Accptr, Termnl: f.Termnl, Jursdctn: f.Jursdctn, SttlmSvc: f.SttlmSvc, AddtlFee: f.AddtlFee, PrcgRslt: f.PrcgRslt, AddtlData: f.AddtlData,
		Cntxt: &ReversalContext{CardDataNtryMd: f.Cntxt.CardDataNtryMd, MrchntCtgyCd: f.Cntxt.MrchntCtgyCd, OthrMrchntCtgy: f.Cntxt.OthrMrchntCtgy,
			CardPres: f.Cntxt.CardPres, CrdhldrPres: f.Cntxt.CrdhldrPres, EComrc: f.Cntxt.EComrc, AddtlData: f.Cntxt.AddtlData},
	}
	if !original.TransmittedAt.IsZero() {
		r.OrgnlDataElmts.TxId.TrnsmssnDtTm = original.TransmittedAt.UTC().Format(time.RFC3339)
	}
	if original.AuthCode != "" {
		r.OrgnlDataElmts.ApprvlCd = fmt.Sprintf("%-6s", original.AuthCode)
	}
	return Message{MsgDefIdr: ReversalInitiation, Document: Document{RvslInitn: r}}, nil
}

// remainsOf checks that what remains is in the currencies of the original and neither negative nor more than it was.
func (f Final) remainsOf(a payment.Authorization) error {
	for _, pair := range []struct{ remaining, original payment.Money }{{f.Transaction, a.TransactionAmount}, {f.Billing, a.BillingAmount}} {
		if pair.remaining.Currency != pair.original.Currency {
			return fmt.Errorf("what remains is in %q: %w", pair.remaining.Currency, payment.ErrCurrencyMismatch)
		}
		if pair.remaining.Minor < 0 || pair.remaining.Minor > pair.original.Minor {
			return errors.New("what remains must be between nothing and the original amount")
		}
	}
	return nil
}
