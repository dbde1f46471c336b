package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrail/payrail/local/wire"
)

// maxMessageBytes is AWS's largest message, attributes included, and the largest batch.
const maxMessageBytes = 1 << 20

// maxMessageAttributes is AWS's limit of attributes per message.
const maxMessageAttributes = 10

// maxDelaySeconds is AWS's longest delay of a message or a queue.
const maxDelaySeconds = 900

// useQueueDelay stands for "no delay given with the message": the queue's own applies.
const useQueueDelay time.Duration = -1

// Attribute is a message attribute as a sender set it.
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

// Message is a message as one receive delivered it.
type Message struct {
	ID            string
	ReceiptHandle string
	Body          string
	Attributes    map[string]Attribute
	// Sent and FirstReceived are Unix milliseconds; a redriven message keeps the time of its first sending.
	Sent          int64
	FirstReceived int64
	ReceiveCount  int
	SenderID      string
	// DeadLetterSource is the ARN of the queue a redriven message came from.
	DeadLetterSource string
	TraceHeader      string
}

// BodyMD5 is the hex digest SDKs verify.
func (m *Message) BodyMD5() string { return bodyMD5(m.Body) }

// AttributesMD5 is the hex digest of the message attributes, or "" if there are none.
func (m *Message) AttributesMD5() string { return attributesMD5(m.Attributes) }

func bodyMD5(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// Transport types in the digest of message attributes.
const (
	transportString = 1
	transportBinary = 2
)

// attributesMD5 follows the algorithm of the SQS developer guide: attributes in order of name; name, type and value each
// with a four-byte length, the value preceded by its transport type.
func attributesMD5(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	h := md5.New()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		writeSized(h, []byte(name))
		writeSized(h, []byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			h.Write([]byte{transportBinary})
			writeSized(h, a.BinaryValue)
		} else {
			h.Write([]byte{transportString})
			writeSized(h, []byte(a.StringValue))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeSized(h hash.Hash, b []byte) {
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(b)))
	h.Write(size[:])
	h.Write(b)
}

// draft is a message to send.
type draft struct {
	body        string
	attributes  map[string]Attribute
	traceHeader string
	delay       time.Duration
}

// size is what counts against the message size limit: body, attribute names, types and values.
func (d *draft) size() int {
	n := len(d.body)
	for name, a := range d.attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

func (d *draft) validate(maxBytes int) error {
	if d.body == "" {
		return wire.Errorf("MissingParameter", "The request must contain the parameter MessageBody.")
	}
	if d.size() > maxBytes {
		return wire.Errorf("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxBytes)
	}
	if !validContents(d.body) {
		return wire.Errorf("InvalidMessageContents", "Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	return validateAttributes(d.attributes)
}

// maxAttributeName is AWS's limit of the length of an attribute's name.
const maxAttributeName = 256

var (
	attributeName   = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	reservedName    = regexp.MustCompile(`(?i)^(aws|amazon)\.`)
	attributeNumber = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)
)

func validAttributeName(name string) bool {
	return attributeName.MatchString(name) && !reservedName.MatchString(name)
}

func validateAttributes(attributes map[string]Attribute) error {
	if len(attributes) > maxMessageAttributes {
		return wire.Errorf("InvalidParameterValue", "Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes), maxMessageAttributes)
	}
	for name, a := range attributes {
		kind, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case len(name) > maxAttributeName || !validAttributeName(name):
			return wire.Errorf("InvalidParameterValue", "Message (user) attribute name '%s' is invalid: it can contain alphanumeric characters, underscores, hyphens and single periods inside, up to %d, and must not start with AWS. or Amazon.", name, maxAttributeName)
		case kind != "String" && kind != "Number" && kind != "Binary":
			return wire.Errorf("InvalidParameterValue", "The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		case kind == "Binary" && len(a.BinaryValue) == 0, kind != "Binary" && a.StringValue == "":
			return wire.Errorf("InvalidParameterValue", "Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, a.DataType)
		case kind == "Number" && !attributeNumber.MatchString(a.StringValue):
			return wire.Errorf("InvalidParameterValue", "Can't cast the value of message (user) attribute '%s' to a number.", name)
		case kind == "String" && !validContents(a.StringValue):
			return wire.Errorf("InvalidParameterValue", "Invalid binary character was found in the message attribute '%s'.", name)
		}
	}
	return nil
}

// validContents reports whether a body has only the characters SQS carries.
func validContents(body string) bool {
	for i := 0; i < len(body); {
		if c := body[i]; c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(body[i:])
		if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
			return false
		}
		i += size
	}
	return true
}

func formatID(id [16]byte) string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
