package firehose

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/conformance"
	"github.com/payrail/payrail/local/template"
)

// Where the cases are taken from.
const (
	reference    = "https://docs.aws.amazon.com/firehose/latest/APIReference/"
	prefixes     = "https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html"
	objectNames  = "https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html"
	partitions   = "https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html"
	buffering    = "https://docs.aws.amazon.com/firehose/latest/dev/buffering.html"
	failedWrites = "https://docs.aws.amazon.com/firehose/latest/dev/retry.html"
	bufferHints  = "https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html"
)

func call(t *testing.T, s http.Handler, operation, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "Firehose_20150804."+operation)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func encoded(size int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", size)))
}

func records(n, size int) string {
	return `{"DeliveryStreamName":"events","Records":[` + strings.TrimSuffix(strings.Repeat(`{"Data":"`+encoded(size)+`"},`, n), ",") + `]}`
}

func TestConformanceProtocol(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(nil))
	require.NoError(t, err)
	for i, tc := range []struct {
		source, operation, body string
		status                  int
		want                    string
	}{
		{reference + "API_PutRecord.html", "PutRecord", `{"DeliveryStreamName":"events","Record":{"Data":"eA=="}}`, 200, `"RecordId":"`},
		{reference + "API_PutRecord.html (a record may be empty)", "PutRecord", `{"DeliveryStreamName":"events","Record":{"Data":""}}`, 200, `"RecordId":"`},
		{reference + "API_PutRecord.html (1,000 KiB before base64)", "PutRecord", `{"DeliveryStreamName":"events","Record":{"Data":"` + encoded(1_024_000) + `"}}`, 200, `"RecordId":"`},
		{reference + "API_PutRecord.html", "PutRecord", `{"DeliveryStreamName":"events","Record":{"Data":"` + encoded(1_024_001) + `"}}`, 400, "Member must have length less than or equal to 1024000"},
		{reference + "API_PutRecord.html", "PutRecord", `{"DeliveryStreamName":"none","Record":{"Data":"eA=="}}`, 400, "ResourceNotFoundException"},
		{reference + "API_PutRecord.html (the name's pattern)", "PutRecord", `{"DeliveryStreamName":"arn:aws:firehose:us-east-1:000000000000:deliverystream/events","Record":{"Data":"eA=="}}`, 400, "ValidationException"},
		{reference + "API_PutRecordBatch.html", "PutRecordBatch", records(2, 1), 200, `"FailedPutCount":0`},
		{reference + "API_PutRecordBatch.html (500 records)", "PutRecordBatch", records(500, 1), 200, `"FailedPutCount":0`},
		{reference + "API_PutRecordBatch.html", "PutRecordBatch", records(501, 1), 400, "Member must have length less than or equal to 500"},
		{reference + "API_PutRecordBatch.html", "PutRecordBatch", `{"DeliveryStreamName":"events","Records":[]}`, 400, "Member must have length greater than or equal to 1"},
		{reference + "API_PutRecordBatch.html (4 MiB)", "PutRecordBatch", records(4, 1_024_000), 200, `"FailedPutCount":0`},
		{reference + "API_PutRecordBatch.html (4 MiB)", "PutRecordBatch", records(5, 1_024_000), 400, "InvalidArgumentException"},
		{reference + "API_DescribeDeliveryStream.html", "DescribeDeliveryStream", `{"DeliveryStreamName":"events"}`, 200, `"DeliveryStreamStatus":"ACTIVE"`},
		{reference + "API_DescribeDeliveryStream.html", "DescribeDeliveryStream", `{"DeliveryStreamName":"none"}`, 400, "ResourceNotFoundException"},
	} {
		status, body := call(t, f, tc.operation, tc.body)
		require.Equal(t, tc.status, status, "case %d, %s\n%.200s", i, tc.source, body)
		require.Contains(t, body, tc.want, "case %d, %s", i, tc.source)
	}
}

