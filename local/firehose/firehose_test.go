package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
)

var start = time.Date(2026, 12, 31, 23, 15, 30, 0, time.UTC)

type object struct {
	bucket, key string
	body        []byte
}

// bucketStore hands each object written to the test, after as many failures as it was told.
type bucketStore struct {
	mu       sync.Mutex
	failures int
	written  chan object
	failed   chan struct{} // Has one token per failure, as far as it has room.
}

func (b *bucketStore) PutObject(_ context.Context, bucket, key string, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures > 0 {
		b.failures--
		select {
		case b.failed <- struct{}{}:
		default:
		}
		return errors.New("slow down")
	}
	b.written <- object{bucket, key, body}
	return nil
}

type fixture struct {
	*Service
	clock  *clock.Manual
	store  *bucketStore
	faults *faults.Injector
}

func serve(t *testing.T) fixture {
	t.Helper()
	f := fixture{clock: clock.NewManual(start), store: &bucketStore{written: make(chan object, 100), failed: make(chan struct{}, 10)}, faults: &faults.Injector{}}
	f.Service = New(Options{
		Objects: f.store, Clock: f.clock, Random: rand.Reader, Faults: f.faults, Logger: slog.New(slog.DiscardHandler),
		Region: "us-east-1", Account: "000000000000",
	})
	t.Cleanup(f.Close)
	return f
}

func spec(change func(*S3Destination)) Spec {
	d := &S3Destination{BucketARN: "arn:aws:s3:::audit"}
	if change != nil {
		change(d)
	}
	return Spec{DeliveryStreamName: "events", DeliveryStreamType: "DirectPut", ExtendedS3DestinationConfiguration: d}
}

func client(t *testing.T, s *Service) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

