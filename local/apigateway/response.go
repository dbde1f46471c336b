package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// response is what a function's answer comes to.
type response struct {
	status  int
	headers map[string]string
	cookies []string
	body    []byte
}

// defaultContentType is that of a body whose type the function does not say.
const defaultContentType = "text/plain;charset=UTF-8"

// readResponse reads a function's answer: a response in format 2.0, or, as it has no statusCode, the JSON body of a 200.
func readResponse(payload []byte) (response, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(payload, &members); err != nil || members["statusCode"] == nil {
		if !json.Valid(payload) {
			return response{}, errors.New("reading the function's answer: it is no JSON")
		}
		return response{status: http.StatusOK, headers: map[string]string{"content-type": "application/json"}, body: payload}, nil
	}
	var given struct {
		StatusCode      json.Number                `json:"statusCode"`
		Headers         map[string]json.RawMessage `json:"headers"`
		Cookies         []string                   `json:"cookies"`
		Body            string                     `json:"body"`
		IsBase64Encoded bool                       `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(payload, &given); err != nil {
		return response{}, fmt.Errorf("reading the function's answer: %w", err)
	}
	status, err := strconv.Atoi(given.StatusCode.String())
	if err != nil || status < http.StatusOK || status > 599 {
		return response{}, fmt.Errorf("reading the function's answer: statusCode %q is none", given.StatusCode)
	}
	r := response{status: status, headers: map[string]string{}, cookies: given.Cookies, body: []byte(given.Body)}
	for name, value := range given.Headers {
		text := string(bytes.TrimSpace(value)) // a number or boolean stands for its text
		if len(text) > 0 && text[0] == '"' {
			if err := json.Unmarshal(value, &text); err != nil {
				return response{}, fmt.Errorf("reading the function's header %s: %w", name, err)
			}
		} else if len(text) > 0 && (text[0] == '{' || text[0] == '[') {
			return response{}, fmt.Errorf("reading the function's header %s: it is no text", name)
		}
		r.headers[name] = text
	}
	if given.IsBase64Encoded {
		if r.body, err = base64.StdEncoding.DecodeString(given.Body); err != nil {
			return response{}, fmt.Errorf("decoding the function's body: %w", err)
		}
	}
	return r, nil
}

func (r response) write(w http.ResponseWriter) {
	header := w.Header()
	for name, value := range r.headers {
		header.Set(name, value)
	}
	for _, cookie := range r.cookies {
		header.Add("Set-Cookie", cookie)
	}
	if header.Get("Content-Type") == "" && len(r.body) > 0 {
		header.Set("Content-Type", defaultContentType)
	}
	header.Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // A client that has gone away is not the gateway's error.
}

// refuse answers in the gateway's own form.
func refuse(w http.ResponseWriter, status int, message string) {
	response{status: status, headers: map[string]string{"Content-Type": "application/json"}, body: []byte(`{"message":` + strconv.Quote(message) + `}`)}.write(w)
}
