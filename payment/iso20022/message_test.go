package iso20022

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022/iso20022test"
)

// definitions are all messages, each with a document that holds the zero value of its content.
var definitions = map[string]func() Document{
	FinancialInitiation: func() Document { return Document{FinInitn: &payment.FinancialInitiation{}} },
	ReversalInitiation:  func() Document { return Document{RvslInitn: &Reversal{}} },
	PostedNotice:        func() Document { return Document{BkToCstmrDbtCdtNtfctn: &Notification{}} },
}

// messages draws messages of a definition that have everything the structs can hold, each value any that its facet takes.
func messages(definition string) *rapid.Generator[Message] {
	return rapid.Custom(func(t *rapid.T) Message {
		m := Message{MsgDefIdr: definition, Document: definitions[definition]()}
		document := reflect.ValueOf(&m.Document).Elem()
		for i := range document.NumField() {
			if !document.Field(i).IsNil() {
				fill(t, document.Field(i).Elem(), "")
			}
		}
		return m
	})
}

// maxDrawn keeps drawn texts short where the facet allows kilobytes.
const maxDrawn = 40

func fill(t *rapid.T, v reflect.Value, facetName string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(drawText(t, facetName))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), facetName)
	case reflect.Slice:
		n := rapid.IntRange(1, 3).Draw(t, "n")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i), facetName)
		}
	case reflect.Struct:
		fillStruct(t, v)
	}
}

func fillStruct(t *rapid.T, v reflect.Value) {
	_, choice := v.Interface().(chooser)
	chosen := rapid.IntRange(0, v.NumField()-1).Draw(t, "alternative")
	for i := range v.NumField() {
		field := v.Type().Field(i)
		optional := strings.Contains(field.Tag.Get("json"), "omitempty")
		if choice && i != chosen || !choice && optional && rapid.Bool().Draw(t, "left out") {
			continue
		}
		fill(t, v.Field(i), field.Tag.Get("iso"))
	}
}

func drawText(t *rapid.T, facetName string) string {
	f, known := facets[facetName]
	if !known {
		t.Fatalf("a field has the unknown facet %q", facetName)
	}
	switch {
	case f.pattern != nil:
		return rapid.StringMatching(f.pattern.String()).Draw(t, facetName)
	case facetName == "ISODate":
		return rapid.SampledFrom([]string{"2026-07-09", "2024-02-29", "1999-12-31"}).Draw(t, facetName)
	case facetName == "ISOTime":
		return rapid.SampledFrom([]string{"00:00:00", "11:15:30", "23:59:59"}).Draw(t, facetName)
	case facetName == "ISODateTime":
		return rapid.SampledFrom([]string{"2026-07-09T10:15:31.123Z", "2026-07-09T10:15:31+01:00", "2026-07-09T11:15:30"}).Draw(t, facetName)
	default:
		runes := rapid.RuneFrom([]rune("<>&\"' \t\n\r]"), unicode.Letter, unicode.Digit, unicode.Punct)
		return rapid.StringOfN(runes, f.min, min(f.max, maxDrawn), -1).Draw(t, facetName)
	}
}

func TestJSONAndXMLHoldTheSame(t *testing.T) {
	for definition := range definitions {
		t.Run(definition, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := messages(definition).Draw(t, "message")
				require.Empty(t, m.Validate())
				before, err := json.Marshal(m)
				require.NoError(t, err)

				document, err := m.XML()
				require.NoError(t, err)
				fromXML, err := ParseXML(document)
				require.NoError(t, err)
				require.Equal(t, m, fromXML)
				after, err := json.Marshal(fromXML)
				require.NoError(t, err)
				require.Equal(t, string(before), string(after))

				var fromJSON Message
				require.NoError(t, json.Unmarshal(before, &fromJSON))
				again, err := fromJSON.XML()
				require.NoError(t, err)
				require.Equal(t, string(document), string(again))
			})
		})
	}
}