// A batch can fail in part although the call succeeds; the answers are in the order of the records. Source: API_PutRecordBatch.html.
func TestConformancePartialFailure(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(func(d *S3Destination) {
		d.BufferingHints = BufferingHints{SizeInMBs: aws.Int(1), IntervalInSeconds: aws.Int(300)}
	}))
	require.NoError(t, err)
	f.store.failures = 1 << 30
	status, body := call(t, f, "PutRecordBatch", records(4, 1_000_000))
	require.Equal(t, 200, status)
	for range maxWaiting - 1 { // Two records are more than a buffer.
		status, body = call(t, f, "PutRecordBatch", records(4, 1_000_000))
		require.Equal(t, 200, status, body)
	}
	var got putRecordBatchOutput
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Len(t, got.RequestResponses, 4)
	failedCount := 0
	for _, r := range got.RequestResponses {
		require.NotEqual(t, r.RecordId == "", r.ErrorCode == "", "an id or an error")
		if r.ErrorCode != "" {
			require.Equal(t, "ServiceUnavailableException", r.ErrorCode)
			failedCount++
		}
	}
	require.Equal(t, failedCount, got.FailedPutCount)
	require.Positive(t, failedCount)
}

func TestConformanceBuffering(t *testing.T) {
	for name, tc := range map[string]struct {
		source   string
		hints    BufferingHints
		size     int           // Of the one record put.
		after    time.Duration // When its object is written; 0 is at once.
		refused  bool
		changing func(*S3Destination)
	}{
		"300 s by default":       {source: bufferHints, size: 1, after: 300 * time.Second},
		"the interval":           {source: bufferHints, hints: BufferingHints{SizeInMBs: aws.Int(5), IntervalInSeconds: aws.Int(60)}, size: 1, after: time.Minute},
		"short of the size":      {source: bufferHints, hints: BufferingHints{SizeInMBs: aws.Int(1), IntervalInSeconds: aws.Int(300)}, size: maxRecordBytes, after: 300 * time.Second},
		"900 s":                  {source: bufferHints, hints: BufferingHints{SizeInMBs: aws.Int(5), IntervalInSeconds: aws.Int(900)}, size: 1, after: 900 * time.Second},
		"901 s":                  {source: bufferHints, hints: BufferingHints{SizeInMBs: aws.Int(5), IntervalInSeconds: aws.Int(901)}, refused: true},
		"128 MiB":                {source: bufferHints, hints: BufferingHints{SizeInMBs: aws.Int(128), IntervalInSeconds: aws.Int(300)}, size: 1, after: 300 * time.Second},
		"129 MiB":                {source: bufferHints, hints: BufferingHints{SizeInMBs: aws.Int(129), IntervalInSeconds: aws.Int(300)}, refused: true},
		"0 MiB":                  {source: bufferHints, hints: BufferingHints{SizeInMBs: aws.Int(0), IntervalInSeconds: aws.Int(300)}, refused: true},
		"a size alone":           {source: bufferHints, hints: BufferingHints{SizeInMBs: aws.Int(5)}, refused: true},
		"an interval alone":      {source: bufferHints, hints: BufferingHints{IntervalInSeconds: aws.Int(60)}, refused: true},
		"63 MiB with partitions": {source: partitions, refused: true, changing: func(d *S3Destination) { partitioned(detailTypeQuery)(d); d.BufferingHints.SizeInMBs = aws.Int(63) }},
		"no zero buffering of partitions": {source: buffering, refused: true, changing: func(d *S3Destination) {
			partitioned(detailTypeQuery)(d)
			d.BufferingHints.IntervalInSeconds = aws.Int(0)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t)
			_, err := f.CreateDeliveryStream(spec(func(d *S3Destination) {
				d.BufferingHints = tc.hints
				if tc.changing != nil {
					tc.changing(d)
				}
			}))
			if tc.refused {
				require.Error(t, err, tc.source)
				return
			}
			require.NoError(t, err, tc.source)
			require.NoError(t, f.Put(t.Context(), "events", [][]byte{[]byte(strings.Repeat("x", tc.size))}))
			f.clock.Advance(tc.after - time.Nanosecond)
			require.Empty(t, f.store.written, tc.source)
			f.clock.Advance(time.Nanosecond)
			require.Len(t, (<-f.store.written).body, tc.size, tc.source)
		})
	}
}

