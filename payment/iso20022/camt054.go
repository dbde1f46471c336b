package iso20022

// Notification is the camt.054: the bank tells its customer what was booked. The field order is the schema's
// (camt.054.001.08). CardTx/Card/PlainCardData is left out for good: it asks for a card number and an expiry date.
type Notification struct {
	GrpHdr GroupHeader
	Ntfctn []AccountNotification
}

type GroupHeader struct {
	MsgId   string `iso:"Max35Text"`
	CreDtTm string `iso:"ISODateTime"`
}

// AccountNotification is one posting sequence on one customer account.
type AccountNotification struct {
	Id        string `iso:"Max35Text"`
	CreDtTm   string `iso:"ISODateTime"`
	Acct      Account
	TxsSummry *Summary `json:",omitempty"`
	Ntry      []Entry  `json:",omitempty"`
}

type Account struct {
	Id   AccountIdentification
	Tp   *AccountType `json:",omitempty"`
	Ccy  string       `iso:"ActiveOrHistoricCurrencyCode"`
	Nm   string       `json:",omitempty" xml:",omitempty" iso:"Max70Text"`
	Ownr *PartyName   `json:",omitempty"`
	Svcr *Servicer    `json:",omitempty"`
}

// AccountIdentification is a choice: the IBAN, or the bank's own number.
type AccountIdentification struct {
	IBAN string        `json:",omitempty" xml:",omitempty" iso:"IBAN2007Identifier"`
	Othr *OtherAccount `json:",omitempty"`
}

func (a AccountIdentification) chosen() int {
	n := 0
	if a.IBAN != "" {
		n++
	}
	if a.Othr != nil {
		n++
	}
	return n
}

type OtherAccount struct {
	Id string `iso:"Max34Text"`
}

type AccountType struct {
	Cd string `iso:"Max4Text"`
}

type PartyName struct {
	Nm string `iso:"Max140Text"`
}

// Servicer is the branch that keeps the account.
type Servicer struct {
	FinInstnId Bank
	BrnchId    *Branch `json:",omitempty"`
}

type Bank struct {
	ClrSysMmbId *ClearingMember `json:",omitempty"`
}

type ClearingMember struct {
	ClrSysId *ClearingSystem `json:",omitempty"`
	MmbId    string          `iso:"Max35Text"`
}

type ClearingSystem struct {
	Cd string `iso:"Max5Text"`
}

type Branch struct {
	Id string `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	Nm string `json:",omitempty" xml:",omitempty" iso:"Max140Text"`
}

// Summary is the control totals of a notification's entries.
type Summary struct {
	TtlNtries    NetTotal
	TtlCdtNtries *Total `json:",omitempty"`
	TtlDbtNtries *Total `json:",omitempty"`
}

type NetTotal struct {
	NbOfNtries string `iso:"Max15NumericText"`
	Sum        string `iso:"DecimalNumber"`
	TtlNetNtry Net
}

type Net struct {
	Amt       string `iso:"DecimalNumber"`
	CdtDbtInd string `iso:"CreditDebitCode"`
}

type Total struct {
	NbOfNtries string `iso:"Max15NumericText"`
	Sum        string `iso:"DecimalNumber"`
}

// Amount is an amount with its currency as an attribute: {"Ccy":"GBP","Value":"79.25"} in JSON.
type Amount struct {
	Ccy   string `xml:",attr" iso:"ActiveOrHistoricCurrencyCode"`
	Value string `xml:",chardata" iso:"ActiveOrHistoricCurrencyAndAmount"`
}

// Entry is one leg on the customer's account.
type Entry struct {
	NtryRef     string `iso:"Max35Text"`
	Amt         Amount
	CdtDbtInd   string `iso:"CreditDebitCode"`
	RvslInd     *bool  `json:",omitempty"`
	Sts         Status
	BookgDt     DateTime
	ValDt       *Date  `json:",omitempty"`
	AcctSvcrRef string `iso:"Max35Text"`
	BkTxCd      BankTransactionCode
	AmtDtls     *AmountDetails `json:",omitempty"`
	Chrgs       *Charges       `json:",omitempty"`
	CardTx      *EntryCard     `json:",omitempty"`
	NtryDtls    []EntryDetails `json:",omitempty"`
}

type Status struct {
	Cd string `iso:"Max4Text"`
}

type DateTime struct {
	DtTm string `iso:"ISODateTime"`
}

type Date struct {
	Dt string `iso:"ISODate"`
}

type BankTransactionCode struct {
	Domn  *Domain          `json:",omitempty"`
	Prtry *ProprietaryCode `json:",omitempty"`
}

type Domain struct {
	Cd   string `iso:"Max4Text"`
	Fmly Family
}

type Family struct {
	Cd        string `iso:"Max4Text"`
	SubFmlyCd string `iso:"Max4Text"`
}

type ProprietaryCode struct {
	Cd   string `iso:"Max35Text"`
	Issr string `iso:"Max35Text"`
}

// AmountDetails says what the booked amount was made of.
type AmountDetails struct {
	InstdAmt   *PlainAmount       `json:",omitempty"`
	TxAmt      *TransactionAmount `json:",omitempty"`
	CntrValAmt *PlainAmount       `json:",omitempty"`
	PrtryAmt   []NamedAmount      `json:",omitempty"`
}

// NamedAmount is an amount that the schema has no element for.
type NamedAmount struct {
	Tp  string `iso:"Max35Text"`
	Amt Amount
}

type PlainAmount struct{ Amt Amount }

type TransactionAmount struct {
	Amt     Amount
	CcyXchg *CurrencyExchange `json:",omitempty"`
}

type CurrencyExchange struct {
	SrcCcy   string `iso:"ActiveOrHistoricCurrencyCode"`
	TrgtCcy  string `iso:"ActiveOrHistoricCurrencyCode"`
	UnitCcy  string `iso:"ActiveOrHistoricCurrencyCode"`
	XchgRate string `iso:"BaseOneRate"`
	QtnDt    string `json:",omitempty" xml:",omitempty" iso:"ISODateTime"`
}

type Charges struct {
	TtlChrgsAndTaxAmt *Amount `json:",omitempty"`
	Rcrd              []Charge
}

type Charge struct {
	Amt         Amount
	CdtDbtInd   string `iso:"CreditDebitCode"`
	ChrgInclInd *bool  `json:",omitempty"`
	Tp          ChargeType
	Br          string `json:",omitempty" xml:",omitempty" iso:"ChargeBearerType1Code"`
	Tax         *Tax   `json:",omitempty"`
}

type ChargeType struct{ Prtry ChargeName }

type ChargeName struct {
	Id string `iso:"Max35Text"`
}

type Tax struct {
	Id  string  `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	Amt *Amount `json:",omitempty"`
}

