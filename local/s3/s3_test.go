package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
)

var now = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

func serve(t *testing.T) (*Service, *sdk.Client, string) {
	t.Helper()
	s := New(Options{
		Store: storage.NewMemory(), Clock: clock.NewManual(now), Faults: &faults.Injector{}, Region: "us-east-1", Account: "000000000000",
	})
	require.NoError(t, s.CreateBucket(BucketSpec{Name: "parked"}))
	require.NoError(t, s.CreateBucket(BucketSpec{Name: "audit", ObjectLock: true}))
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), UsePathStyle: true, RetryMaxAttempts: 1,
		// The default of a client that is made of the AWS configuration.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		Credentials:                credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return s, client, server.URL
}

func put(t *testing.T, s *Service, keys ...string) {
	t.Helper()
	for _, key := range keys {
		require.NoError(t, s.PutObject(t.Context(), "parked", key, []byte("body of "+key)))
	}
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
}

func TestPutAndGetThroughTheSDK(t *testing.T) {
	for name, in := range map[string]*sdk.PutObjectInput{
		"default checksum": {},
		"crc32c":           {ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c},
		"crc64nvme":        {ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme},
		"sha1":             {ChecksumAlgorithm: types.ChecksumAlgorithmSha1},
		"sha256":           {ChecksumAlgorithm: types.ChecksumAlgorithmSha256},
	} {
		t.Run(name, func(t *testing.T) {
			_, client, _ := serve(t)
			in.Bucket, in.Key, in.Body = aws.String("parked"), aws.String("a/ü +&.json"), strings.NewReader(`{"a":1}`)
			in.ContentType, in.Metadata = aws.String("application/json"), map[string]string{"reason": "duplicate"}
			stored, err := client.PutObject(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, `"bb6cb5c68df4652941caf652a366f2d8"`, *stored.ETag)

			out, err := client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: in.Bucket, Key: in.Key, ChecksumMode: types.ChecksumModeEnabled})
			require.NoError(t, err)
			body, err := io.ReadAll(out.Body)
			require.NoError(t, err, "the SDK verifies the checksum as it reads")
			require.Equal(t, `{"a":1}`, string(body))
			require.Equal(t, "application/json", *out.ContentType)
			require.Equal(t, "duplicate", out.Metadata["reason"])
			require.Equal(t, now, *out.LastModified)
			require.Nil(t, out.ContentEncoding)

			head, err := client.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: in.Bucket, Key: in.Key})
			require.NoError(t, err)
			require.Equal(t, int64(7), *head.ContentLength)
		})
	}
}

func TestChecksumVectors(t *testing.T) {
	// The check values of the CRC catalogue for "123456789".
	require.Equal(t, "y/Q5Jg==", checksum("crc32", []byte("123456789")))
	require.Equal(t, "4waSgw==", checksum("crc32c", []byte("123456789")))
	require.Equal(t, "rosUhgp5mIg=", checksum("crc64nvme", []byte("123456789")))
}

