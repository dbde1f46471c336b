package lambda

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"encoding/base64"

	"github.com/payrail/payrail/local/sqs"
)

// The event of an SQS mapping is built by appending, without reflection: it is on the path of every message.

func itoa(n int) string { return strconv.Itoa(n) }

// eventStart and eventEnd enclose the records of an event.
const (
	eventStart = `{"Records":[`
	eventEnd   = `]}`
)

// appendRecord appends a message in the shape Lambda gives an SQS record.
func appendRecord(b []byte, m *sqs.Message, queueARN, region string) []byte {
	b = append(b, `{"messageId":`...)
	b = appendString(b, m.ID)
	b = append(b, `,"receiptHandle":`...)
	b = appendString(b, m.ReceiptHandle)
	b = append(b, `,"body":`...)
	b = appendString(b, m.Body)
	b = append(b, `,"attributes":{"ApproximateReceiveCount":"`...)
	b = strconv.AppendInt(b, int64(m.ReceiveCount), 10)
	if m.TraceHeader != "" {
		b = append(b, `","AWSTraceHeader":`...)
		b = appendString(b, m.TraceHeader)
		b = append(b, `,"SentTimestamp":"`...)
	} else {
		b = append(b, `","SentTimestamp":"`...)
	}
	b = strconv.AppendInt(b, m.Sent, 10)
	b = append(b, `","SenderId":`...)
	b = appendString(b, m.SenderID)
	b = append(b, `,"ApproximateFirstReceiveTimestamp":"`...)
	b = strconv.AppendInt(b, m.FirstReceived, 10)
	b = append(b, '"')
	if m.DeadLetterSource != "" {
		b = append(b, `,"DeadLetterQueueSourceArn":`...)
		b = appendString(b, m.DeadLetterSource)
	}
	b = append(b, `},"messageAttributes":{`...)
	b = appendAttributes(b, m.Attributes)
	b = append(b, `},"md5OfBody":"`...)
	b = append(b, m.BodyMD5()...)
	if len(m.Attributes) > 0 {
		b = append(b, `","md5OfMessageAttributes":"`...)
		b = append(b, m.AttributesMD5()...)
	}
	b = append(b, `","eventSource":"aws:sqs","eventSourceARN":`...)
	b = appendString(b, queueARN)
	b = append(b, `,"awsRegion":`...)
	b = appendString(b, region)
	return append(b, '}')
}

func appendAttributes(b []byte, attributes map[string]sqs.Attribute) []byte {
	for i, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
		if strings.HasPrefix(a.DataType, "Binary") {
			b = append(b, `:{"binaryValue":"`...)
			b = base64.StdEncoding.AppendEncode(b, a.BinaryValue)
			b = append(b, '"')
		} else {
			b = append(b, `:{"stringValue":`...)
			b = appendString(b, a.StringValue)
		}
		b = append(b, `,"stringListValues":[],"binaryListValues":[],"dataType":`...)
		b = appendString(b, a.DataType)
		b = append(b, '}')
	}
	return b
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD, as in encoding/json.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, s[start:i]...)
				b = append(b, `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
