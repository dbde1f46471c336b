package s3

import (
	"bufio"
	"bytes"
	"crypto/md5" //nolint:gosec // Content-MD5 is MD5.
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// maxBodyBytes bounds what one request may take of memory. S3 takes 5 GiB in one put; nothing in this stack comes near.
const maxBodyBytes = 128 << 20

// checksumHeader begins the headers and trailers that carry an object's checksum.
const checksumHeader = "X-Amz-Checksum-"

// readBody reads and verifies the body of a put: its transfer encoding, length and every checksum that came with it, in
// a header or in the trailer. It returns the S3 checksums to keep with the object.
func readBody(r *http.Request) (body []byte, checksums map[string]string, err error) {
	if len(r.TransferEncoding) > 0 {
		return nil, nil, &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "A header you provided implies functionality that is not implemented",
			Members: map[string]any{"Header": "Transfer-Encoding"}}
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBodyBytes+1))
	if err != nil {
		return nil, nil, wire.Errorf("RequestTimeout", "reading the request: %s", err)
	}
	if len(raw) > maxBodyBytes {
		return nil, nil, wire.Errorf("EntityTooLarge", "the local runtime takes objects of up to %d bytes", maxBodyBytes)
	}
	body, sent := raw, http.Header{}
	digest := r.Header.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(digest, "STREAMING-") {
		if body, sent, err = decodeChunked(raw); err != nil {
			return nil, nil, err
		}
		if err := verifyChunked(r.Header, sent, len(body)); err != nil {
			return nil, nil, err
		}
	} else if digest != "" && digest != "UNSIGNED-PAYLOAD" {
		if sum := sha256.Sum256(body); !strings.EqualFold(digest, hex.EncodeToString(sum[:])) {
			return nil, nil, wire.Errorf("XAmzContentSHA256Mismatch", "the provided 'x-amz-content-sha256' header does not match what was computed")
		}
	}
	for name, values := range r.Header {
		if strings.HasPrefix(name, checksumHeader) {
			sent[name] = append(sent[name], values...)
		}
	}
	if checksums, err = verifyChecksums(sent, body); err != nil {
		return nil, nil, err
	}
	if err := verifyAnnounced(r.Header.Get("X-Amz-Sdk-Checksum-Algorithm"), checksums); err != nil {
		return nil, nil, err
	}
	return body, checksums, verifyMD5(r.Header.Get("Content-Md5"), body)
}

func verifyChunked(header, trailer http.Header, length int) error {
	want, err := strconv.Atoi(header.Get("X-Amz-Decoded-Content-Length"))
	if err != nil {
		return &wire.Error{Status: http.StatusLengthRequired, Code: "MissingContentLength", Message: "x-amz-decoded-content-length is not a number"}
	}
	if want != length {
		return wire.Errorf("IncompleteBody", "x-amz-decoded-content-length is %d, the chunks have %d bytes", want, length)
	}
	for name := range strings.SplitSeq(header.Get("X-Amz-Trailer"), ",") {
		if name = strings.TrimSpace(name); name != "" && trailer.Get(name) == "" {
			return wire.Errorf("MalformedTrailerError", "the trailer %s was announced and did not come", name)
		}
	}
	return nil
}

func verifyChecksums(sent http.Header, body []byte) (map[string]string, error) {
	checksums := map[string]string{}
	for name, values := range sent {
		algorithm := strings.ToLower(strings.TrimPrefix(name, checksumHeader))
		if !strings.HasPrefix(name, checksumHeader) || algorithm == "algorithm" || algorithm == "type" {
			continue
		}
		h := newHash(algorithm)
		if h == nil {
			return nil, wire.NotImplemented("the checksum " + strings.ToLower(name))
		}
		for _, value := range values {
			if digest, err := base64.StdEncoding.DecodeString(value); err != nil || len(digest) != h.Size() {
				return nil, wire.Errorf("InvalidRequest", "Value for %s header is invalid.", strings.ToLower(name))
			}
		}
		if computed := checksum(algorithm, body); len(values) != 1 || values[0] != computed {
			return nil, wire.Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(algorithm))
		}
		checksums[algorithm] = values[0]
	}
	if len(checksums) > 1 {
		return nil, wire.Errorf("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	return checksums, nil
}

// verifyAnnounced holds a body's checksum against the algorithm that the client says it has used.
func verifyAnnounced(algorithm string, checksums map[string]string) error {
	switch _, there := checksums[strings.ToLower(algorithm)]; {
	case algorithm == "" || there:
		return nil
	case newHash(strings.ToLower(algorithm)) == nil:
		return wire.NotImplemented("the checksum algorithm " + algorithm)
	case len(checksums) == 0:
		return wire.Errorf("InvalidRequest", "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	default:
		return wire.Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(algorithm))
	}
}

func verifyMD5(sent string, body []byte) error {
	if sent == "" {
		return nil
	}
	digest, err := base64.StdEncoding.DecodeString(sent)
	if err != nil || len(digest) != md5.Size {
		return wire.Errorf("InvalidDigest", "The Content-MD5 you specified is not valid.")
	}
	if sum := md5.Sum(body); !bytes.Equal(digest, sum[:]) { //nolint:gosec // As above.
		return wire.Errorf("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}

// decodeChunked undoes the content encoding aws-chunked: chunks of "<hex length>[;chunk-signature=…]\r\n<data>\r\n", one of
// length 0, then trailers. Signatures are not verified, as no signature of the local runtime is.
func decodeChunked(raw []byte) (body []byte, trailer http.Header, err error) {
	reader := bufio.NewReader(bytes.NewReader(raw))
	broken := func(what string) ([]byte, http.Header, error) {
		return nil, nil, wire.Errorf("IncompleteBody", "reading aws-chunked body: %s", what)
	}
	for {
		line, err := readLine(reader)
		if err != nil {
			return broken(err.Error())
		}
		size, _, _ := strings.Cut(line, ";")
		length, err := strconv.ParseUint(size, 16, 31)
		if err != nil {
			return broken(fmt.Sprintf("%q is not a chunk's length", size))
		}
		if length == 0 {
			break
		}
		if length > uint64(len(raw)) {
			return broken(fmt.Sprintf("a chunk of %d bytes is cut off", length))
		}
		start := len(body)
		body = append(body, make([]byte, length)...)
		if _, err := io.ReadFull(reader, body[start:]); err != nil {
			return broken(fmt.Sprintf("a chunk of %d bytes is cut off", length))
		}
		if end, err := readLine(reader); err != nil || end != "" {
			return broken("a chunk does not end with CRLF")
		}
	}
	trailer = http.Header{}
	for {
		line, err := readLine(reader)
		if (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) || line == "" {
			return body, trailer, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, nil, wire.Errorf("MalformedTrailerError", "%q is not a trailer", line)
		}
		trailer.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
}

// readLine reads up to a line feed and gives the line without its end. A last line without one is an error.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		if line != "" {
			return "", io.ErrUnexpectedEOF
		}
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