func request(t *testing.T, method, url string, header map[string]string, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range header {
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(answer)
}

func TestBodiesAreVerified(t *testing.T) {
	streaming := func(length, trailer string) map[string]string {
		return map[string]string{
			"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "Content-Encoding": "gzip,aws-chunked",
			"X-Amz-Decoded-Content-Length": length, "X-Amz-Trailer": trailer,
		}
	}
	for name, tc := range map[string]struct {
		header map[string]string
		body   string
		status int
		want   string // The object, or the error's code.
	}{
		"chunks with trailer": {streaming("9", "x-amz-checksum-crc32"), "4\r\n1234\r\n5\r\n56789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n", 200, "123456789"},
		"signed chunks":       {map[string]string{"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Decoded-Content-Length": "1"}, "1;chunk-signature=ab\r\nx\r\n0;chunk-signature=cd\r\n\r\n", 200, "x"},
		"empty object":        {streaming("0", "x-amz-checksum-crc32"), "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 200, ""},
		"wrong trailer":       {streaming("9", "x-amz-checksum-crc32"), "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 400, "BadDigest"},
		"missing trailer":     {streaming("9", "x-amz-checksum-crc32"), "9\r\n123456789\r\n0\r\n\r\n", 400, "MalformedTrailerError"},
		"short":               {streaming("9", ""), "8\r\n12345678\r\n0\r\n\r\n", 400, "IncompleteBody"},
		"cut off":             {streaming("9", ""), "9\r\n1234", 400, "IncompleteBody"},
		"huge chunk":          {streaming("9", ""), "7fffffff\r\n1234", 400, "IncompleteBody"},
		"no last chunk":       {streaming("4", ""), "4\r\n1234\r\n", 400, "IncompleteBody"},
		"not chunks":          {streaming("9", ""), "123456789", 400, "IncompleteBody"},
		"header checksum":     {map[string]string{"X-Amz-Checksum-Crc32": "y/Q5Jg=="}, "123456789", 200, "123456789"},
		"wrong header":        {map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA=="}, "123456789", 400, "BadDigest"},
		"two checksums":       {map[string]string{"X-Amz-Checksum-Crc32": "y/Q5Jg==", "X-Amz-Checksum-Crc32c": "4waSgw=="}, "123456789", 400, "InvalidRequest"},
		"payload hash":        {map[string]string{"X-Amz-Content-Sha256": strings.Repeat("0", 64)}, "x", 400, "XAmzContentSHA256Mismatch"},
		"md5":                 {map[string]string{"Content-Md5": "JfnnlDI7RTiF9RgfG2JNCw=="}, "123456789", 200, "123456789"},
		"wrong md5":           {map[string]string{"Content-Md5": "AAAAAAAAAAAAAAAAAAAAAA=="}, "x", 400, "BadDigest"},
		"bad md5":             {map[string]string{"Content-Md5": "x"}, "x", 400, "InvalidDigest"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, url := serve(t)
			response, answer := request(t, http.MethodPut, url+"/parked/k", tc.header, tc.body)
			require.Equal(t, tc.status, response.StatusCode, answer)
			object, err := s.Get(t.Context(), "parked", "k")
			if tc.status != http.StatusOK {
				require.Contains(t, answer, "<Code>"+tc.want+"</Code>")
				require.Error(t, err, "what is not verified is not stored")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, string(object.Body))
			if tc.header["Content-Encoding"] != "" {
				require.Equal(t, "gzip", object.Headers["Content-Encoding"])
			}
		})
	}
}

func TestConditionalPut(t *testing.T) {
	s, client, _ := serve(t)
	in := func(body string) *sdk.PutObjectInput {
		return &sdk.PutObjectInput{Bucket: aws.String("parked"), Key: aws.String("k"), Body: strings.NewReader(body)}
	}
	first := in("1")
	first.IfNoneMatch = aws.String("*")
	stored, err := client.PutObject(t.Context(), first)
	require.NoError(t, err)

	again := in("2")
	again.IfNoneMatch = aws.String("*")
	_, err = client.PutObject(t.Context(), again)
	requireCode(t, err, "PreconditionFailed")

	matching := in("3")
	matching.IfMatch = stored.ETag
	_, err = client.PutObject(t.Context(), matching)
	require.NoError(t, err)
	stale := in("4")
	stale.IfMatch = stored.ETag
	_, err = client.PutObject(t.Context(), stale)
	requireCode(t, err, "PreconditionFailed")

	object, err := s.Get(t.Context(), "parked", "k")
	require.NoError(t, err)
	require.Equal(t, "3", string(object.Body))
}

func TestConcurrentConditionalPutsHaveOneWinner(t *testing.T) {
	s, _, _ := serve(t)
	var wins, losses int
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			_, err := s.Put(context.Background(), PutInput{Bucket: "parked", Key: "k", Body: fmt.Append(nil, i), IfNoneMatch: "*"})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				wins++
			} else {
				losses++
			}
		})
	}
	group.Wait()
	require.Equal(t, 1, wins)
	require.Equal(t, 31, losses)
}

