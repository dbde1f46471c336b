package s3

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// defaultContentType is what an object has that was put without a type.
const defaultContentType = "binary/octet-stream"

// storedHeaders come back with the object as they were sent.
var storedHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires"}

// knownHeaders are the x-amz- request headers that are done, or that change nothing here. Others are refused by name.
var knownHeaders = map[string]bool{
	"X-Amz-Content-Sha256": true, "X-Amz-Date": true, "X-Amz-Security-Token": true, "X-Amz-User-Agent": true,
	"X-Amz-Sdk-Checksum-Algorithm": true, "X-Amz-Checksum-Algorithm": true, "X-Amz-Checksum-Mode": true, "X-Amz-Checksum-Type": true,
	"X-Amz-Checksum-Crc32": true, "X-Amz-Checksum-Crc32c": true, "X-Amz-Checksum-Crc64nvme": true, "X-Amz-Checksum-Sha1": true,
	"X-Amz-Checksum-Sha256": true, "X-Amz-Trailer": true, "X-Amz-Decoded-Content-Length": true, "X-Amz-Expected-Bucket-Owner": true,
	"X-Amz-Storage-Class": true, "X-Amz-Api-Version": true, "X-Amz-Optional-Object-Attributes": true,
}

// metadataHeader begins the headers of an object's own metadata.
const metadataHeader = "X-Amz-Meta-"

// answer is what an operation gives back: a status, headers and a body, or a value to be written as XML.
type answer struct {
	status int
	header http.Header
	body   []byte
	xml    any
}

// ServeHTTP serves S3's REST protocol, path style.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := wire.RequestID()
	w.Header().Set("X-Amz-Request-Id", id)
	a, err := s.dispatch(r)
	wire.Unanswered(r, err)
	if err == nil && a.xml != nil {
		a.body, err = xml.Marshal(a.xml)
		a.header = http.Header{"Content-Type": {"application/xml"}}
	}
	if err != nil {
		a = failure(err, id)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.header.Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // A client that has gone away is not the service's error.
	}
}

// errorBody is an error in XML: its code, its message, and the members that its kind has besides.
type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Members   []errorMember
	RequestID string `xml:"RequestId"`
}

type errorMember struct {
	XMLName xml.Name
	Value   any `xml:",chardata"`
}

func failure(err error, requestID string) answer {
	e := wire.AsError(err)
	status, code := e.Status, e.Code
	if status == 0 {
		status = http.StatusBadRequest
	}
	if code == "InternalFailure" {
		code = "InternalError" // S3's name for it, which its clients retry.
	}
	body := errorBody{Code: code, Message: e.Message, RequestID: requestID}
	for _, name := range slices.Sorted(maps.Keys(e.Members)) {
		body.Members = append(body.Members, errorMember{xml.Name{Local: name}, e.Members[name]})
	}
	text, err := xml.Marshal(body)
	if err != nil {
		text = []byte("<Error><Code>InternalError</Code></Error>")
	}
	return answer{status: status, header: http.Header{"Content-Type": {"application/xml"}}, body: text}
}

func (s *Service) dispatch(r *http.Request) (answer, error) {
	if err := s.refuseVirtualHost(r.Host); err != nil {
		return answer{}, err
	}
	if err := s.checkHeaders(r); err != nil {
		return answer{}, err
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	if bucket == "" {
		if r.Method != http.MethodGet {
			return answer{}, wire.NotImplemented("s3:" + r.Method + " /")
		}
		for name := range q {
			if name != "x-id" {
				return answer{}, wire.NotImplemented("s3:ListBuckets with " + name)
			}
		}
		return s.injected("s3:ListBuckets", func() (any, error) { return s.listBuckets(), nil })
	}
	if key == "" {
		return s.dispatchBucket(r.Method, bucket, q)
	}
	for name := range q {
		if name == "versionId" && r.Method == http.MethodDelete {
			return answer{}, s.refuseVersionDelete(bucket)
		}
		if name != "x-id" {
			return answer{}, wire.NotImplemented("s3:" + r.Method + " of an object with ?" + name)
		}
	}
	switch r.Method {
	case http.MethodPut:
		return s.servePut(r, bucket, key)
	case http.MethodGet:
		return s.serveGet(r, bucket, key)
	case http.MethodHead:
		return s.serveHead(r, bucket, key)
	case http.MethodDelete:
		if r.Header.Get("If-Match") != "" {
			return answer{}, wire.NotImplemented("s3:DeleteObject with If-Match")
		}
		return answer{status: http.StatusNoContent}, s.Delete(r.Context(), bucket, key)
	default:
		return answer{}, wire.NotImplemented("s3:" + r.Method + " of an object")
	}
}

func (s *Service) dispatchBucket(method, bucket string, q url.Values) (answer, error) {
	switch {
	case method == http.MethodHead && len(q) == 0:
		if _, err := s.bucket(bucket); err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusOK, header: http.Header{"X-Amz-Bucket-Region": {s.options.Region}}}, nil
	case method == http.MethodGet && q.Has("versions"):
		return answer{}, wire.NotImplemented("s3:ListObjectVersions: it keeps the latest version of an object only")
	case method == http.MethodGet && q.Get("list-type") == "2":
		for name := range q {
			if !listQuery[name] {
				return answer{}, wire.NotImplemented("s3:ListObjectsV2 with " + name)
			}
		}
		return s.injected("s3:ListObjectsV2", func() (any, error) { return s.listObjects(bucket, q) })
	default:
		what := "s3:" + method + " of a bucket"
		if method == http.MethodGet && !q.Has("list-type") && (len(q) == 0 || q.Has("prefix") || q.Has("marker")) {
			what = "s3:ListObjects (use ListObjectsV2)"
		} else if len(q) > 0 {
			what += " with ?" + q.Encode()
		}
		return answer{}, wire.NotImplemented(what)
	}
}

