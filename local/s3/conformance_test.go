package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/conformance"
)

// Where the expectations of the conformance cases come from.
const (
	guide     = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
	reference = "https://docs.aws.amazon.com/AmazonS3/latest/API/"
	// recorded and recordedLists are answers of AWS that another project recorded.
	recorded      = "https://github.com/localstack/localstack/blob/master/tests/aws/services/s3/test_s3_api.snapshot.json"
	recordedLists = "https://github.com/localstack/localstack/blob/master/tests/aws/services/s3/test_s3_list_operations.snapshot.json"
	// locked is what users of AWS met who put without a checksum into a bucket with a default retention.
	locked = "https://github.com/kopia/kopia/issues/711"
)

// errorMembers reads an error's XML: its members by name.
func errorMembers(t *testing.T, body string) map[string]string {
	t.Helper()
	var e struct {
		XMLName xml.Name `xml:"Error"`
		Members []struct {
			XMLName xml.Name
			Value   string `xml:",chardata"`
		} `xml:",any"`
	}
	require.NoError(t, xml.Unmarshal([]byte(body), &e), body)
	members := map[string]string{}
	for _, m := range e.Members {
		members[m.XMLName.Local] = m.Value
	}
	return members
}

const (
	crc     = "y/Q5Jg==" // CRC-32 of "123456789".
	digits  = "123456789"
	ofEmpty = "d41d8cd98f00b204e9800998ecf8427e"
)