func TestErrors(t *testing.T) {
	_, client, _ := serve(t)
	_, err := client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("parked"), Key: aws.String("none")})
	var noKey *types.NoSuchKey
	require.ErrorAs(t, err, &noKey)
	_, err = client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("nobody"), Key: aws.String("none")})
	requireCode(t, err, "NoSuchBucket")
	_, err = client.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("parked"), Key: aws.String("none")})
	var notFound *types.NotFound
	require.ErrorAs(t, err, &notFound)
	_, err = client.HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: aws.String("nobody")})
	require.ErrorAs(t, err, &notFound)
	_, err = client.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("parked"), Key: aws.String(strings.Repeat("k", 1025))})
	requireCode(t, err, "KeyTooLongError")
}

func TestListObjectsV2(t *testing.T) {
	s, client, _ := serve(t)
	put(t, s, "a", "b/1", "b/2", "b/c/3", "d e/ü", "f")
	for name, tc := range map[string]struct {
		in               sdk.ListObjectsV2Input
		keys, prefixes   []string
		pages, pageLimit int
	}{
		"all":                     {in: sdk.ListObjectsV2Input{}, keys: []string{"a", "b/1", "b/2", "b/c/3", "d e/ü", "f"}, pages: 1},
		"paged":                   {in: sdk.ListObjectsV2Input{MaxKeys: aws.Int32(4)}, keys: []string{"a", "b/1", "b/2", "b/c/3", "d e/ü", "f"}, pages: 2},
		"a full page":             {in: sdk.ListObjectsV2Input{MaxKeys: aws.Int32(6)}, keys: []string{"a", "b/1", "b/2", "b/c/3", "d e/ü", "f"}, pages: 1},
		"prefix":                  {in: sdk.ListObjectsV2Input{Prefix: aws.String("b/")}, keys: []string{"b/1", "b/2", "b/c/3"}, pages: 1},
		"delimiter":               {in: sdk.ListObjectsV2Input{Delimiter: aws.String("/")}, keys: []string{"a", "f"}, prefixes: []string{"b/", "d e/"}, pages: 1},
		"delimiter, page by page": {in: sdk.ListObjectsV2Input{Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)}, keys: []string{"a", "f"}, prefixes: []string{"b/", "d e/"}, pages: 4},
		"prefix and delimiter":    {in: sdk.ListObjectsV2Input{Prefix: aws.String("b/"), Delimiter: aws.String("/")}, keys: []string{"b/1", "b/2"}, prefixes: []string{"b/c/"}, pages: 1},
		"start after":             {in: sdk.ListObjectsV2Input{StartAfter: aws.String("b/2")}, keys: []string{"b/c/3", "d e/ü", "f"}, pages: 1},
		"none":                    {in: sdk.ListObjectsV2Input{Prefix: aws.String("z")}, pages: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var keys, prefixes []string
			pages := 0
			tc.in.Bucket = aws.String("parked")
			for p := sdk.NewListObjectsV2Paginator(client, &tc.in); p.HasMorePages(); pages++ {
				page, err := p.NextPage(t.Context())
				require.NoError(t, err)
				require.Equal(t, len(page.Contents)+len(page.CommonPrefixes), int(*page.KeyCount))
				for _, o := range page.Contents {
					keys = append(keys, *o.Key)
				}
				for _, c := range page.CommonPrefixes {
					prefixes = append(prefixes, *c.Prefix)
				}
			}
			require.Equal(t, tc.keys, keys)
			require.Equal(t, tc.prefixes, prefixes)
			require.Equal(t, tc.pages, pages)
		})
	}
	encoded, err := client.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("parked"), Prefix: aws.String("d"), EncodingType: types.EncodingTypeUrl})
	require.NoError(t, err)
	require.Equal(t, "d+e/%C3%BC", *encoded.Contents[0].Key)

	buckets, err := client.ListBuckets(t.Context(), &sdk.ListBucketsInput{})
	require.NoError(t, err)
	require.Equal(t, []string{"audit", "parked"}, []string{*buckets.Buckets[0].Name, *buckets.Buckets[1].Name})
}