func (s *Service) injected(operation string, effect func() (any, error)) (answer, error) {
	out, err := wire.WithFaults(s.options.Faults, operation, effect)
	return answer{status: http.StatusOK, xml: out}, err
}

func (s *Service) refuseVersionDelete(bucket string) error {
	b, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	if b.spec.ObjectLock {
		return &wire.Error{
			Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied because object protected by object lock.",
		}
	}
	return wire.NotImplemented("s3:DeleteObject with ?versionId: it keeps the latest version of an object only")
}

// refuseVirtualHost refuses "bucket.s3.…" and "bucket.localhost", which would otherwise be taken for a call without a bucket.
func (s *Service) refuseVirtualHost(hostPort string) error {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil {
		return nil
	}
	first, rest, dotted := strings.Cut(host, ".")
	_, err = s.bucket(first)
	if dotted && (err == nil || rest == "localhost" || strings.HasPrefix(rest, "s3.") || strings.HasPrefix(rest, "s3-")) && first != "s3" {
		return wire.NotImplemented("s3 with virtual-host style addresses (" + host + "): set the client to path style")
	}
	return nil
}

func (s *Service) checkHeaders(r *http.Request) error {
	for name := range r.Header {
		lower := strings.ToLower(name)
		switch {
		case lower == "x-amz-copy-source":
			return wire.NotImplemented("s3:CopyObject")
		case !strings.HasPrefix(lower, "x-amz-"), strings.HasPrefix(lower, "x-amz-meta-"), knownHeaders[name]:
		default:
			return wire.NotImplemented("s3 with the header " + lower)
		}
	}
	if class := r.Header.Get("X-Amz-Storage-Class"); class != "" && class != "STANDARD" {
		return wire.NotImplemented("s3 with the storage class " + class)
	}
	if account := r.Header.Get("X-Amz-Expected-Bucket-Owner"); account != "" && account != s.options.Account {
		return &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied: the bucket's owner is " + s.options.Account}
	}
	return nil
}

func (s *Service) servePut(r *http.Request, bucket, key string) (answer, error) {
	if err := checkMetadata(r.Header); err != nil {
		return answer{}, err
	}
	body, checksums, err := readBody(r)
	if err != nil {
		return answer{}, err
	}
	if err := s.checkLocked(bucket, r.Header, checksums); err != nil {
		return answer{}, err
	}
	info, err := s.Put(r.Context(), PutInput{
		Bucket: bucket, Key: key, Body: body, Headers: headersToStore(r.Header), checksums: checksums,
		IfNoneMatch: r.Header.Get("If-None-Match"), IfMatch: r.Header.Get("If-Match"),
	})
	if err != nil {
		return answer{}, err
	}
	header := http.Header{}
	header.Set("ETag", `"`+info.ETag+`"`)
	addChecksums(header, info)
	return answer{status: http.StatusOK, header: header}, nil
}

// maxMetadataBytes is the limit of an object's own metadata: names, without x-amz-meta-, and values.
const maxMetadataBytes = 2048

func checkMetadata(sent http.Header) error {
	size := 0
	for name, values := range sent {
		if key, ok := strings.CutPrefix(name, metadataHeader); ok {
			size += len(key) + len(strings.Join(values, ","))
		}
	}
	if size > maxMetadataBytes {
		return &wire.Error{Code: "MetadataTooLarge", Message: "Your metadata headers exceed the maximum allowed metadata size",
			Members: map[string]any{"Size": size, "MaxSizeAllowed": maxMetadataBytes}}
	}
	return nil
}

