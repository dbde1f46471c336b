package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// event is the payload of format 2.0.
type event struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        requestContext    `json:"requestContext"`
	Body                  *string           `json:"body,omitempty"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"`
	APIID        string      `json:"apiId"`
	Authorizer   *authorizer `json:"authorizer,omitempty"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         httpContext `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"`
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

type authorizer struct {
	IAM caller `json:"iam"`
}

// caller is who signed a request. Signatures are not checked here, so that every access key is the account's root user.
type caller struct {
	AccessKey       string    `json:"accessKey"`
	AccountID       string    `json:"accountId"`
	CallerID        string    `json:"callerId"`
	CognitoIdentity *struct{} `json:"cognitoIdentity"`
	PrincipalOrgID  string    `json:"principalOrgId"`
	UserARN         string    `json:"userArn"`
	UserID          string    `json:"userId"`
}

// signature is the form of a Signature Version 4 for this service, in the Authorization header.
var signature = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/execute-api/aws4_request, ?SignedHeaders=[^,\s]+, ?Signature=[0-9a-f]{64}$`)

// callerOf returns the access key of a signed request, nil for one that is not signed, or for another service or region.
func callerOf(r *http.Request, region string) *caller {
	parts := signature.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil || parts[2] != region || r.Header.Get("X-Amz-Date") == "" {
		return nil
	}
	return &caller{AccessKey: parts[1]}
}

var errTooLarge = errors.New("the request is larger than 10 MiB")

// eventOf is what an event is made of besides the request.
type eventOf struct {
	apiID, requestID, path string // the path as it was sent, below the API's
	route                  route
	parameters             map[string]string
	caller                 *caller
}

// timeLayout is that of the common log format, in which the request context has its time.
const timeLayout = "02/Jan/2006:15:04:05 -0700"

// event makes the payload of a request.
func (s *Service) event(r *http.Request, of eventOf) ([]byte, error) {
	path, err := url.PathUnescape(of.path)
	if err != nil {
		return nil, fmt.Errorf("decoding the path: %w", err)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("decoding the query: %w", err)
	}
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return nil, fmt.Errorf("reading the client's address: %w", err)
	}
	now := s.Clock.Now().UTC()
	e := event{
		Version: "2.0", RouteKey: of.route.key, RawPath: path, RawQueryString: r.URL.RawQuery, Headers: headersOf(r), Cookies: cookiesOf(r),
		QueryStringParameters: joined(query), PathParameters: of.parameters,
		RequestContext: requestContext{
			AccountID: s.Account, APIID: of.apiID, DomainName: of.apiID + ".execute-api." + s.Region + ".amazonaws.com", DomainPrefix: of.apiID,
			HTTP:      httpContext{Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent()},
			RequestID: of.requestID, RouteKey: of.route.key, Stage: defaultStage, Time: now.Format(timeLayout), TimeEpoch: now.UnixMilli(),
		},
	}
	if of.route.signed {
		of.caller.AccountID, of.caller.CallerID, of.caller.UserID = s.Account, s.Account, s.Account
		of.caller.UserARN = "arn:aws:iam::" + s.Account + ":root"
		e.RequestContext.Authorizer = &authorizer{IAM: *of.caller}
	}
	if err := e.setBody(r); err != nil {
		return nil, err
	}
	return json.Marshal(e)
}

func (e *event) setBody(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBodyBytes+1))
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	if len(body) > maxBodyBytes {
		return errTooLarge
	}
	if len(body) == 0 {
		return nil
	}
	text := string(body)
	if e.IsBase64Encoded = !isText(r.Header.Get("Content-Type")) || !utf8.Valid(body); e.IsBase64Encoded {
		text = base64.StdEncoding.EncodeToString(body)
	}
	e.Body = &text
	return nil
}

// isText reports whether a body of this content type reaches the function as text.
func isText(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return strings.HasPrefix(media, "text/") || slices.Contains([]string{"application/json", "application/javascript", "application/xml"}, media)
}

// headersOf are the headers with lower-case names and their values joined with commas; cookies have a member of their own.
func headersOf(r *http.Request) map[string]string {
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name != "Cookie" {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	if r.ContentLength > 0 { // Go keeps it apart from the other headers.
		headers["content-length"] = strconv.FormatInt(r.ContentLength, 10)
	}
	return headers
}

func cookiesOf(r *http.Request) (cookies []string) {
	for _, line := range r.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			cookies = append(cookies, strings.TrimSpace(cookie))
		}
	}
	return cookies
}

// joined joins the values of a parameter that is given more than once.
func joined(query url.Values) map[string]string {
	parameters := make(map[string]string, len(query))
	for name := range maps.Keys(query) {
		parameters[name] = strings.Join(query[name], ",")
	}
	return parameters
}
