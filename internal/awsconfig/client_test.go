package awsconfig

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"
)

// answersFirst answers as soon as it has the bytes that were announced, and looks for the end of the body when the SDK has its answer.
type answersFirst struct {
	ended  sync.WaitGroup
	looked error
}

func (c *answersFirst) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.CopyN(io.Discard, r.Body, r.ContentLength); err != nil {
		return nil, err
	}
	closed := &closeSignal{ReadCloser: r.Body, closed: make(chan struct{})}
	body := r.Body
	r.Body = closed
	c.ended.Go(func() {
		<-closed.closed
		_, c.looked = io.Copy(io.Discard, body)
	})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(`{"FailedEntryCount":0,"Entries":[]}`)))}, nil
}

type closeSignal struct {
	io.ReadCloser
	closed chan struct{}
}

func (c *closeSignal) Close() error {
	defer close(c.closed)
	return c.ReadCloser.Close()
}

// An answer may come before net/http has seen the end of the body it sent: looking for it then must not be an error.
func TestAnAnswerBeforeTheEndOfTheBodyIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		change func(aws.Config) aws.Config
		looked error
	}{
		"as the SDK is": {func(cfg aws.Config) aws.Config { return cfg }, io.EOF}, // Where this is nil some day, KeepAnswers may go.
		"kept":          {KeepAnswers, nil},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &answersFirst{}
			cfg := test.change(aws.Config{Region: "us-east-1", HTTPClient: transport, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")})
			_, err := eventbridge.NewFromConfig(cfg).PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Detail: aws.String("{}")}}})
			require.NoError(t, err)
			transport.ended.Wait()
			require.Equal(t, test.looked, transport.looked)
		})
	}
}