// The object "there" is in the bucket, "none" is not; its ETag is the MD5 of "123456789".
func TestErrorsAsOnAWS(t *testing.T) {
	const etag = "25f9e794323b453885f5181f1b624d0b"
	header := func(pairs ...string) map[string]string {
		h := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = pairs[i+1]
		}
		return h
	}
	const notAccepted = "A header you provided implies functionality that is not implemented"
	for _, tc := range []struct {
		name, source, method, path string
		header                     map[string]string
		body                       string
		status                     int
		want                       map[string]string // All members but RequestId.
	}{
		{"a key that is not there", recorded, "GET", "/parked/none", nil, "", 404,
			map[string]string{"Code": "NoSuchKey", "Message": "The specified key does not exist.", "Key": "none"}},
		{"a bucket that is not there", recorded, "GET", "/nobody/none", nil, "", 404,
			map[string]string{"Code": "NoSuchBucket", "Message": "The specified bucket does not exist", "BucketName": "nobody"}},
		{"put if absent", recorded, "PUT", "/parked/there", header("If-None-Match", "*"), "x", 412,
			map[string]string{"Code": "PreconditionFailed", "Message": "At least one of the pre-conditions you specified did not hold", "Condition": "If-None-Match"}},
		{"put if none of this ETag", recorded, "PUT", "/parked/there", header("If-None-Match", ofEmpty), "x", 501,
			map[string]string{"Code": "NotImplemented", "Message": notAccepted, "Header": "If-None-Match", "additionalMessage": "We don't accept the provided value of If-None-Match header for this API"}},
		{"put if of another ETag", recorded, "PUT", "/parked/there", header("If-Match", ofEmpty), "x", 412,
			map[string]string{"Code": "PreconditionFailed", "Message": "At least one of the pre-conditions you specified did not hold", "Condition": "If-Match"}},
		{"put if of any ETag", recorded, "PUT", "/parked/there", header("If-Match", "*"), "x", 501,
			map[string]string{"Code": "NotImplemented", "Message": notAccepted, "Header": "If-Match", "additionalMessage": "We don't accept the provided value of If-Match header for this API"}},
		{"put if of an ETag, where there is nothing", recorded, "PUT", "/parked/none", header("If-Match", etag), "x", 404,
			map[string]string{"Code": "NoSuchKey", "Message": "The specified key does not exist.", "Key": "none"}},
		{"put if both", recorded, "PUT", "/parked/there", header("If-Match", etag, "If-None-Match", "*"), "x", 501,
			map[string]string{"Code": "NotImplemented", "Message": notAccepted, "Header": "If-Match,If-None-Match", "additionalMessage": "Multiple conditional request headers present in the request"}},
		{"get if of another ETag", guide + "conditional-reads.html", "GET", "/parked/there", header("If-Match", ofEmpty), "", 412,
			map[string]string{"Code": "PreconditionFailed", "Message": "At least one of the pre-conditions you specified did not hold", "Condition": "If-Match"}},
		{"a range behind the end", reference + "ErrorResponses.html#ErrorCodeList", "GET", "/parked/there", header("Range", "bytes=9-"), "", 416,
			map[string]string{"Code": "InvalidRange", "Message": "The requested range is not satisfiable", "ActualObjectSize": "9", "RangeRequested": "bytes=9-"}},
		{"a key of 1,025 bytes", guide + "object-keys.html", "PUT", "/parked/" + strings.Repeat("k", 1025), nil, "x", 400,
			map[string]string{"Code": "KeyTooLongError", "Message": "Your key is too long", "Size": "1025", "MaxSizeAllowed": "1024"}},
		{"metadata of 2,049 bytes", guide + "UsingMetadata.html", "PUT", "/parked/k", header("X-Amz-Meta-A", strings.Repeat("v", 2048)), "x", 400,
			map[string]string{"Code": "MetadataTooLarge", "Message": "Your metadata headers exceed the maximum allowed metadata size", "Size": "2049", "MaxSizeAllowed": "2048"}},
		{"another MD5", reference + "ErrorResponses.html#ErrorCodeList", "PUT", "/parked/k", header("Content-Md5", "1B2M2Y8AsgTpgAmY7PhCfg=="), "x", 400,
			map[string]string{"Code": "BadDigest", "Message": "The Content-MD5 you specified did not match what we received."}},
		{"another checksum", guide + "checking-object-integrity-upload.html", "PUT", "/parked/k", header("X-Amz-Checksum-Crc32", crc), "x", 400,
			map[string]string{"Code": "BadDigest", "Message": "The CRC32 you specified did not match the calculated checksum."}},
		{"a checksum that is none", guide + "checking-object-integrity-upload.html", "PUT", "/parked/k", header("X-Amz-Checksum-Crc32", "BAD"), digits, 400,
			map[string]string{"Code": "InvalidRequest", "Message": "Value for x-amz-checksum-crc32 header is invalid."}},
		{"a checksum of another length", guide + "checking-object-integrity-upload.html", "PUT", "/parked/k", header("X-Amz-Checksum-Sha256", crc), digits, 400,
			map[string]string{"Code": "InvalidRequest", "Message": "Value for x-amz-checksum-sha256 header is invalid."}},
		{"an algorithm without a checksum", reference + "API_PutObject.html#AmazonS3-PutObject-request-header-ChecksumAlgorithm", "PUT", "/parked/k", header("X-Amz-Sdk-Checksum-Algorithm", "CRC32"), digits, 400,
			map[string]string{"Code": "InvalidRequest", "Message": "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."}},
		{"an algorithm and the checksum of another", reference + "API_PutObject.html#AmazonS3-PutObject-request-header-ChecksumAlgorithm", "PUT", "/parked/k",
			header("X-Amz-Sdk-Checksum-Algorithm", "SHA256", "X-Amz-Checksum-Crc32", crc), digits, 400,
			map[string]string{"Code": "BadDigest", "Message": "The SHA256 you specified did not match the calculated checksum."}},
		{"a locked object without a checksum", locked, "PUT", "/audit/k", nil, "x", 400,
			map[string]string{"Code": "InvalidRequest", "Message": "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"}},
		{"a locked version deleted", guide + "object-lock.html", "DELETE", "/audit/locked?versionId=v", nil, "", 403,
			map[string]string{"Code": "AccessDenied", "Message": "Access Denied because object protected by object lock."}},
		{"a token that is none", recordedLists, "GET", "/parked?list-type=2&continuation-token=", nil, "", 400,
			map[string]string{"Code": "InvalidArgument", "Message": "The continuation token provided is incorrect", "ArgumentName": "continuation-token"}},
		{"a token of somebody else's", recordedLists, "GET", "/parked?list-type=2&continuation-token=" + base64.URLEncoding.EncodeToString([]byte("a")), nil, "", 400,
			map[string]string{"Code": "InvalidArgument", "Message": "The continuation token provided is incorrect", "ArgumentName": "continuation-token"}},
		{"a number of keys that is none", reference + "API_ListObjectsV2.html", "GET", "/parked?list-type=2&max-keys=many", nil, "", 400,
			map[string]string{"Code": "InvalidArgument", "Message": "Provided max-keys not an integer or within integer range", "ArgumentName": "max-keys", "ArgumentValue": "many"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _, url := serve(t)
			_, err := s.Put(t.Context(), PutInput{Bucket: "parked", Key: "there", Body: []byte(digits)})
			require.NoError(t, err)
			response, body := request(t, tc.method, url+tc.path, tc.header, tc.body)
			require.Equal(t, tc.status, response.StatusCode, body)
			require.Equal(t, "application/xml", response.Header.Get("Content-Type"))
			got := errorMembers(t, body)
			require.Equal(t, response.Header.Get("X-Amz-Request-Id"), got["RequestId"])
			delete(got, "RequestId")
			require.Equal(t, tc.want, got, tc.source)
			kept, err := s.List(t.Context(), "parked", "")
			require.NoError(t, err)
			require.Len(t, kept, 1, "nothing was stored")
			require.Equal(t, etag, kept[0].ETag)
		})
	}
}

