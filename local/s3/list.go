package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// maxListKeys is the most entries S3 puts on a page of a listing.
const maxListKeys = 1000

// timeFormat is how S3 writes times in XML.
const timeFormat = "2006-01-02T15:04:05.000Z"

type listResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	KeyCount              int
	MaxKeys               int
	IsTruncated           bool
	Contents              []listEntry
	CommonPrefixes        []commonPrefix
}

type listEntry struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm []string
	ChecksumType      string
	Size              int64
	StorageClass      string
}

type commonPrefix struct{ Prefix string }

// listQuery are the parameters of ListObjectsV2 that are done; others are refused by name.
var listQuery = map[string]bool{
	"list-type": true, "prefix": true, "delimiter": true, "max-keys": true, "continuation-token": true, "start-after": true,
	"encoding-type": true, "x-id": true,
}

func (s *Service) listObjects(bucket string, q url.Values) (*listResult, error) {
	limit := maxListKeys
	if text := q.Get("max-keys"); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return nil, invalidArgument("max-keys", text, "Provided max-keys not an integer or within integer range")
		}
		limit = int(min(n, maxListKeys))
	}
	encode := func(text string) string { return text }
	switch q.Get("encoding-type") {
	case "":
	case "url":
		encode = func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "%2F", "/") }
	default:
		return nil, invalidArgument("encoding-type", q.Get("encoding-type"), "Invalid Encoding Method specified in Request")
	}
	from, err := listFrom(q)
	if err != nil {
		return nil, err
	}
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	result := &listResult{
		Name: bucket, Prefix: encode(prefix), Delimiter: encode(delimiter), StartAfter: encode(q.Get("start-after")),
		ContinuationToken: q.Get("continuation-token"), EncodingType: q.Get("encoding-type"), MaxKeys: limit,
	}
	last, group := "", ""
	err = s.scan(bucket, prefix, from, func(i Info) bool {
		if group != "" && strings.HasPrefix(i.Key, group) {
			return true
		}
		common := commonOf(i.Key, prefix, delimiter)
		// A page that ended with a common prefix goes on after all of its keys; start-after may lie inside a group.
		if result.KeyCount == limit {
			result.IsTruncated = limit > 0
			return false
		}
		result.KeyCount++
		if common != "" {
			group, last = common, string(after([]byte(common)))
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(common)})
			return true
		}
		last = i.Key + "\x00"
		result.Contents = append(result.Contents, entry(i, encode))
		return true
	})
	if err != nil {
		return nil, err
	}
	if result.IsTruncated {
		result.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(tokenMark + last))
	}
	return result, nil
}

// tokenMark tells continuation tokens from other texts.
const tokenMark = "from:"

func invalidArgument(name, value, message string) error {
	return &wire.Error{Code: "InvalidArgument", Message: message, Members: map[string]any{"ArgumentName": name, "ArgumentValue": value}}
}

// listFrom is the lowest key the page may have. A continuation token holds it; it takes precedence over start-after.
func listFrom(q url.Values) (string, error) {
	if q.Has("continuation-token") {
		token, err := base64.URLEncoding.DecodeString(q.Get("continuation-token"))
		from, ours := strings.CutPrefix(string(token), tokenMark)
		if err != nil || !ours {
			return "", &wire.Error{Code: "InvalidArgument", Message: "The continuation token provided is incorrect", Members: map[string]any{"ArgumentName": "continuation-token"}}
		}
		return from, nil
	}
	if start := q.Get("start-after"); start != "" {
		return start + "\x00", nil
	}
	return "", nil
}

// commonOf is the part of key up to the first delimiter behind prefix; empty where there is none.
func commonOf(key, prefix, delimiter string) string {
	if delimiter == "" {
		return ""
	}
	before, _, found := strings.Cut(key[len(prefix):], delimiter)
	if !found {
		return ""
	}
	return prefix + before + delimiter
}

func entry(i Info, encode func(string) string) listEntry {
	e := listEntry{
		Key: encode(i.Key), LastModified: i.LastModified.Format(timeFormat), ETag: `"` + i.ETag + `"`, Size: i.Size,
		StorageClass: "STANDARD", ChecksumType: "FULL_OBJECT",
	}
	for algorithm := range i.Checksums {
		e.ChecksumAlgorithm = append(e.ChecksumAlgorithm, strings.ToUpper(algorithm))
	}
	return e
}

type bucketsResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner   owner
	Buckets []bucketEntry `xml:"Buckets>Bucket"`
}

type owner struct{ ID string }

type bucketEntry struct{ Name, CreationDate string }

func (s *Service) listBuckets() *bucketsResult {
	result := &bucketsResult{Owner: owner{ID: s.options.Account}}
	for _, name := range s.Buckets() {
		b, err := s.bucket(name)
		if err != nil {
			continue // Buckets are never deleted.
		}
		result.Buckets = append(result.Buckets, bucketEntry{Name: name, CreationDate: b.created.Format(time.RFC3339)})
	}
	return result
}
