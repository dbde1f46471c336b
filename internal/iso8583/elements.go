package iso8583

import (
	"fmt"
	"maps"
	"sync"

	moov "github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/prefix"
)

// Data elements that the intake reads.
const (
	elementMTI                 = 0
	elementBitmap              = 1
	elementPAN                 = 2
	elementProcessingCode      = 3
	elementTransactionAmount   = 4
	elementSettlementAmount    = 5
	elementBillingAmount       = 6
	elementTransmission        = 7
	elementSettlementRate      = 9
	elementConversionRate      = 10
	elementSTAN                = 11
	elementLocalTime           = 12
	elementLocalDate           = 13
	elementSettlementDate      = 15
	elementConversionDate      = 16
	elementMerchantType        = 18
	elementAcquirerCountry     = 19
	elementPANCountry          = 20
	elementPOSEntryMode        = 22
	elementPANSequence         = 23
	elementPOSCondition        = 25
	elementTransactionFee      = 28
	elementAcquirer            = 32
	elementForwarder           = 33
	elementRRN                 = 37
	elementAuthCode            = 38
	elementResponseCode        = 39
	elementTerminal            = 41
	elementAcceptor            = 42
	elementAcceptorName        = 43
	elementTransactionCurrency = 49
	elementSettlementCurrency  = 50
	elementBillingCurrency     = 51
	elementAdditionalAmounts   = 54
	elementNetworkData         = 63
	elementOriginal            = 90
	elementReplacement         = 95

	// lastElement is the last of the two bitmaps of 1987; bits 1 and 65 say that another bitmap follows.
	lastElement  = 128
	extendedBits = 65
)

// refused are the elements that hold, or by the networks' use may hold, what must not be kept after authorization (PCI DSS
// 3.3.1) or a card number that is not tokenized. A message that has one is refused, whatever is in it.
var refused = map[int]string{
	34:  "extended card number",
	35:  "track 2 data",
	36:  "track 3 data",
	45:  "track 1 data",
	48:  "additional private data, where networks put card verification values",
	52:  "PIN data",
	53:  "security control data",
	55:  "ICC data",
	126: "private data, where networks put card verification values",
}

// element is how a data element is written: fixed length, or as long as lengthDigits digits before it say.
type element struct {
	name         string
	length       int
	lengthDigits int
}