// A put if absent succeeds once the object is deleted; a put if of its ETag takes it with quotes and without.
// Source: recorded, test_put_object_if_none_match and test_put_object_if_match
func TestConditionsAsOnAWS(t *testing.T) {
	_, client, _ := serve(t)
	put := func(change func(*sdk.PutObjectInput)) (*sdk.PutObjectOutput, error) {
		in := &sdk.PutObjectInput{Bucket: aws.String("parked"), Key: aws.String("test-precondition"), Body: strings.NewReader("")}
		change(in)
		return client.PutObject(t.Context(), in)
	}
	ifAbsent := func(in *sdk.PutObjectInput) { in.IfNoneMatch = aws.String("*") }
	first, err := put(ifAbsent)
	require.NoError(t, err)
	require.Equal(t, `"`+ofEmpty+`"`, *first.ETag)
	require.Equal(t, "AAAAAA==", *first.ChecksumCRC32)
	require.Equal(t, types.ChecksumTypeFullObject, first.ChecksumType)
	_, err = put(ifAbsent)
	requireCode(t, err, "PreconditionFailed")
	_, err = client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String("parked"), Key: aws.String("test-precondition")})
	require.NoError(t, err)
	_, err = put(ifAbsent)
	require.NoError(t, err)
	for _, tag := range []string{ofEmpty, `"` + ofEmpty + `"`} {
		_, err = put(func(in *sdk.PutObjectInput) { in.IfMatch = &tag })
		require.NoError(t, err, tag)
	}
}

// An object that is the one known is answered with 304, its ETag and its date, and no body.
// Source: guide + conditional-reads.html
func TestNotModified(t *testing.T) {
	s, _, url := serve(t)
	put(t, s, "k")
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		whole, _ := request(t, method, url+"/parked/k", nil, "")
		for _, tag := range []string{whole.Header.Get("Etag"), "*"} {
			response, body := request(t, method, url+"/parked/k", map[string]string{"If-None-Match": tag}, "")
			require.Equal(t, http.StatusNotModified, response.StatusCode)
			require.Empty(t, body)
			require.Equal(t, whole.Header.Get("Etag"), response.Header.Get("Etag"))
			require.Equal(t, whole.Header.Get("Last-Modified"), response.Header.Get("Last-Modified"))
		}
		response, _ := request(t, method, url+"/parked/k", map[string]string{"If-None-Match": `"` + ofEmpty + `"`}, "")
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
}

