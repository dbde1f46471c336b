package awsconfig

import (
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// KeepAnswers makes the configuration's HTTP client keep an answer that comes before net/http has looked once more whether the
// request's body has ended. The SDK closes the body as soon as the answer begins (smithy-go, ClientHandler.Handle); a closed body
// answers io.EOF to WriteTo (safeWriteToReadCloser), which net/http's transferWriter prefers and takes for a failure: it closes the
// connection, and what is not read of the answer is lost. The SDK sees "use of closed network connection"
// (https://github.com/aws/aws-sdk-go-v2/issues/2737) and sends the request again: what a queue gave out with the first answer is out
// of sight until its visibility timeout ends. It happens where little CPU is left, as in a small function. The defaults mode's
// timeouts do not reach a client that is wrapped; those set on the client do.
func KeepAnswers(cfg aws.Config) aws.Config {
	if cfg.HTTPClient == nil { // Every client of a service would make its own.
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = patientClient{cfg.HTTPClient}
	return cfg
}

type patientClient struct{ inner aws.HTTPClient }

// Do hides WriteTo: read through Read, a body that is closed has ended.
func (c patientClient) Do(r *http.Request) (*http.Response, error) {
	if _, ok := r.Body.(io.WriterTo); ok {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.inner.Do(r)
}
