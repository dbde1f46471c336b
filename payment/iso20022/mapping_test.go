package iso20022

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// named are the elements of which there are several, told apart by a type: their path says which one.
var named = []string{"AddtlData", "AddtlCardData", "Dtls", "TracData", "AddtlFee", "AddtlAmt", "Prtry", "PrtryAmt", "Rcrd"}

// node is an element of a document.
type node struct {
	name, text string
	currency   string
	children   []*node
}

// treeOf reads a document.
func treeOf(t *testing.T, m Message) *node {
	t.Helper()
	document, err := m.XML()
	require.NoError(t, err)
	decoder := xml.NewDecoder(strings.NewReader(string(document)))
	root := &node{}
	open := []*node{root}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return root
		}
		require.NoError(t, err)
		top := open[len(open)-1]
		switch e := token.(type) {
		case xml.StartElement:
			child := &node{name: e.Name.Local}
			for _, attribute := range e.Attr {
				if attribute.Name.Local == "Ccy" {
					child.currency = attribute.Value
				}
			}
			top.children = append(top.children, child)
			open = append(open, child)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			top.text += string(e)
		}
	}
}

// paths are the texts of a document by their paths under Document: Card/AddtlData[PAN_TOKEN]/Val. The first of several counts.
func (n *node) paths(under string, found map[string]string) map[string]string {
	for _, child := range n.children {
		at := strings.TrimPrefix(under+"/"+child.name, "/")
		if slices.Contains(named, child.name) {
			at += child.kind()
		}
		if len(child.children) > 0 {
			child.paths(at, found)
			continue
		}
		if _, known := found[at]; !known {
			found[at] = strings.TrimPrefix(child.currency+" "+child.text, " ")
		}
	}
	return found
}

// kind is the type of an element of which there are several.
func (n *node) kind() string {
	for _, child := range n.children {
		if child.name == "Tp" {
			for len(child.children) > 0 {
				child = child.children[0]
			}
			return "[" + child.text + "]"
		}
	}
	return ""
}

// everyField is an item that has every attribute of the data contract that a payment can have.
func everyField() map[string]payment.Attribute {
	item := map[string]payment.Attribute{}
	for name, value := range map[string]string{
		"authorizationId": "auth-1", "mti": "0220", "panToken": panToken, "panLast4": "1111", "bin": "411111", "processingCode": "002030", "transactionCurrency": "USD",
		"billingCurrency": "GBP", "settlementCurrency": "EUR", "conversionRate": "0.7925", "settlementRate": "0.9261", "stan": "123457", "acquirerId": "400010",
		"transmittedAt": "2026-07-09T10:15:30Z", "localDate": "2026-07-08", "localTime": "23:15:30", "settlementDate": "2026-07-10", "conversionDate": "2026-07-09",
		"rrn": "519010123457", "authCode": "A1B2", "responseCode": "10", "lifecycleId": "385190412345678", "mcc": "5411", "merchantName": "ACME STORE",
		"merchantCity": "NEW YORK", "merchantCountry": "US", "merchantId": "MERCHANT0000001", "terminalId": "TERM0001", "acquirerCountry": "840", "issuerCountry": "826",
		"posEntryMode": "051", "posCondition": "08", "panSequence": "0002", "forwarderId": "400011", "acquirerFee": "D00000250",
		"additionalAmounts": "0040840D000000002000,0042840C000000000100",
	} {
		item[name] = payment.Attribute{Kind: payment.Text, Text: value}
	}
	for name, value := range map[string]string{"transactionAmount": "10000", "billingAmount": "7925", "settlementAmount": "9261"} {
		item[name] = payment.Attribute{Kind: payment.Number, Text: value}
	}
	return item
}

// mapped is where one data element is told, with the value it has there; "" where it must not be.
type mapped struct {
	element, attribute string
	cain, camt         map[string]string
}