// An object without a type is binary/octet-stream; without a checksum of its own it gets a CRC-64/NVME, which GetObject shows to who
// asks. The value is the CRC catalogue's for "123456789".
// Source: recorded, test_put_object_on_suspended_bucket; guide + checking-object-integrity-upload.html
func TestDefaultsOfAnObject(t *testing.T) {
	_, _, url := serve(t)
	response, body := request(t, http.MethodPut, url+"/parked/k", nil, digits)
	require.Equal(t, http.StatusOK, response.StatusCode, body)
	require.Equal(t, "rosUhgp5mIg=", response.Header.Get("X-Amz-Checksum-Crc64nvme"))
	require.Equal(t, "FULL_OBJECT", response.Header.Get("X-Amz-Checksum-Type"))
	response, body = request(t, http.MethodGet, url+"/parked/k", map[string]string{"X-Amz-Checksum-Mode": "ENABLED"}, "")
	require.Equal(t, digits, body)
	require.Equal(t, "binary/octet-stream", response.Header.Get("Content-Type"))
	require.Equal(t, "rosUhgp5mIg=", response.Header.Get("X-Amz-Checksum-Crc64nvme"))
	response, _ = request(t, http.MethodGet, url+"/parked/k", nil, "")
	require.Empty(t, response.Header.Get("X-Amz-Checksum-Crc64nvme"))
}

// What object lock keeps may be put with an MD5 or a checksum, be it in a trailer; a new put is another version.
// Source: reference + API_PutObject.html (Content-MD5); guide + object-lock.html
func TestLockedObjectsArePutWithAChecksum(t *testing.T) {
	s, client, url := serve(t)
	for name, header := range map[string]map[string]string{
		"md5":     {"Content-Md5": "JfnnlDI7RTiF9RgfG2JNCw=="},
		"header":  {"X-Amz-Checksum-Crc32": crc},
		"trailer": {"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "9", "X-Amz-Trailer": "x-amz-checksum-crc32"},
	} {
		body := digits
		if name == "trailer" {
			body = "9\r\n" + digits + "\r\n0\r\nx-amz-checksum-crc32:" + crc + "\r\n\r\n"
		}
		response, answer := request(t, http.MethodPut, url+"/audit/"+name, header, body)
		require.Equal(t, http.StatusOK, response.StatusCode, answer)
	}
	_, err := client.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("audit"), Key: aws.String("md5"), Body: strings.NewReader("x")})
	require.NoError(t, err, "the SDK adds one by itself")
	require.NoError(t, s.PutObject(t.Context(), "audit", "delivered", []byte("x")), "Firehose does by itself")
}

