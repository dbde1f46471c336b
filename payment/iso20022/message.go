package iso20022

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/payrail/payrail/payment"
)

// Message definitions. The versions are pinned: cain changed its structure from version 03 to 04, and camt.054 version 08 is
// the one banks run.
const (
	FinancialInitiation = payment.CainVersion
	ReversalInitiation  = "cain.005.001.04"
	PostedNotice        = "camt.054.001.08"
)

// namespace precedes the message definition in the XML namespace of every ISO 20022 message.
const namespace = "urn:iso:std:iso:20022:tech:xsd:"

// Message is one ISO 20022 message. Exactly one member of its document is there: the one that MsgDefIdr names.
type Message struct {
	MsgDefIdr string   `json:"msgDefIdr"`
	Document  Document `json:"Document"`
}

// Document is the root element. Posted notices are exported and never on the bus, so its event schemas leave them out.
type Document struct {
	FinInitn              *payment.FinancialInitiation `json:",omitempty"`
	RvslInitn             *Reversal                    `json:",omitempty"`
	BkToCstmrDbtCdtNtfctn *Notification                `json:",omitempty" jsonschema:"-"`
}

// Initiation is a cain.003 of the bus.
func Initiation(m payment.Message) Message {
	f := m.Document.FinInitn
	return Message{MsgDefIdr: m.MsgDefIdr, Document: Document{FinInitn: &f}}
}

// Enriched returns a card message with what enrichment found: the account it is posted to, its holder, product and branch.
func (m Message) Enriched(account payment.Account) Message {
	switch d := m.Document; {
	case d.FinInitn != nil:
		enriched := payment.Message{MsgDefIdr: m.MsgDefIdr, Document: payment.Document{FinInitn: *d.FinInitn}}.Enriched(account)
		return Initiation(enriched)
	case d.RvslInitn != nil && d.RvslInitn.Card != nil:
		r, card := *d.RvslInitn, *d.RvslInitn.Card
		part := payment.Message{Document: payment.Document{FinInitn: payment.FinancialInitiation{AcctFr: r.AcctFr, AddtlData: r.AddtlData}}}
		enriched := part.Enriched(account).Document.FinInitn
		r.AcctFr, r.AddtlData, r.Card = enriched.AcctFr, enriched.AddtlData, &card
		card.PdctTp = enriched.Card.PdctTp
		return Message{MsgDefIdr: m.MsgDefIdr, Document: Document{RvslInitn: &r}}
	default:
		return m
	}
}

// contents are the message definitions of what is in the document.
func (d Document) contents() []string {
	var found []string
	if d.FinInitn != nil {
		found = append(found, FinancialInitiation)
	}
	if d.RvslInitn != nil {
		found = append(found, ReversalInitiation)
	}
	if d.BkToCstmrDbtCdtNtfctn != nil {
		found = append(found, PostedNotice)
	}
	return found
}

// Validate holds the message against the facets of its schema: what must be there, lengths, patterns, codes, digits. Problems
// name the element by its path under Document, repeated elements counted from 1 as XPath does. They never carry a value.
func (m Message) Validate() payment.FieldErrors {
	if found := m.Document.contents(); len(found) != 1 || found[0] != m.MsgDefIdr {
		return payment.FieldErrors{{Field: "Document", Problem: "must hold exactly the message that msgDefIdr names"}}
	}
	return check(m.Document)
}

// XML writes the message with its namespace and in the order of its schema. It does not validate.
func (m Message) XML() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	encoder := xml.NewEncoder(&b)
	encoder.Indent("", "  ")
	root := xml.StartElement{Name: xml.Name{Space: namespace + m.MsgDefIdr, Local: "Document"}}
	if err := encoder.EncodeElement(m.Document, root); err != nil {
		return nil, fmt.Errorf("writing %s as XML: %w", m.MsgDefIdr, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// ErrNotAMessage says that a document is no message of a definition that this package knows.
var ErrNotAMessage = errors.New("not a message of a known definition")

// ParseXML reads what XML writes. Elements that the structs do not have are an error: a message read and written again must
// not have lost anything.
func ParseXML(data []byte) (Message, error) {
	var m Message
	decoder := xml.NewDecoder(bytes.NewReader(data))
	root, err := rootOf(decoder)
	if err != nil {
		return Message{}, err
	}
	definition, ok := strings.CutPrefix(root.Name.Space, namespace)
	if !ok || root.Name.Local != "Document" {
		return Message{}, fmt.Errorf("element %s of namespace %q: %w", root.Name.Local, root.Name.Space, ErrNotAMessage)
	}
	if err := decoder.DecodeElement(&m.Document, &root); err != nil {
		return Message{}, fmt.Errorf("reading %s: %w", definition, err)
	}
	m.MsgDefIdr = definition
	if found := m.Document.contents(); len(found) != 1 || found[0] != definition {
		return Message{}, fmt.Errorf("namespace %s, content %v: %w", definition, found, ErrNotAMessage)
	}
	return m, requireAllRead(m, data)
}

// rootOf reads up to the first element.
func rootOf(decoder *xml.Decoder) (xml.StartElement, error) {
	for {
		token, err := decoder.Token()
		if err != nil {
			return xml.StartElement{}, fmt.Errorf("reading the document's root: %w", err)
		}
		if root, ok := token.(xml.StartElement); ok {
			return root, nil
		}
	}
}

// requireAllRead compares the elements of the data with those of the message written again.
func requireAllRead(m Message, data []byte) error {
	written, err := m.XML()
	if err != nil {
		return err
	}
	want, err := elements(data)
	if err != nil {
		return err
	}
	got, err := elements(written)
	if err != nil {
		return err
	}
	for i, name := range want {
		if i >= len(got) || got[i] != name {
			return fmt.Errorf("element %s is not one that %s holds here: %w", name, m.MsgDefIdr, ErrNotAMessage)
		}
	}
	return nil
}

// elements are the names of all elements in the order of their start tags.
func elements(data []byte) ([]string, error) {
	var names []string
	decoder := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the document: %w", err)
		}
		if start, ok := token.(xml.StartElement); ok {
			names = append(names, start.Name.Local)
		}
	}
}