func TestConformancePrefixes(t *testing.T) {
	const name = `events-1-2026-12-31-23-15-30-` + uuidPattern
	for i, tc := range []struct{ source, prefix, errorPrefix, want string }{
		{objectNames + " (YYYY/MM/dd/HH is appended)", "", "", `2026/12/31/23/` + name},
		{prefixes + " (a prefix without expressions)", "invoices-", "", `invoices-2026/12/31/23/` + name},
		{prefixes + " (a prefix with a timestamp)", "fhprefix/!{timestamp:yyyy}/!{timestamp:MM}/", "err/!{firehose:error-output-type}/", `fhprefix/2026/12/` + name},
		{prefixes, "!{timestamp:'year='yyyy'/month='MM}/", "err/!{firehose:error-output-type}/", `year=2026/month=12/` + name},
		{prefixes + " (random-string has 11 characters)", "!{firehose:random-string}/", "err/!{firehose:error-output-type}/", `[A-Za-z0-9]{11}/2026/12/31/23/` + name},
		{prefixes + " (expressions need an ErrorOutputPrefix)", "!{timestamp:yyyy}/", "", ""},
		{prefixes + " (with error-output-type)", "!{timestamp:yyyy}/", "err/!{timestamp:yyyy}/", ""},
		{prefixes + " (error-output-type is not for Prefix)", "!{firehose:error-output-type}/", "err/!{firehose:error-output-type}/", ""},
		{partitions + " (keys are not for ErrorOutputPrefix)", "!{timestamp:yyyy}/", "!{partitionKeyFromQuery:a}/!{firehose:error-output-type}/", ""},
	} {
		f := serve(t)
		_, err := f.CreateDeliveryStream(spec(func(d *S3Destination) { d.Prefix, d.ErrorOutputPrefix = tc.prefix, tc.errorPrefix }))
		if tc.want == "" {
			require.Error(t, err, "case %d, %s", i, tc.source)
			continue
		}
		require.NoError(t, err, "case %d, %s", i, tc.source)
		require.NoError(t, f.Put(t.Context(), "events", [][]byte{[]byte("x")}))
		require.NoError(t, f.Flush(t.Context()))
		require.Regexp(t, "^"+tc.want+"$", (<-f.store.written).key, "case %d, %s", i, tc.source)
	}
}

// "If Firehose cannot deliver the data in a partition to a destination, this partition is counted as active in the delivery buffer
// until it can be delivered." Source: buffering.
func TestConformanceUndeliveredPartitionsStayActive(t *testing.T) {
	f := serve(t)
	f.store.written = make(chan object, maxActivePartitions+2)
	_, err := f.CreateDeliveryStream(spec(partitioned(detailTypeQuery)))
	require.NoError(t, err)
	f.store.mu.Lock() // Nothing can be written for now.
	for i := range maxActivePartitions {
		require.NoError(t, f.Put(t.Context(), "events", [][]byte{event(fmt.Sprint("kind ", i), i)}))
	}
	f.clock.Advance(time.Minute)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("one more", 500), event("kind 7", 501)}))
	f.store.mu.Unlock()
	require.NoError(t, f.Flush(t.Context()))
	written := map[string]bool{}
	for len(f.store.written) > 0 { // The flush has waited for all of them.
		o := <-f.store.written
		written[o.key[:strings.LastIndexByte(o.key, '/')+1]] = true
	}
	require.True(t, written["errors/activePartitionExceeded/2026-12-31/"], "a further partition")
	require.False(t, written["events/date=2026-12-31/detail-type=one more/"])
	require.Len(t, written, maxActivePartitions+1)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("one more", 502)}))
	require.NoError(t, f.Flush(t.Context()))
	require.Contains(t, (<-f.store.written).key, "detail-type=one more/")
}

// Firehose retries for up to 24 hours to write to S3, then the data is lost. Source: failedWrites.
func TestConformanceWritesAreTriedForADay(t *testing.T) {
	const step = 5 * time.Minute // The longest back-off, so that each step is one attempt.
	for name, written := range map[string]bool{"back in time": true, "back too late": false} {
		t.Run(name, func(t *testing.T) {
			f := serve(t)
			_, err := f.CreateDeliveryStream(spec(nil))
			require.NoError(t, err)
			f.store.failures = 1 << 30
			require.NoError(t, f.Put(t.Context(), "events", [][]byte{[]byte("x")}))
			flushed := make(chan error, 1)
			go func() { flushed <- f.Flush(t.Context()) }()
			for passed := step; passed <= deliveryDeadline; passed += step {
				<-f.store.failed
				f.clock.WaitForTimers(1)
				if written && passed == deliveryDeadline {
					f.store.mu.Lock()
					f.store.failures = 0
					f.store.mu.Unlock()
				}
				f.clock.Advance(step)
			}
			require.Equal(t, written, <-flushed == nil)
			require.Len(t, f.store.written, map[bool]int{true: 1}[written])
		})
	}
}