// What Validate takes, the official schema takes: no facet here is wider than there, no element is in another order.
func TestWhatValidatesIsValid(t *testing.T) {
	iso20022test.RequireSchemas(t)
	const documents = 100
	for definition := range definitions {
		t.Run(definition, func(t *testing.T) {
			written := make([][]byte, documents)
			for seed := range written {
				m := messages(definition).Example(seed)
				require.Empty(t, m.Validate())
				var err error
				written[seed], err = m.XML()
				require.NoError(t, err)
			}
			iso20022test.Valid(t, definition, written...)
		})
	}
}

// Every text field of every message names a facet, and none is left unchecked: emptied or spoiled, each is reported by its path.
func TestValidateNamesTheElement(t *testing.T) {
	for definition := range definitions {
		t.Run(definition, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := messages(definition).Draw(t, "message")
				paths, values := textsOf(m)
				i := rapid.IntRange(0, len(paths)-1).Draw(t, "field")
				values[i].SetString(rapid.SampledFrom([]string{"a\x00b", strings.Repeat("ö", 3000)}).Draw(t, "spoiled"))
				problems := m.Validate()
				require.Len(t, problems, 1)
				require.Equal(t, paths[i], problems[0].Field)
				require.NotContains(t, problems.Error(), "ö", "a problem never carries the value")
			})
		})
	}
}

// textsOf collects the text fields of a message that are there, with their paths.
func textsOf(m Message) (paths []string, values []reflect.Value) {
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			if v.Len() > 0 {
				paths, values = append(paths, path), append(values, v)
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(path, v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(path+"["+string(rune('1'+i))+"]", v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				field := v.Type().Field(i)
				at := strings.TrimPrefix(path+"/"+field.Name, "/")
				if tag := field.Tag.Get("xml"); tag == ",chardata" {
					at = path
				} else if tag == ",attr" {
					at = path + "/@" + field.Name
				}
				walk(at, v.Field(i))
			}
		}
	}
	walk("", reflect.ValueOf(&m.Document).Elem())
	return paths, values
}

func TestParseXMLRefuses(t *testing.T) {
	valid, err := messages(PostedNotice).Example(1).XML()
	require.NoError(t, err)
	for name, tc := range map[string]struct{ document, problem string }{
		"nothing":                    {"", "root"},
		"another root":               {`<Envelope xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"/>`, "not a message"},
		"no namespace":               {`<Document/>`, "not a message"},
		"another version":            {strings.Replace(string(valid), "camt.054.001.08", "camt.054.001.13", 1), "not a message"},
		"another message's content":  {strings.Replace(string(valid), "camt.054.001.08", "cain.003.001.04", 1), "not a message"},
		"an element it has not":      {strings.Replace(string(valid), "<GrpHdr>", "<GrpHdr><MsgRcpt/>", 1), "MsgRcpt"},
		"a card number in its block": {strings.Replace(string(valid), "</Ntfctn>", "<Ntry><CardTx><Card><PlainCardData><PAN>1</PAN></PlainCardData></Card></CardTx></Ntry></Ntfctn>", 1), "not a message"},
		"an end too early":           {string(valid[:len(valid)/2]), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseXML([]byte(tc.document))
			require.ErrorContains(t, err, tc.problem)
		})
	}
}

func TestValidateRefusesAnotherContentThanItsName(t *testing.T) {
	m := messages(PostedNotice).Example(1)
	m.MsgDefIdr = ReversalInitiation
	require.Equal(t, "Document", m.Validate()[0].Field)
	require.NotEmpty(t, Message{MsgDefIdr: PostedNotice}.Validate())
}

func FuzzParseXML(f *testing.F) {
	for definition := range definitions {
		document, err := messages(definition).Example(1).XML()
		require.NoError(f, err)
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseXML(data)
		if err != nil || len(m.Validate()) > 0 {
			return
		}
		document, err := m.XML()
		require.NoError(t, err)
		again, err := ParseXML(document)
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