const uuidPattern = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`

func TestObjectsAreNamedAsFirehoseDoes(t *testing.T) {
	const suffix = `events-1-2026-12-31-23-15-30-` + uuidPattern
	for name, tc := range map[string]struct {
		change func(*S3Destination)
		want   string
	}{
		"default":       {nil, `2026/12/31/23/` + suffix},
		"static prefix": {func(d *S3Destination) { d.Prefix = "audit-" }, `audit-2026/12/31/23/` + suffix},
		"expressions": {func(d *S3Destination) {
			d.Prefix, d.ErrorOutputPrefix = "y=!{timestamp:yyyy}/m=!{timestamp:MM/'d='dd}/", "errors/!{firehose:error-output-type}/"
		}, `y=2026/m=12/d=31/` + suffix},
		"random": {func(d *S3Destination) {
			d.Prefix, d.ErrorOutputPrefix = "!{firehose:random-string}/", "errors/!{firehose:error-output-type}/"
		}, `[A-Za-z0-9]{11}/2026/12/31/23/` + suffix},
		"gzip":      {func(d *S3Destination) { d.CompressionFormat = "GZIP" }, `2026/12/31/23/` + suffix + `\.gz`},
		"extension": {func(d *S3Destination) { d.CompressionFormat, d.FileExtension = "GZIP", ".json.gz" }, `2026/12/31/23/` + suffix + `\.json\.gz`},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t)
			arn, err := f.CreateDeliveryStream(spec(tc.change))
			require.NoError(t, err)
			require.Equal(t, "arn:aws:firehose:us-east-1:000000000000:deliverystream/events", arn)
			require.NoError(t, f.Put(t.Context(), arn, [][]byte{[]byte("x")}))
			f.clock.Advance(time.Minute) // The name has the arrival of the oldest record.
			require.NoError(t, f.Flush(t.Context()))
			written := <-f.store.written
			require.Equal(t, "audit", written.bucket)
			require.Regexp(t, "^"+tc.want+"$", written.key)
		})
	}
}

func TestBuffersAreWrittenByAgeAndSize(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(func(d *S3Destination) {
		d.BufferingHints = BufferingHints{SizeInMBs: aws.Int(1), IntervalInSeconds: aws.Int(60)}
		d.ProcessingConfiguration = &ProcessingConfiguration{Enabled: true, Processors: []Processor{{Type: "AppendDelimiterToRecord",
			Parameters: []struct{ ParameterName, ParameterValue string }{{"Delimiter", `\n`}}}}}
	}))
	require.NoError(t, err)

	require.NoError(t, f.Put(t.Context(), "events", [][]byte{[]byte("a"), []byte("b")}))
	f.clock.Advance(59 * time.Second)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{[]byte("c")}))
	require.Empty(t, f.store.written)
	f.clock.Advance(time.Second)
	require.Equal(t, "a\nb\nc\n", string((<-f.store.written).body))

	big := bytes.Repeat([]byte("x"), 600<<10)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{big, big, []byte("rest")}))
	require.Len(t, (<-f.store.written).body, 2*len(big)+2)
	require.NoError(t, f.Flush(t.Context()))
	require.Equal(t, "rest\n", string((<-f.store.written).body))
}

func TestGzip(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(func(d *S3Destination) { d.CompressionFormat = "GZIP" }))
	require.NoError(t, err)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{[]byte("ab"), []byte("c")}))
	require.NoError(t, f.Flush(t.Context()))
	r, err := gzip.NewReader(bytes.NewReader((<-f.store.written).body))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "abc", string(plain))
}

func TestAFailedWriteIsTriedAgain(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(nil))
	require.NoError(t, err)
	f.store.failures = 2
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{[]byte("x")}))
	flushed := make(chan error, 1)
	go func() { flushed <- f.Flush(t.Context()) }()
	for _, wait := range []time.Duration{time.Second, 2 * time.Second} {
		<-f.store.failed
		f.clock.WaitForTimers(1) // The flush stopped the buffer's own timer: this one is the back-off.
		f.clock.Advance(wait - time.Nanosecond)
		require.Empty(t, f.store.written)
		f.clock.Advance(time.Nanosecond)
	}
	require.NoError(t, <-flushed)
	require.Equal(t, "x", string((<-f.store.written).body))
}

func TestPutsAreThrottledWhileTheBucketCannotBeWritten(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(func(d *S3Destination) {
		d.BufferingHints = BufferingHints{SizeInMBs: aws.Int(1), IntervalInSeconds: aws.Int(300)}
	}))
	require.NoError(t, err)
	f.store.failures = 1 << 30
	full := [][]byte{bytes.Repeat([]byte("x"), maxRecordBytes), bytes.Repeat([]byte("x"), 100<<10)}
	for range maxWaiting {
		require.NoError(t, f.Put(t.Context(), "events", full))
	}
	require.ErrorContains(t, f.Put(t.Context(), "events", full), "ServiceUnavailableException")

	out, err := client(t, f.Service).PutRecordBatch(t.Context(), &sdk.PutRecordBatchInput{
		DeliveryStreamName: aws.String("events"), Records: []types.Record{{Data: []byte("x")}, {Data: []byte("y")}},
	})
	require.NoError(t, err)
	require.Equal(t, int32(2), *out.FailedPutCount)
	require.Equal(t, "ServiceUnavailableException", *out.RequestResponses[1].ErrorCode)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, f.Flush(ctx), context.Canceled)
}

func TestProtocol(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(nil))
	require.NoError(t, err)
	c := client(t, f.Service)
	one, err := c.PutRecord(t.Context(), &sdk.PutRecordInput{DeliveryStreamName: aws.String("events"), Record: &types.Record{Data: []byte("1")}})
	require.NoError(t, err)
	require.Regexp(t, "^"+uuidPattern+"$", *one.RecordId)
	batch, err := c.PutRecordBatch(t.Context(), &sdk.PutRecordBatchInput{
		DeliveryStreamName: aws.String("events"), Records: []types.Record{{Data: []byte("2")}, {Data: []byte("3")}},
	})
	require.NoError(t, err)
	require.Zero(t, *batch.FailedPutCount)
	require.Len(t, batch.RequestResponses, 2)
	require.NoError(t, f.Flush(t.Context()))
	require.Equal(t, "123", string((<-f.store.written).body))

	described, err := c.DescribeDeliveryStream(t.Context(), &sdk.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("events")})
	require.NoError(t, err)
	require.Equal(t, types.DeliveryStreamStatusActive, described.DeliveryStreamDescription.DeliveryStreamStatus)
	require.Equal(t, start, described.DeliveryStreamDescription.CreateTimestamp.UTC())

	for name, tc := range map[string]struct {
		records []types.Record
		stream  string
		code    string
	}{
		"unknown stream": {[]types.Record{{Data: []byte("x")}}, "other", "ResourceNotFoundException"},
		"501 records":    {make501(), "events", "ValidationException"},
		"large record":   {[]types.Record{{Data: make([]byte, maxRecordBytes+1)}}, "events", "ValidationException"},
		"large batch":    {[]types.Record{big(), big(), big(), big(), big()}, "events", "InvalidArgumentException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.PutRecordBatch(t.Context(), &sdk.PutRecordBatchInput{DeliveryStreamName: aws.String(tc.stream), Records: tc.records})
			requireCode(t, err, tc.code)
		})
	}
	_, err = c.DeleteDeliveryStream(t.Context(), &sdk.DeleteDeliveryStreamInput{DeliveryStreamName: aws.String("events")})
	requireCode(t, err, "NotImplemented")

	require.NoError(t, f.faults.Arm(faults.Fault{Operation: "firehose:PutRecordBatch", When: faults.BeforeEffect, Code: "ServiceUnavailableException"}))
	require.Error(t, f.Put(t.Context(), "events", [][]byte{[]byte("x")}))
	require.NoError(t, f.Flush(t.Context()))
	require.Empty(t, f.store.written, "the effect did not happen")
}

func make501() []types.Record {
	records := make([]types.Record, maxBatchRecords+1)
	for i := range records {
		records[i].Data = []byte("x")
	}
	return records
}

func big() types.Record { return types.Record{Data: make([]byte, maxRecordBytes)} }

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
}

func TestRefusedByName(t *testing.T) {
	for name, tc := range map[string]struct{ destination, want string }{
		"no such bucket ARN":       {`{"BucketARN": "audit"}`, `BucketARN is "audit"`},
		"snappy":                   {`{"CompressionFormat": "Snappy"}`, "CompressionFormat Snappy"},
		"lambda":                   {`{"ProcessingConfiguration": {"Enabled": true, "Processors": [{"Type": "Lambda"}]}}`, "the processor Lambda"},
		"conversion":               {`{"DataFormatConversionConfiguration": {"Enabled": true}}`, "DataFormatConversionConfiguration"},
		"backup":                   {`{"S3BackupMode": "Enabled"}`, "S3BackupMode Enabled"},
		"time zone":                {`{"CustomTimeZone": "Asia/Tokyo"}`, "CustomTimeZone Asia/Tokyo"},
		"partition key":            {`{"Prefix": "!{partitionKeyFromQuery:a}/", "ErrorOutputPrefix": "e/!{firehose:error-output-type}"}`, "!{partitionKeyFromQuery:a}"},
		"week-based year":          {`{"Prefix": "!{timestamp:YYYY}/", "ErrorOutputPrefix": "e/!{firehose:error-output-type}"}`, "the timestamp field YYYY"},
		"error type in the prefix": {`{"Prefix": "!{firehose:error-output-type}/"}`, "may stand in ErrorOutputPrefix only"},
		"no error prefix":          {`{"Prefix": "!{timestamp:yyyy}/"}`, "ErrorOutputPrefix is needed"},
		"error prefix without it":  {`{"ErrorOutputPrefix": "!{timestamp:yyyy}/"}`, "must have !{firehose:error-output-type}"},
		"open expression":          {`{"Prefix": "!{timestamp:yyyy"}`, "is not an expression"},
		"size":                     {`{"BufferingHints": {"SizeInMBs": 129}}`, "BufferingHints.SizeInMBs is 129"},
		"interval":                 {`{"BufferingHints": {"IntervalInSeconds": 901}}`, "BufferingHints.IntervalInSeconds is 901"},
		"file extension":           {`{"FileExtension": "gz"}`, "must begin with a dot"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &S3Destination{BucketARN: "arn:aws:s3:::audit"}
			require.NoError(t, json.NewDecoder(strings.NewReader(tc.destination)).Decode(d))
			_, err := serve(t).CreateDeliveryStream(Spec{DeliveryStreamName: "events", ExtendedS3DestinationConfiguration: d})
			require.ErrorContains(t, err, "creating delivery stream events: ")
			require.ErrorContains(t, err, tc.want)
		})
	}
	f := serve(t)
	_, err := f.CreateDeliveryStream(Spec{DeliveryStreamName: "events", DeliveryStreamType: "KinesisStreamAsSource"})
	require.ErrorContains(t, err, "KinesisStreamAsSource")
	_, err = f.CreateDeliveryStream(Spec{DeliveryStreamName: "events"})
	require.ErrorContains(t, err, "a destination other than ExtendedS3DestinationConfiguration")
	_, err = f.CreateDeliveryStream(spec(nil))
	require.NoError(t, err)
	_, err = f.CreateDeliveryStream(spec(nil))
	require.ErrorContains(t, err, "ResourceInUseException")
}

func TestBackOff(t *testing.T) {
	for attempt, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1000: 5 * time.Minute} {
		require.Equal(t, want, backOff(attempt))
	}
}
