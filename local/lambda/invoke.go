package lambda

import (
	"context"
	"net/http"

	"github.com/payrail/payrail/local/wire"
)

// Invoke runs a function, named by name or ARN, and waits for its response. functionError is "" or "Unhandled"; then
// response is the error the function or the runtime reported. err is a failure of the invocation itself (throttle,
// unknown function, injected fault).
func (s *Service) Invoke(ctx context.Context, function string, payload []byte) (response []byte, functionError string, err error) {
	f, err := s.find(function)
	if err != nil {
		return nil, "", err
	}
	out, err := s.invoke(ctx, f, s.NewID(), payload)
	return out.payload, out.functionError, err
}

func (s *Service) invoke(ctx context.Context, f *function, id string, payload []byte) (outcome, error) {
	if len(payload) > maxPayloadBytes {
		return outcome{}, errTooLarge(maxPayloadBytes)
	}
	return wire.WithFaultsOn(s.Faults, "lambda:Invoke", f.spec.Name, func() (outcome, error) {
		out := f.run(ctx, id, payload)
		return out, out.err
	})
}

func errTooLarge(limit int) error {
	return &wire.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestTooLargeException",
		Message: "Request must be smaller than " + itoa(limit) + " bytes for the InvokeFunction operation"}
}