// fieldMapping is where each data element is told: one row each, as in docs/reference/iso20022-mapping.md. Paths of cain.003 are
// under FinInitn; those of camt.054 under its one notification (Acct, Id), its first entry, or the details of it (TxDtls).
var fieldMapping = []mapped{
	{"0", "mti", map[string]string{"AddtlData[SOURCE]/Dtls[MTI]/Val": "0220", "Hdr/MsgFctn": "CANO"}, nil},
	{"2", "panToken", map[string]string{"Card/AddtlData[PAN_TOKEN]/Val": panToken, "Card/PrtctdPAN": "false", "Card/PAN": ""},
		map[string]string{"Ntry/CardTx/Card/AddtlCardData": "411111******1111;" + panToken}},
	{"2", "bin", map[string]string{"Card/PANAcctRg": "411111", "Issr/Id": "411111"}, map[string]string{"Ntry/CardTx/Card/AddtlCardData": "411111******1111;" + panToken}},
	{"2", "panLast4", map[string]string{"Card/AddtlData[PAN_LAST4]/Val": "1111"}, map[string]string{"Ntry/CardTx/Card/AddtlCardData": "411111******1111;" + panToken}},
	{"3 (1–2)", "processingCode", map[string]string{"TxChrtcs/TxTp": "00", "AddtlData[SOURCE]/Dtls[PROCESSING_CODE]/Val": "002030"},
		map[string]string{"Ntry/BkTxCd/Domn/Cd": "PMNT", "Ntry/BkTxCd/Domn/Fmly/Cd": "CCRD", "Ntry/BkTxCd/Domn/Fmly/SubFmlyCd": "POSD", "Ntry/BkTxCd/Prtry/Cd": "CARD.PURCHASE.FOREIGN"}},
	{"3 (3–4, 5–6)", "processingCode", map[string]string{"AcctFr/Tp": "20", "AcctTo/Tp": "30"}, map[string]string{"Acct/Tp/Cd": "CACC"}},
	{"4, 49", "transactionAmount", map[string]string{"TxAmts/Amt": "100.00", "TxAmts/Ccy": "840", "TxAmts/AmtQlfr": "ACTL"}, map[string]string{"Ntry/AmtDtls/InstdAmt/Amt": "USD 100.00"}},
	{"5, 50", "settlementAmount", map[string]string{"TxAmts/RcncltnAmt": "92.61", "TxAmts/RcncltnCcy": "978"}, map[string]string{"Ntry/AmtDtls/CntrValAmt/Amt": "EUR 92.61"}},
	{"6, 51", "billingAmount", map[string]string{"TxAmts/CrdhldrBllgAmt": "79.25", "TxAmts/CrdhldrBllgCcy": "826"}, map[string]string{"Ntry/Amt": "GBP 79.25", "Ntry/AmtDtls/TxAmt/Amt": "GBP 79.25"}},
	{"7", "transmittedAt", map[string]string{"TxId/TrnsmssnDtTm": "2026-07-09T10:15:30Z"}, map[string]string{"TxDtls/RltdDts/AccptncDtTm": "2026-07-09T10:15:30Z"}},
	{"9", "settlementRate", map[string]string{"TxAmts/RcncltnFctvXchgRate": "0.9261"}, nil},
	{"10", "conversionRate", map[string]string{"TxAmts/CrdhldrBllgFctvXchgRate": "0.7925", "XchgRate/Rate": "0.7925", "XchgRate/BaseCcyCd": "840", "XchgRate/CntrCcyCd": "826"},
		map[string]string{"Ntry/AmtDtls/TxAmt/CcyXchg/XchgRate": "0.7925", "Ntry/AmtDtls/TxAmt/CcyXchg/SrcCcy": "USD", "Ntry/AmtDtls/TxAmt/CcyXchg/TrgtCcy": "GBP"}},
	{"11", "stan", map[string]string{"TxId/SysTracAudtNb": "123457"}, map[string]string{"TxDtls/Refs/Prtry[STAN]/Ref": "123457", "TxDtls/CardTx/Tx/Indv/SeqNb": "123457"}},
	{"12, 13", "localDate", map[string]string{"TxId/LclTm": "23:15:30", "TxId/LclDt": "2026-07-08"}, map[string]string{"TxDtls/CardTx/Tx/Indv/TxId/TxDtTm": "2026-07-08T23:15:30"}},
	{"14", "expiry date", map[string]string{"Card/XpryDt": ""}, map[string]string{"Ntry/CardTx/Card/PlainCardData/XpryDt": ""}},
	{"15", "settlementDate", map[string]string{"SttlmSvc/Dt": "2026-07-10"}, map[string]string{"Ntry/ValDt/Dt": "2026-07-10"}},
	{"16", "conversionDate", map[string]string{"ConvsDtTm/Dt": "2026-07-09", "XchgRate/Dt": "2026-07-09"}, map[string]string{"Ntry/AmtDtls/TxAmt/CcyXchg/QtnDt": "2026-07-09T00:00:00"}},
	{"18", "mcc", map[string]string{"Cntxt/MrchntCtgyCd": "5411", "Cntxt/OthrMrchntCtgy": ""}, map[string]string{"TxDtls/CardTx/Tx/Indv/TxCtgy": "5411"}},
	{"19", "acquirerCountry", map[string]string{"Acqrr/Ctry": "840"}, nil},
	{"20", "issuerCountry", map[string]string{"Issr/Ctry": "826", "Card/Ctry": "826", "Jursdctn/DmstInd": "false"}, map[string]string{"Ntry/CardTx/Card/CardCtryCd": "826"}},
	{"22", "posEntryMode", map[string]string{"Cntxt/CardDataNtryMd": "ICCY", "Cntxt/AddtlData[ISO8583_DE22]/Val": "051"}, map[string]string{"TxDtls/CardTx/Tx/Indv/PmtCntxt/CardDataNtryMd": "CICC"}},
	{"23", "panSequence", map[string]string{"Card/CardSeqNb": "002"}, nil},
	{"25", "posCondition", map[string]string{"Cntxt/CardPres": "false", "Cntxt/CrdhldrPres": "false", "Cntxt/AddtlData[ISO8583_DE25]/Val": "08"},
		map[string]string{"TxDtls/CardTx/Tx/Indv/PmtCntxt/CardPres": "false", "TxDtls/CardTx/Tx/Indv/PmtCntxt/CrdhldrPres": "false"}},
	{"28", "acquirerFee", map[string]string{"AddtlFee[FEEP]/Amt": "2.50", "AddtlFee[FEEP]/Ccy": "840", "AddtlFee[FEEP]/CdtDbt": "DBIT"},
		map[string]string{"Ntry/Chrgs/Rcrd[ACQUIRERFEE]/Amt": "USD 2.50", "Ntry/Chrgs/Rcrd[ACQUIRERFEE]/ChrgInclInd": "true"}},
	{"32", "acquirerId", map[string]string{"Acqrr/Id": "400010"}, map[string]string{"TxDtls/Refs/Prtry[ACQUIRER_ID]/Ref": "400010"}},
	{"33", "forwarderId", map[string]string{"Sndr/Id": "400011"}, nil},
	{"37", "rrn", map[string]string{"TxId/RtrvlRefNb": "519010123457"},
		map[string]string{"TxDtls/Refs/EndToEndId": "519010123457", "TxDtls/CardTx/Tx/Indv/SaleRefNb": "519010123457", "TxDtls/CardTx/Tx/Indv/TxId/TxRef": "519010123457"}},
	{"38", "authCode", map[string]string{"PrcgRslt/ApprvlCd": "A1B2  "}, map[string]string{"TxDtls/Refs/Prtry[AUTH_CODE]/Ref": "A1B2"}},
	{"39", "responseCode", map[string]string{"PrcgRslt/RspnCd": "10", "PrcgRslt/RspnSrcTp": "CISS"}, nil},
	{"41, 42", "terminalId", map[string]string{"Termnl/Id": "TERM0001"}, map[string]string{"Ntry/CardTx/POI/Id/Id": "TERM0001"}},
	{"41, 42", "merchantId", map[string]string{"Accptr/Id": "MERCHANT0000001"}, map[string]string{"Ntry/CardTx/POI/GrpId": "MERCHANT0000001"}},
	{"43", "merchantName", map[string]string{"Accptr/NmAndLctn": "ACME STORE            NEW YORK       US", "Accptr/Adr/TwnNm": "NEW YORK", "Accptr/Adr/Ctry": "US"},
		map[string]string{"TxDtls/RltdPties/Cdtr/Pty/Nm": "ACME STORE", "TxDtls/RltdPties/Cdtr/Pty/PstlAdr/TwnNm": "NEW YORK", "TxDtls/RltdPties/Cdtr/Pty/PstlAdr/Ctry": "US",
			"Ntry/CardTx/POI/Id/ShrtNm": "ACME STORE"}},
	{"54", "additionalAmounts", map[string]string{"AddtlAmt[40]/Amt": "20.00", "AddtlAmt[40]/Ccy": "840", "AddtlAmt[40]/CdtDbt": "DBIT", "AddtlAmt[42]/Amt": "1.00", "AddtlAmt[42]/CdtDbt": "CRDT"},
		map[string]string{"Ntry/AmtDtls/PrtryAmt[DE54_40_DBIT]/Amt": "USD 20.00", "Ntry/AmtDtls/PrtryAmt[DE54_42_CRDT]/Amt": "USD 1.00"}},
	{"62.2, 63", "lifecycleId", map[string]string{"TxId/LifeCyclId": "385190412345678", "TxId/LifeCyclSpprt": "FINC"}, map[string]string{"TxDtls/Refs/TxId": "385190412345678"}},
	{"–", "account", map[string]string{"AcctFr/Id": "GB29NWBK60161331926819", "AcctFr/Nm": "MS A CARDHOLDER", "Crdhldr/Nm/Nm": "MS A CARDHOLDER", "Card/PdctTp": "CURRENT_PLUS",
		"AddtlData[ENRICHMENT]/Dtls[ACCOUNT_ID]/Val": "acc-alice-gbp", "AddtlData[ENRICHMENT]/Dtls[SORT_CODE]/Val": "601613", "AddtlData[ENRICHMENT]/Dtls[BRANCH_ID]/Val": "601613",
		"AddtlData[ENRICHMENT]/Dtls[BRANCH_NAME]/Val": "LONDON CITY", "AddtlData[ENRICHMENT]/Dtls[BANK_PRODUCT]/Val": "CURRENT_PLUS", "AddtlData[ENRICHMENT]/Dtls[TAX_CATEGORY]/Val": "PERSONAL",
		"AddtlData[ENRICHMENT]/Dtls[SUSPENSE_ACCOUNT]/Val": "SUSPENSE.CARD.GBP", "AddtlData[ENRICHMENT]/Dtls[HEAD_OFFICE_ACCOUNT]/Val": "HEAD_OFFICE.601613.GBP"},
		map[string]string{"Acct/Id/IBAN": "GB29NWBK60161331926819", "Acct/Ownr/Nm": "MS A CARDHOLDER", "Acct/Nm": "CURRENT_PLUS", "Acct/Ccy": "GBP",
			"Acct/Svcr/FinInstnId/ClrSysMmbId/MmbId": "601613", "Acct/Svcr/FinInstnId/ClrSysMmbId/ClrSysId/Cd": "GBDSC", "Acct/Svcr/BrnchId/Id": "601613", "Acct/Svcr/BrnchId/Nm": "LONDON CITY"}},
	{"–", "description", map[string]string{"TxChrtcs/TxDesc": "ACME STORE NEW YORK US USD 100.00"}, map[string]string{"TxDtls/AddtlTxInf": "ACME STORE NEW YORK US USD 100.00"}},
	{"–", "scheme", nil, map[string]string{"Ntry/CardTx/Card/CardBrnd/Id": "VISA"}},
}