func TestRanges(t *testing.T) {
	s, client, _ := serve(t)
	_, err := s.Put(t.Context(), PutInput{Bucket: "parked", Key: "k", Body: []byte("0123456789")})
	require.NoError(t, err)
	for name, tc := range map[string]struct{ spec, body, contentRange, code string }{
		"middle": {spec: "bytes=2-4", body: "234", contentRange: "bytes 2-4/10"},
		"open":   {spec: "bytes=7-", body: "789", contentRange: "bytes 7-9/10"},
		"suffix": {spec: "bytes=-2", body: "89", contentRange: "bytes 8-9/10"},
		"beyond": {spec: "bytes=8-99", body: "89", contentRange: "bytes 8-9/10"},
		"past":   {spec: "bytes=10-", code: "InvalidRange"},
		"two":    {spec: "bytes=0-1,3-4", code: "NotImplemented"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("parked"), Key: aws.String("k"), Range: aws.String(tc.spec)})
			if tc.code != "" {
				requireCode(t, err, tc.code)
				return
			}
			require.NoError(t, err)
			body, err := io.ReadAll(out.Body)
			require.NoError(t, err)
			require.Equal(t, tc.body, string(body))
			require.Equal(t, tc.contentRange, *out.ContentRange)
		})
	}
}

func TestDelete(t *testing.T) {
	s, client, _ := serve(t)
	put(t, s, "k")
	_, err := client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String("parked"), Key: aws.String("k")})
	require.NoError(t, err)
	_, err = s.Get(t.Context(), "parked", "k")
	require.Error(t, err)
	_, err = client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String("parked"), Key: aws.String("k")})
	require.NoError(t, err, "deleting what is not there is no error")

	require.NoError(t, s.PutObject(t.Context(), "audit", "k", []byte("x")))
	_, err = client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String("audit"), Key: aws.String("k"), VersionId: aws.String("v")})
	requireCode(t, err, "AccessDenied")
	_, err = client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String("audit"), Key: aws.String("k")})
	requireCode(t, err, "NotImplemented")
	_, err = s.Get(t.Context(), "audit", "k")
	require.NoError(t, err, "the locked object is still there")
}

// The owner of a bucket is the account that has it. Source: the user guide, "Verifying bucket ownership"
func TestExpectedBucketOwner(t *testing.T) {
	_, _, url := serve(t)
	response, answer := request(t, http.MethodGet, url+"/parked/k", map[string]string{"X-Amz-Expected-Bucket-Owner": "111111111111"}, "")
	require.Equal(t, http.StatusForbidden, response.StatusCode, answer)
}

func TestFaultsAreInjected(t *testing.T) {
	s, client, _ := serve(t)
	require.NoError(t, s.options.Faults.Arm(faults.Fault{Operation: "s3:PutObject", When: faults.AfterEffect, Code: "InternalError"}))
	_, err := client.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("parked"), Key: aws.String("k"), Body: bytes.NewReader([]byte("x"))})
	requireCode(t, err, "InternalError")
	_, err = s.Get(t.Context(), "parked", "k")
	require.NoError(t, err, "the effect happened, the answer was lost")
}

func TestCreateBucketRefuses(t *testing.T) {
	s, _, _ := serve(t)
	require.ErrorContains(t, s.CreateBucket(BucketSpec{Name: "No"}), "InvalidBucketName")
	require.ErrorContains(t, s.CreateBucket(BucketSpec{Name: "parked"}), "BucketAlreadyOwnedByYou")
}

func FuzzDecodeChunked(f *testing.F) {
	f.Add([]byte("4\r\n1234\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n"))
	f.Add([]byte("7fffffff\r\n1"))
	f.Add([]byte("0\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, _, err := decodeChunked(raw)
		if err == nil && len(body) > len(raw) {
			t.Fatalf("decoded %d bytes from %d", len(body), len(raw))
		}
	})
}
