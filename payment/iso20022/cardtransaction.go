package iso20022

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/payrail/payrail/payment"
)

// panDigits is the length of the usual card number, to which a masked one is filled up; the true length is not known here.
const panDigits = 16

// card names the card by token and masked number: first six to eight digits and last four, as PCI DSS 3.4.1 lets it be shown.
func (p Posting) card() *EntryCard {
	a := p.Authorization
	card := &EntryCard{Card: CardIdentity{AddtlCardData: a.PANToken}, POI: pointOfInteraction(a.Merchant)}
	if a.BIN != "" && a.PANLast4 != "" {
		card.Card.AddtlCardData = a.BIN + strings.Repeat("*", panDigits-len(a.BIN)-len(a.PANLast4)) + a.PANLast4 + ";" + a.PANToken
	}
	if payment.KnownCountry(a.IssuerCountry) {
		card.Card.CardCtryCd = a.IssuerCountry
	}
	if scheme := p.scheme(); scheme != "" {
		card.Card.CardBrnd = &CardBrand{Id: scheme}
	}
	return card
}

// scheme is read from the scheme's payable account in the journal (SCHEME_PAYABLE.VISA.GBP), which says which one is owed.
func (p Posting) scheme() string {
	for _, leg := range p.Entry.Legs {
		if leg.Role == payment.RoleSchemePayable {
			parts := strings.Split(leg.Account, ".")
			if len(parts) == 3 {
				return parts[1]
			}
		}
	}
	return ""
}

// pointOfInteraction is the terminal; the schema demands its id, so a merchant without one stands for itself.
func pointOfInteraction(m payment.Merchant) *PointOfInteraction {
	const maxName = 35
	identity := PointOfInteractionIdentity{Id: m.TerminalID, Tp: "OPOI", Issr: "ACQR", ShrtNm: payment.Shorten(m.Name, maxName)}
	if identity.Id == "" {
		identity.Id, identity.Tp = m.ID, "MERC"
	}
	if identity.Id == "" {
		return nil
	}
	return &PointOfInteraction{Id: identity, GrpId: m.ID}
}

// merchant is the creditor of a purchase and the debtor of a refund.
func (p Posting) merchant(leg payment.Leg) *RelatedParties {
	const maxName, maxTown = 140, 35
	a := p.Authorization
	identity := MerchantIdentity{Nm: payment.Shorten(a.Merchant.Name, maxName)}
	if address := (PostalAddress{TwnNm: payment.Shorten(a.Merchant.City, maxTown), Ctry: merchantCountry(a)}); address != (PostalAddress{}) {
		identity.PstlAdr = &address
	}
	if identity == (MerchantIdentity{}) {
		return nil
	}
	party := &MerchantParty{Pty: identity}
	if leg.Side == payment.Credit {
		return &RelatedParties{Dbtr: party}
	}
	return &RelatedParties{Cdtr: party}
}

var alpha2 = regexp.MustCompile(`^[A-Z]{2}$`)

// merchantCountry is the merchant's country in two letters, as camt demands it, else the acquirer's: cain has countries by number.
func merchantCountry(a payment.Authorization) string {
	if alpha2.MatchString(a.Merchant.Country) {
		return a.Merchant.Country
	}
	if !payment.KnownCountry(a.AcquirerCountry) {
		return ""
	}
	n, err := strconv.Atoi(a.AcquirerCountry)
	if err != nil {
		return ""
	}
	region, err := language.EncodeM49(n)
	if err != nil || !alpha2.MatchString(region.String()) {
		return ""
	}
	return region.String()
}

// entryModes maps the entry modes of cain.003 to the fewer of camt.054. Modes without a counterpart leave the context out, which
// cannot be there without one.
var entryModes = map[string]string{"KEEN": "PHYS", "MGST": "MGST", "ICCY": "CICC", "ICPY": "ECTL", "MSIP": "CTLS", "OPTC": "BRCD", "DFLE": "DFLE"}

func (p Posting) cardTransaction() *CardTransaction {
	a := p.Authorization
	rrn := a.RetrievalReference()
	individual := IndividualTransaction{TxCtgy: a.MCC, SaleRefNb: rrn, SeqNb: a.STAN, TxId: TransactionIdentifier{TxDtTm: instant(a.TransmittedAt), TxRef: rrn}}
	if a.LocalDate != "" && a.LocalTime != "" {
		individual.TxId.TxDtTm = a.LocalDate + "T" + a.LocalTime // the terminal's time, whose zone nobody says
	}
	context := a.POSContext()
	if mode, ok := entryModes[context.CardDataNtryMd]; ok {
		individual.PmtCntxt = &PaymentContext{CardPres: context.CardPres, CrdhldrPres: context.CrdhldrPres, CardDataNtryMd: mode}
	}
	return &CardTransaction{Tx: IndividualChoice{Indv: individual}}
}