// elements is ISO 8583:1987 with everything in ASCII and binary fields as hexadecimal digits. The specifications that come with
// moov-io/iso8583 v0.26.0 do not do: one strips leading zeros and cannot write a processing code of zeros, the other takes no
// message with a single bitmap.
var elements = map[int]element{
	2: {"primary account number", 19, 2}, 3: {"processing code", 6, 0}, 4: {"amount, transaction", 12, 0}, 5: {"amount, settlement", 12, 0},
	6: {"amount, cardholder billing", 12, 0}, 7: {"transmission date and time", 10, 0}, 8: {"amount, cardholder billing fee", 8, 0},
	9: {"conversion rate, settlement", 8, 0}, 10: {"conversion rate, cardholder billing", 8, 0}, 11: {"systems trace audit number", 6, 0},
	12: {"time, local transaction", 6, 0}, 13: {"date, local transaction", 4, 0}, 14: {"date, expiration", 4, 0}, 15: {"date, settlement", 4, 0},
	16: {"date, conversion", 4, 0}, 17: {"date, capture", 4, 0}, 18: {"merchant type", 4, 0}, 19: {"acquiring institution country", 3, 0},
	20: {"primary account number country", 3, 0}, 21: {"forwarding institution country", 3, 0}, 22: {"point of service entry mode", 3, 0},
	23: {"card sequence number", 3, 0}, 24: {"network identifier", 3, 0}, 25: {"point of service condition code", 2, 0},
	26: {"point of service PIN capture code", 2, 0}, 27: {"authorization response length", 1, 0}, 28: {"amount, transaction fee", 9, 0},
	29: {"amount, settlement fee", 9, 0}, 30: {"amount, transaction processing fee", 9, 0}, 31: {"amount, settlement processing fee", 9, 0},
	32: {"acquiring institution", 11, 2}, 33: {"forwarding institution", 11, 2}, 37: {"retrieval reference number", 12, 0},
	38: {"authorization code", 6, 0}, 39: {"response code", 2, 0}, 40: {"service restriction code", 3, 0}, 41: {"terminal", 8, 0},
	42: {"card acceptor", 15, 0}, 43: {"card acceptor name and location", 40, 0}, 44: {"additional response data", 25, 2},
	46: {"additional data, ISO", 999, 3}, 47: {"additional data, national", 999, 3}, 49: {"currency, transaction", 3, 0},
	50: {"currency, settlement", 3, 0}, 51: {"currency, cardholder billing", 3, 0}, 54: {"additional amounts", 120, 3},
	56: {"reserved, ISO", 999, 3}, 57: {"reserved, national", 999, 3}, 58: {"reserved, national", 999, 3}, 59: {"reserved, national", 999, 3},
	60: {"reserved, private", 999, 3}, 61: {"reserved, private", 999, 3}, 62: {"reserved, private", 999, 3}, 63: {"reserved, private", 999, 3},
	64: {"message authentication code", 16, 0},
	66: {"settlement code", 1, 0}, 67: {"extended payment code", 2, 0}, 68: {"receiving institution country", 3, 0}, 69: {"settlement institution country", 3, 0},
	70: {"network management information code", 3, 0}, 71: {"message number", 4, 0}, 72: {"last message number", 4, 0}, 73: {"date, action", 6, 0},
	74: {"credits, number", 10, 0}, 75: {"credits, reversal number", 10, 0}, 76: {"debits, number", 10, 0}, 77: {"debits, reversal number", 10, 0},
	78: {"transfers, number", 10, 0}, 79: {"transfers, reversal number", 10, 0}, 80: {"inquiries, number", 10, 0}, 81: {"authorizations, number", 10, 0},
	82: {"credits, processing fee", 12, 0}, 83: {"credits, transaction fee", 12, 0}, 84: {"debits, processing fee", 12, 0}, 85: {"debits, transaction fee", 12, 0},
	86: {"credits, amount", 16, 0}, 87: {"credits, reversal amount", 16, 0}, 88: {"debits, amount", 16, 0}, 89: {"debits, reversal amount", 16, 0},
	90: {"original data elements", 42, 0}, 91: {"file update code", 1, 0}, 92: {"file security code", 2, 0}, 93: {"response indicator", 5, 0},
	94: {"service indicator", 7, 0}, 95: {"replacement amounts", 42, 0}, 96: {"message security code", 16, 0}, 97: {"amount, net settlement", 17, 0},
	98: {"payee", 25, 0}, 99: {"settlement institution", 11, 2}, 100: {"receiving institution", 11, 2}, 101: {"file name", 17, 2},
	102: {"account identification 1", 28, 2}, 103: {"account identification 2", 28, 2}, 104: {"transaction description", 100, 3},
	128: {"message authentication code", 16, 0},
}

// nameOf names a data element in errors.
func nameOf(number int) string {
	e, known := elements[number]
	switch {
	case number == elementMTI:
		return "DE0 (message type)"
	case number == elementBitmap:
		return "DE1 (bitmap)"
	case known:
		return fmt.Sprintf("DE%d (%s)", number, e.name)
	case refused[number] != "":
		return fmt.Sprintf("DE%d (%s)", number, refused[number])
	default:
		return fmt.Sprintf("DE%d", number)
	}
}

// spec is made once; messages only read it.
var spec = sync.OnceValue(newSpec)

// newSpec is what the library unpacks by: elements, and the reserved ones of the second bitmap. What is refused is not in it,
// so that it is never decoded.
func newSpec() *moov.MessageSpec {
	all := maps.Clone(elements)
	for number := 105; number < lastElement; number++ {
		if refused[number] == "" {
			all[number] = element{"reserved", 999, 3}
		}
	}
	fields := map[int]field.Field{
		elementMTI: field.NewString(&field.Spec{Length: 4, Enc: encoding.ASCII, Pref: prefix.ASCII.Fixed}),
		// Eight bytes, and eight more for each bitmap whose first bit is set.
		elementBitmap: field.NewBitmap(&field.Spec{Length: 8, Enc: encoding.BytesToASCIIHex, Pref: prefix.Hex.Fixed}),
	}
	prefixes := []prefix.Prefixer{prefix.ASCII.Fixed, prefix.ASCII.L, prefix.ASCII.LL, prefix.ASCII.LLL}
	for number, e := range all {
		fields[number] = field.NewString(&field.Spec{Length: e.length, Description: e.name, Enc: encoding.ASCII, Pref: prefixes[e.lengthDigits]})
	}
	return &moov.MessageSpec{Name: "ISO 8583:1987 ASCII", Fields: fields}
}