// Source: recordedLists, test_list_objects_v2_continuation_common_prefixes
func TestListingGoesOnBehindACommonPrefix(t *testing.T) {
	s, client, _ := serve(t)
	put(t, s, "folder/aSubfolder/subFile1", "folder/aSubfolder/subFile2", "folder/file1", "folder/file2")
	in := &sdk.ListObjectsV2Input{Bucket: aws.String("parked"), Prefix: aws.String("folder/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)}
	for _, want := range []struct {
		prefix, key string
		truncated   bool
	}{{"folder/aSubfolder/", "", true}, {"", "folder/file1", true}, {"", "folder/file2", false}} {
		out, err := client.ListObjectsV2(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, int32(1), *out.KeyCount)
		require.Equal(t, int32(1), *out.MaxKeys)
		require.Equal(t, want.truncated, *out.IsTruncated)
		require.Equal(t, want.truncated, out.NextContinuationToken != nil)
		require.Equal(t, in.ContinuationToken, out.ContinuationToken)
		if want.prefix != "" {
			require.Empty(t, out.Contents)
			require.Equal(t, want.prefix, *out.CommonPrefixes[0].Prefix)
		} else {
			require.Empty(t, out.CommonPrefixes)
			require.Equal(t, want.key, *out.Contents[0].Key)
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

// Source: recordedLists, test_list_objects_v2_with_prefix and …_and_delimiter: test/foo is a prefix of a part of a name, too.
func TestListingByPrefix(t *testing.T) {
	s, client, _ := serve(t)
	put(t, s, "test/bar/foo/123", "test/foo/bar/123", "test/foo/bar/456")
	for _, tc := range []struct {
		prefix, delimiter string
		keys, prefixes    []string
	}{
		{"test/", "", []string{"test/bar/foo/123", "test/foo/bar/123", "test/foo/bar/456"}, nil},
		{"test/foo", "", []string{"test/foo/bar/123", "test/foo/bar/456"}, nil},
		{"test/", "/", nil, []string{"test/bar/", "test/foo/"}},
		{"test/foo", "/", nil, []string{"test/foo/"}},
		{"test/foo/bar", "/", nil, []string{"test/foo/bar/"}},
	} {
		out, err := client.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("parked"), Prefix: &tc.prefix, Delimiter: &tc.delimiter})
		require.NoError(t, err)
		var keys, prefixes []string
		for _, o := range out.Contents {
			keys = append(keys, *o.Key)
			require.Equal(t, types.ObjectStorageClassStandard, o.StorageClass)
			require.Equal(t, types.ChecksumTypeFullObject, o.ChecksumType)
		}
		for _, p := range out.CommonPrefixes {
			prefixes = append(prefixes, *p.Prefix)
		}
		require.Equal(t, tc.keys, keys, tc)
		require.Equal(t, tc.prefixes, prefixes, tc)
		require.Equal(t, int32(len(keys)+len(prefixes)), *out.KeyCount)
		require.Equal(t, int32(1000), *out.MaxKeys)
		require.False(t, *out.IsTruncated)
	}
	none, err := client.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("parked"), MaxKeys: aws.Int32(0)})
	require.NoError(t, err)
	require.False(t, *none.IsTruncated)
	require.Zero(t, *none.KeyCount)
}

// refusals are what the reference page says is refused, in its order.
var refusals = []struct {
	feature  string
	requests []refusedRequest
}{
	{"versions", []refusedRequest{
		{"GET", "/parked?versions", nil, "s3:ListObjectVersions"},
		{"GET", "/parked/k?versionId=1", nil, "?versionId"},
		{"DELETE", "/parked/k?versionId=1", nil, "s3:DeleteObject with ?versionId"},
	}},
	{"delete markers in buckets with object lock", []refusedRequest{{"DELETE", "/audit/k", nil, "s3:DeleteObject by delete marker"}}},
	{"copies", []refusedRequest{{"PUT", "/parked/other", map[string]string{"X-Amz-Copy-Source": "/a/b"}, "s3:CopyObject"}}},
	{"multipart uploads", []refusedRequest{
		{"POST", "/parked/other?uploads", nil, "?uploads"},
		{"PUT", "/parked/other?partNumber=1", nil, "?partNumber"},
	}},
	{"virtual-host addresses", []refusedRequest{
		{"GET", "/k", map[string]string{"Host": "parked.localhost:4566"}, "virtual-host"},
		{"GET", "/k", map[string]string{"Host": "other.s3.us-east-1.amazonaws.com"}, "virtual-host"},
	}},
	{"`ListObjects` (the first version)", []refusedRequest{{"GET", "/parked", nil, "use ListObjectsV2"}}},
	{"owners in listings", []refusedRequest{{"GET", "/parked?list-type=2&fetch-owner=true", nil, "fetch-owner"}}},
	{"pages and filters of `ListBuckets`", []refusedRequest{{"GET", "/?max-buckets=1", nil, "s3:ListBuckets with max-buckets"}}},
	{"storage classes other than standard", []refusedRequest{{"PUT", "/parked/other", map[string]string{"X-Amz-Storage-Class": "GLACIER"}, "GLACIER"}}},
	{"ranges other than simple ones", []refusedRequest{
		{"GET", "/parked/k", map[string]string{"Range": "bytes=0-1,3-4"}, "range bytes=0-1,3-4"},
		{"GET", "/parked/k", map[string]string{"Range": "bytes=3-1"}, "range bytes=3-1"},
		{"GET", "/parked/k", map[string]string{"Range": "bytes=-"}, "range bytes=-"},
		{"GET", "/parked/k", map[string]string{"Range": "lines=0-1"}, "range lines=0-1"},
		{"HEAD", "/parked/k", map[string]string{"Range": "bytes=0-1"}, ""},
	}},
	{"conditions by date", []refusedRequest{{"GET", "/parked/k", map[string]string{"If-Modified-Since": "Thu, 09 Jul 2026 10:15:30 GMT"}, "If-Modified-Since"}}},
	{"conditions of deletions", []refusedRequest{{"DELETE", "/parked/k", map[string]string{"If-Match": "*"}, "s3:DeleteObject with If-Match"}}},
	{"checksums other than CRC-32, CRC-32C, CRC-64/NVME, SHA-1 and SHA-256", []refusedRequest{
		{"PUT", "/parked/other", map[string]string{"X-Amz-Checksum-Xxhash64": "AAAAAAAAAAA="}, "x-amz-checksum-xxhash64"},
		{"PUT", "/parked/other", map[string]string{"X-Amz-Sdk-Checksum-Algorithm": "XXHASH64"}, "checksum algorithm XXHASH64"},
	}},
	{"ACLs, encryption, locks and tags in requests", []refusedRequest{
		{"PUT", "/parked/other", map[string]string{"X-Amz-Acl": "private"}, "x-amz-acl"},
		{"PUT", "/parked/other", map[string]string{"X-Amz-Server-Side-Encryption": "aws:kms"}, "x-amz-server-side-encryption"},
		{"PUT", "/audit/other", map[string]string{"X-Amz-Object-Lock-Mode": "GOVERNANCE"}, "x-amz-object-lock-mode"},
		{"DELETE", "/audit/k", map[string]string{"X-Amz-Bypass-Governance-Retention": "true"}, "x-amz-bypass-governance-retention"},
		{"PUT", "/parked/other", map[string]string{"X-Amz-Tagging": "a=b"}, "x-amz-tagging"},
		{"GET", "/parked/k?tagging", nil, "?tagging"},
		{"POST", "/parked?delete", nil, "?delete"},
		{"PUT", "/other", nil, "s3:PUT of a bucket"},
	}},
}

// refusedRequest is one that is answered with 501 and an error that says so; that of a HEAD has no words.
type refusedRequest struct {
	method, path string
	header       map[string]string
	says         string
}

func TestRefusals(t *testing.T) {
	s, _, url := serve(t)
	put(t, s, "k")
	require.NoError(t, s.PutObject(t.Context(), "audit", "k", []byte("x")))
	var features []string
	for _, refusal := range refusals {
		features = append(features, refusal.feature)
		for _, r := range refusal.requests {
			response, answer := request(t, r.method, url+r.path, r.header, "")
			require.Equal(t, http.StatusNotImplemented, response.StatusCode, "%s: %s", refusal.feature, answer)
			if r.method != http.MethodHead {
				require.Equal(t, "NotImplemented", errorMembers(t, answer)["Code"], refusal.feature)
				require.Contains(t, answer, r.says, refusal.feature)
			}
		}
	}
	for _, bucket := range []string{"parked", "audit"} {
		kept, err := s.List(t.Context(), bucket, "")
		require.NoError(t, err)
		require.Len(t, kept, 1, "what was refused had no effect")
	}
	require.Equal(t, conformance.Refusals(t, "S3"), features)
}
