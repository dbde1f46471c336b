package wire

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/payrail/payrail/local/faults"
)

// QueryOperation does one call of the query protocol. It returns a struct that encoding/xml writes inside <NameResult>.
type QueryOperation func(ctx context.Context, form url.Values) (any, error)

// Query serves the query protocol (SNS, CloudFormation) of one service.
type Query struct {
	// Name is the service as it stands in operation names of the fault injector ("sns").
	Name string
	// Namespace is the xmlns of the answers ("http://sns.amazonaws.com/doc/2010-03-31/").
	Namespace  string
	Operations map[string]QueryOperation
	Faults     *faults.Injector
}

func (s *Query) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := ReadBody(r)
	if err != nil {
		s.fail(w, err)
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		s.fail(w, Errorf("MalformedQueryString", "%s", err))
		return
	}
	name := form.Get("Action")
	operation, ok := s.Operations[name]
	if !ok {
		s.fail(w, NotImplemented(s.Name+":"+name))
		return
	}
	out, err := WithFaults(s.Faults, s.Name+":"+name, func() (any, error) { return operation(r.Context(), form) })
	Unanswered(r, err)
	if err != nil {
		s.fail(w, err)
		return
	}
	var result strings.Builder
	if out != nil {
		encoder := xml.NewEncoder(&result)
		if err := encoder.EncodeElement(out, xml.StartElement{Name: xml.Name{Local: name + "Result"}}); err != nil {
			s.fail(w, err)
			return
		}
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", RequestID())
	_, _ = w.Write([]byte(`<` + name + `Response xmlns="` + s.Namespace + `">` + result.String() +
		`<ResponseMetadata><RequestId>` + RequestID() + `</RequestId></ResponseMetadata></` + name + `Response>`))
}

func (s *Query) fail(w http.ResponseWriter, err error) {
	e := AsError(err)
	status, sender := e.Status, "Sender"
	if status == 0 {
		status = http.StatusBadRequest
	}
	if status >= http.StatusInternalServerError {
		sender = "Receiver"
	}
	var message strings.Builder
	_ = xml.EscapeText(&message, []byte(e.Message)) // A strings.Builder does not fail.
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`<ErrorResponse xmlns="` + s.Namespace + `"><Error><Type>` + sender + `</Type><Code>` + e.Code +
		`</Code><Message>` + message.String() + `</Message></Error><RequestId>` + RequestID() + `</RequestId></ErrorResponse>`))
}