func TestFieldMapping(t *testing.T) {
	a, err := payment.ParseAuthorization(everyField())
	require.NoError(t, err)
	standard, err := Standardize(a, a.PayloadHash(), ingestedAt)
	require.NoError(t, err)
	initiation := standard.Enriched(gbpAccount())
	require.Empty(t, initiation.Validate())
	p := posted(t, a, gbpAccount())
	notice, err := Notify(p)
	require.NoError(t, err)
	require.Empty(t, notice.Validate())

	documentation, err := os.ReadFile("../../docs/reference/iso20022-mapping.md")
	require.NoError(t, err)
	cain := treeOf(t, initiation).paths("", map[string]string{})
	camt := treeOf(t, notice).paths("", map[string]string{})
	const notification = "Document/BkToCstmrDbtCdtNtfctn/Ntfctn/"
	for _, row := range fieldMapping {
		t.Run("DE "+row.element+" "+row.attribute, func(t *testing.T) {
			for path, want := range row.cain {
				require.Equal(t, want, cain["Document/FinInitn/"+path], path)
			}
			for path, want := range row.camt {
				path = strings.Replace(path, "TxDtls/", "Ntry/NtryDtls/TxDtls/", 1)
				require.Equal(t, want, camt[notification+path], path)
			}
			documented := slices.ContainsFunc(strings.Split(string(documentation), "\n"), func(line string) bool {
				return strings.HasPrefix(line, "| "+row.element+" |") && strings.Contains(line, row.attribute)
			})
			require.True(t, documented, "docs/reference/iso20022-mapping.md has no such row")
		})
	}

	key := a.BusinessKey()
	sequence := payment.SequenceID(key, 0)
	require.Equal(t, key[:26], cain["Document/FinInitn/Hdr/XchgId"])
	require.Equal(t, sequence, cain["Document/FinInitn/Hdr/TracData[POSTING_SEQ_ID]/Val"])
	require.Equal(t, payment.TraceID(payment.TransactionID(key)), cain["Document/FinInitn/Hdr/TracData[TRACE_ID]/Val"])
	require.Equal(t, key, cain["Document/FinInitn/AddtlData[SOURCE]/Dtls[DEDUP_KEY]/Val"])
	require.Equal(t, sequence, camt[notification+"Id"])
	require.Equal(t, sequence+"/1", camt[notification+"Ntry/NtryRef"])
	require.Equal(t, sequence, camt[notification+"Ntry/NtryDtls/TxDtls/Refs/Prtry[POSTING_SEQUENCE]/Ref"])
	require.Equal(t, "1/6", camt[notification+"Ntry/NtryDtls/TxDtls/Refs/Prtry[POSTING_LEG]/Ref"])
}