type EntryCard struct {
	Card CardIdentity
	POI  *PointOfInteraction `json:",omitempty"`
}

// CardIdentity names the card by its token and a masked number.
type CardIdentity struct {
	CardCtryCd    string     `json:",omitempty" xml:",omitempty" iso:"Exact3NumericText"`
	CardBrnd      *CardBrand `json:",omitempty"`
	AddtlCardData string     `iso:"Max70Text"`
}

type CardBrand struct {
	Id string `iso:"Max35Text"`
}

type PointOfInteraction struct {
	Id    PointOfInteractionIdentity
	GrpId string `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
}

type PointOfInteractionIdentity struct {
	Id     string `iso:"Max35Text"`
	Tp     string `iso:"PartyType3Code"`
	Issr   string `iso:"PartyType4Code"`
	ShrtNm string `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
}

type EntryDetails struct{ TxDtls []EntryTransaction }

// EntryTransaction is the card transaction behind an entry.
type EntryTransaction struct {
	Refs       References
	Amt        Amount
	CdtDbtInd  string           `iso:"CreditDebitCode"`
	RltdPties  *RelatedParties  `json:",omitempty"`
	RltdDts    *RelatedDates    `json:",omitempty"`
	CardTx     *CardTransaction `json:",omitempty"`
	AddtlTxInf string           `json:",omitempty" xml:",omitempty" iso:"Max500Text"`
}

type References struct {
	AcctSvcrRef string      `iso:"Max35Text"`
	EndToEndId  string      `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	TxId        string      `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	Prtry       []Reference `json:",omitempty"`
}

// Reference is one that the schema has no element for.
type Reference struct {
	Tp  string `iso:"Max35Text"`
	Ref string `iso:"Max35Text"`
}

type RelatedParties struct {
	Dbtr *MerchantParty `json:",omitempty"`
	Cdtr *MerchantParty `json:",omitempty"`
}

type MerchantParty struct{ Pty MerchantIdentity }

type MerchantIdentity struct {
	Nm      string         `json:",omitempty" xml:",omitempty" iso:"Max140Text"`
	PstlAdr *PostalAddress `json:",omitempty"`
}

type PostalAddress struct {
	TwnNm string `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	Ctry  string `json:",omitempty" xml:",omitempty" iso:"CountryCode"`
}

type RelatedDates struct {
	AccptncDtTm string `iso:"ISODateTime"`
}

type CardTransaction struct{ Tx IndividualChoice }

type IndividualChoice struct{ Indv IndividualTransaction }

type IndividualTransaction struct {
	PmtCntxt  *PaymentContext `json:",omitempty"`
	TxCtgy    string          `json:",omitempty" xml:",omitempty" iso:"Max4Text"`
	SaleRefNb string          `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	SeqNb     string          `json:",omitempty" xml:",omitempty" iso:"Max35Text"`
	TxId      TransactionIdentifier
}

type PaymentContext struct {
	CardPres       *bool  `json:",omitempty"`
	CrdhldrPres    *bool  `json:",omitempty"`
	CardDataNtryMd string `iso:"CardDataReading1Code"`
}

type TransactionIdentifier struct {
	TxDtTm string `iso:"ISODateTime"`
	TxRef  string `iso:"Max35Text"`
}