// Every refusal that the reference page lists for Firehose is a clear error that names it.
func TestRefusals(t *testing.T) {
	partitionedWith := func(query string) string {
		return `{"Prefix":"!{partitionKeyFromQuery:a}/!{timestamp:yyyy}/","ErrorOutputPrefix":"e/!{firehose:error-output-type}/!{timestamp:yyyy}/","BufferingHints":{"SizeInMBs":64,"IntervalInSeconds":60},` +
			`"DynamicPartitioningConfiguration":{"Enabled":true},"ProcessingConfiguration":{"Enabled":true,"Processors":[{"Type":"MetadataExtraction","Parameters":[` +
			`{"ParameterName":"MetadataExtractionQuery","ParameterValue":"` + query + `"},{"ParameterName":"JsonParsingEngine","ParameterValue":"JQ-1.6"}]}]}}`
	}
	// Members of the destination, by what the error must name.
	destinations := map[string]map[string]string{
		"format conversion": {"DataFormatConversionConfiguration": `{"DataFormatConversionConfiguration":{"Enabled":true}}`},
		"backup":            {"S3BackupMode": `{"S3BackupMode":"Enabled"}`},
		"time zones":        {"CustomTimeZone": `{"CustomTimeZone":"Asia/Tokyo"}`},
		"processors other than the delimiter and `MetadataExtraction`": {
			"the processor Lambda":              `{"ProcessingConfiguration":{"Enabled":true,"Processors":[{"Type":"Lambda"}]}}`,
			"the processor Decompression":       `{"ProcessingConfiguration":{"Enabled":true,"Processors":[{"Type":"Decompression"}]}}`,
			"the processor RecordDeAggregation": `{"ProcessingConfiguration":{"Enabled":true,"Processors":[{"Type":"RecordDeAggregation"}]}}`,
		},
		"every other jq": {
			"the jq query .a":                 partitionedWith(".a"),
			"the jq query {a: (.a // 1)}":     partitionedWith("{a: (.a // 1)}"),
			"the jq query {a: .b | tostring}": partitionedWith("{a: .b | tostring}"),
		},
		"retry options": {"RetryOptions": `{"DynamicPartitioningConfiguration":{"Enabled":true,"RetryOptions":{"DurationInSeconds":300}}}`},
		"compression other than GZIP": {
			"CompressionFormat Snappy":        `{"CompressionFormat":"Snappy"}`,
			"CompressionFormat ZIP":           `{"CompressionFormat":"ZIP"}`,
			"CompressionFormat HADOOP_SNAPPY": `{"CompressionFormat":"HADOOP_SNAPPY"}`,
		},
	}
	// Whole streams.
	streams := map[string]map[string]string{
		"sources other than direct put": {"DeliveryStreamType KinesisStreamAsSource": `{"DeliveryStreamName":"s","DeliveryStreamType":"KinesisStreamAsSource"}`},
		"other destinations":            {"RedshiftDestinationConfiguration": `{"DeliveryStreamName":"s","RedshiftDestinationConfiguration":{}}`, "a destination other than ExtendedS3DestinationConfiguration": `{"DeliveryStreamName":"s"}`},
	}
	operations := map[string][]string{"streams through the API": {"CreateDeliveryStream", "DeleteDeliveryStream", "UpdateDestination", "ListDeliveryStreams"}}
	listed := slices.Concat(slices.Collect(maps.Keys(destinations)), slices.Collect(maps.Keys(streams)), slices.Collect(maps.Keys(operations)))
	require.ElementsMatch(t, conformance.Refusals(t, "Firehose"), listed, "the page and this test list the same refusals")

	// create makes a stream of a template's properties, as the runtime does.
	create := func(properties map[string]any) error {
		var s Spec
		if err := template.Decode(properties, &s); err != nil {
			return err
		}
		_, err := serve(t).CreateDeliveryStream(s)
		return err
	}
	for name, cases := range destinations {
		for named, text := range cases {
			destination := properties(t, text)
			destination["BucketARN"] = "arn:aws:s3:::audit"
			require.ErrorContains(t, create(map[string]any{"DeliveryStreamName": "s", "ExtendedS3DestinationConfiguration": destination}), named, name)
		}
	}
	for name, cases := range streams {
		for named, text := range cases {
			require.ErrorContains(t, create(properties(t, text)), named, name)
		}
	}
	for name, refused := range operations {
		for _, operation := range refused {
			status, body := call(t, serve(t), operation, `{}`)
			require.Equal(t, 501, status, name)
			require.Contains(t, body, operation, name)
		}
	}
}

// properties reads a part of a template as the template's reader does: numbers stay as they are written.
func properties(t *testing.T, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var found map[string]any
	require.NoError(t, decoder.Decode(&found))
	return found
}