// Every attribute of an authorization has a row, its own or that of the attribute it goes with.
func TestEveryAttributeIsMapped(t *testing.T) {
	with := map[string]string{"transactionCurrency": "transactionAmount", "billingCurrency": "billingAmount", "settlementCurrency": "settlementAmount",
		"localTime": "localDate", "merchantCity": "merchantName", "merchantCountry": "merchantName"}
	for name := range everyField() {
		if other, ok := with[name]; ok {
			name = other
		}
		found := slices.ContainsFunc(fieldMapping, func(row mapped) bool { return row.attribute == name })
		require.True(t, found || name == "authorizationId", "%s has no row", name)
	}
}

// The data elements of a reversal: DE90, DE95 and the amounts of the original.
func TestReversalMapping(t *testing.T) {
	item := everyField()
	text := func(value string) payment.Attribute { return payment.Attribute{Kind: payment.Text, Text: value} }
	item["mti"], item["stan"] = text("0420"), text("123461")
	item["original"] = payment.Attribute{Kind: payment.Map, Map: map[string]payment.Attribute{"mti": text("0220"), "stan": text("123457"),
		"transmittedAt": text("2026-07-09T10:15:30Z"), "acquirerId": text("00000400010")}}
	item["replacementAmount"] = payment.Attribute{Kind: payment.Number, Text: "6309"}
	a, err := payment.ParseAuthorization(item)
	require.NoError(t, err)
	standard, err := Standardize(a, a.PayloadHash(), ingestedAt)
	require.NoError(t, err)
	m := standard.Enriched(gbpAccount())
	require.Empty(t, m.Validate())
	got := treeOf(t, m).paths("", map[string]string{})
	for path, want := range map[string]string{
		"Hdr/MsgFctn": "NOTI", "Hdr/PrtcolVrsn": "cain.005.001.04", "Hdr/TracData[POSTING_SEQ_ID]/Val": "", "Hdr/TracData[TRACE_ID]/Val": payment.TraceID(payment.TransactionID(a.BusinessKey())),
		"TxAmts/Amt": "63.09", "TxAmts/Ccy": "840", "TxAmts/CrdhldrBllgAmt": "50.00", "TxAmts/CrdhldrBllgCcy": "826", "TxAmts/RcncltnAmt": "",
		"OrgnlDataElmts/MsgClss": "FINL", "OrgnlDataElmts/AcqrrId": "00000400010", "OrgnlDataElmts/TxId/SysTracAudtNb": "123457", "OrgnlDataElmts/TxId/TrnsmssnDtTm": "2026-07-09T10:15:30Z",
		"OrgnlDataElmts/TxId/LifeCyclId": "385190412345678", "OrgnlDataElmts/ApprvlCd": "A1B2  ",
		"OrgnlDataElmts/TxAmts/Amt": "100.00", "OrgnlDataElmts/TxAmts/CrdhldrBllgAmt": "79.25", "OrgnlDataElmts/TxAmts/RcncltnAmt": "92.61",
		"Card/AddtlCardData[PAN_TOKEN]/Val": panToken, "Card/CtryCd": "826", "AddtlAmt[40]/Amt": "20.00", "ConvsDtTm/Dt": "2026-07-09",
		"AcctFr/Id": "GB29NWBK60161331926819", "AddtlData[SOURCE]/Dtls[MTI]/Val": "0420",
	} {
		require.Equal(t, want, got["Document/RvslInitn/"+path], path)
	}
}