// checkLocked wants a checksum or an MD5 with what a bucket's default retention locks: nobody could mend it afterwards.
func (s *Service) checkLocked(bucket string, sent http.Header, checksums map[string]string) error {
	b, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	if b.spec.ObjectLock && len(checksums) == 0 && sent.Get("Content-Md5") == "" {
		return wire.Errorf("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
	}
	return nil
}

func headersToStore(sent http.Header) map[string]string {
	stored := map[string]string{"Content-Type": defaultContentType}
	for _, name := range storedHeaders {
		value := sent.Get(name)
		if name == "Content-Encoding" {
			value = withoutChunked(value)
		}
		if value != "" {
			stored[name] = value
		}
	}
	for name := range sent {
		if strings.HasPrefix(name, metadataHeader) {
			stored[name] = sent.Get(name)
		}
	}
	return stored
}

// withoutChunked drops aws-chunked, which is how the body travelled, from what the body is.
func withoutChunked(encoding string) string {
	var kept []string
	for part := range strings.SplitSeq(encoding, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}

func (s *Service) serveHead(r *http.Request, bucket, key string) (answer, error) {
	if r.Header.Get("Range") != "" {
		return answer{}, wire.NotImplemented("s3:HeadObject with Range")
	}
	info, err := s.Head(r.Context(), bucket, key)
	if err != nil {
		return answer{}, err
	}
	header := objectHeader(r, info)
	if status, err := readCondition(r.Header, info); err != nil || status != 0 {
		return answer{status: status, header: unchanged(header)}, err
	}
	header.Set("Content-Length", strconv.FormatInt(info.Size, 10))
	return answer{status: http.StatusOK, header: header}, nil
}

func (s *Service) serveGet(r *http.Request, bucket, key string) (answer, error) {
	object, err := s.Get(r.Context(), bucket, key)
	if err != nil {
		return answer{}, err
	}
	header := objectHeader(r, object.Info)
	if status, err := readCondition(r.Header, object.Info); err != nil || status != 0 {
		return answer{status: status, header: unchanged(header)}, err
	}
	wanted := r.Header.Get("Range")
	if wanted == "" {
		return answer{status: http.StatusOK, header: header, body: object.Body}, nil
	}
	first, last, err := parseRange(wanted, object.Size)
	if err != nil {
		return answer{}, err
	}
	for name := range header {
		if strings.HasPrefix(name, checksumHeader) {
			header.Del(name) // It is of the whole object, and clients would hold it against the part.
		}
	}
	header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, object.Size))
	return answer{status: http.StatusPartialContent, header: header, body: object.Body[first : last+1]}, nil
}

// unchanged are the headers of an answer that says that an object is the one that is known.
func unchanged(header http.Header) http.Header {
	return http.Header{"Etag": header["Etag"], "Last-Modified": header["Last-Modified"]}
}

// readCondition gives the status that takes the object's place, or 0.
func readCondition(header http.Header, info Info) (int, error) {
	for _, name := range []string{"If-Modified-Since", "If-Unmodified-Since"} {
		if header.Get(name) != "" {
			return 0, wire.NotImplemented("s3:GetObject with " + name)
		}
	}
	if want := header.Get("If-Match"); want != "" && want != "*" && strings.Trim(want, `"`) != info.ETag {
		return 0, preconditionFailed("If-Match")
	}
	if not := header.Get("If-None-Match"); not != "" && (not == "*" || strings.Trim(not, `"`) == info.ETag) {
		return http.StatusNotModified, nil
	}
	return 0, nil
}

// simpleRange is "first-last", "first-" or "-suffix".
var simpleRange = regexp.MustCompile(`^bytes=(?:(\d+)-(\d*)|-(\d+))$`)

// parseRange reads "bytes=first-last", "bytes=first-" or "bytes=-suffix".
func parseRange(text string, size int64) (first, last int64, err error) {
	unsatisfiable := &wire.Error{Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidRange", Message: "The requested range is not satisfiable",
		Members: map[string]any{"ActualObjectSize": size, "RangeRequested": text}}
	form := simpleRange.FindStringSubmatch(text)
	if form == nil {
		return 0, 0, wire.NotImplemented("s3:GetObject with the range " + text) // HTTP lets a server ignore what it does not understand.
	}
	from, to := form[1], form[2]+form[3]
	if from == "" {
		suffix, err := strconv.ParseInt(to, 10, 64)
		if err != nil || suffix <= 0 || size == 0 {
			return 0, 0, unsatisfiable
		}
		return max(0, size-suffix), size - 1, nil
	}
	if first, err = strconv.ParseInt(from, 10, 64); err != nil || first >= size {
		return 0, 0, unsatisfiable
	}
	if to == "" {
		return first, size - 1, nil
	}
	if last, err = strconv.ParseInt(to, 10, 64); err != nil {
		return first, size - 1, nil // Beyond what is counted, and so beyond the end.
	}
	if last < first {
		return 0, 0, wire.NotImplemented("s3:GetObject with the range " + text)
	}
	return first, min(last, size-1), nil
}

func objectHeader(r *http.Request, info Info) http.Header {
	header := http.Header{}
	for name, value := range info.Headers {
		header.Set(name, value)
	}
	header.Set("ETag", `"`+info.ETag+`"`)
	header.Set("Last-Modified", info.LastModified.Format(http.TimeFormat))
	header.Set("Accept-Ranges", "bytes")
	if strings.EqualFold(r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		addChecksums(header, info)
	}
	return header
}

func addChecksums(header http.Header, info Info) {
	for algorithm, value := range info.Checksums {
		header.Set(checksumHeader+algorithm, value)
		header.Set(checksumHeader+"Type", "FULL_OBJECT")
	}
}
