package firehose

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

type parameter = struct{ ParameterName, ParameterValue string }

func partitioned(query string) func(*S3Destination) {
	return func(d *S3Destination) {
		d.Prefix = "events/date=!{timestamp:yyyy-MM-dd}/detail-type=!{partitionKeyFromQuery:detailType}/"
		d.ErrorOutputPrefix = "errors/!{firehose:error-output-type}/!{timestamp:yyyy-MM-dd}/"
		d.CompressionFormat = "GZIP"
		d.BufferingHints = BufferingHints{SizeInMBs: aws.Int(64), IntervalInSeconds: aws.Int(60)}
		d.DynamicPartitioningConfiguration = &Switch{Enabled: true}
		d.ProcessingConfiguration = &ProcessingConfiguration{Enabled: true, Processors: []Processor{
			{Type: "MetadataExtraction", Parameters: []parameter{{"MetadataExtractionQuery", query}, {"JsonParsingEngine", "JQ-1.6"}}},
			{Type: "AppendDelimiterToRecord", Parameters: []parameter{{"Delimiter", `\n`}}},
		}}
	}
}

const detailTypeQuery = `{detailType: ."detail-type"}`

func unzipped(t *testing.T, body []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(body))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(plain)
}

// objects takes n written objects: their text by the folder of their key.
func (f fixture) objects(t *testing.T, n int) map[string]string {
	t.Helper()
	found := map[string]string{}
	for range n {
		o := <-f.store.written
		folder := o.key[:strings.LastIndexByte(o.key, '/')+1]
		require.Regexp(t, `^events-1-2026-12-31-23-[0-9-]+-`+uuidPattern+`\.gz$|^events-1-2027-01-01-00-[0-9-]+-`+uuidPattern+`\.gz$`, o.key[len(folder):])
		require.NotContains(t, found, folder)
		found[folder] = unzipped(t, o.body)
	}
	require.Empty(t, f.store.written)
	return found
}

func event(detailType string, n int) []byte {
	return fmt.Appendf(nil, `{"detail-type":%q,"n":%d}`, detailType, n)
}

func TestEachPartitionHasItsBufferAndInterval(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(partitioned(detailTypeQuery)))
	require.NoError(t, err)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("A", 1), event("B", 2), event("A", 3)}))
	f.clock.Advance(30 * time.Second)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("C", 4)}))
	f.clock.Advance(30 * time.Second)
	require.Equal(t, map[string]string{
		"events/date=2026-12-31/detail-type=A/": "{\"detail-type\":\"A\",\"n\":1}\n{\"detail-type\":\"A\",\"n\":3}\n",
		"events/date=2026-12-31/detail-type=B/": "{\"detail-type\":\"B\",\"n\":2}\n",
	}, f.objects(t, 2))
	f.clock.Advance(30 * time.Second)
	require.Equal(t, map[string]string{"events/date=2026-12-31/detail-type=C/": "{\"detail-type\":\"C\",\"n\":4}\n"}, f.objects(t, 1))
}

// The prefix is evaluated for each record: what arrives after midnight is not in the partition of the day before.
func TestMidnightStartsAPartition(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(partitioned(detailTypeQuery)))
	require.NoError(t, err)
	f.clock.Advance(44*time.Minute + 29*time.Second)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("A", 1)}))
	f.clock.Advance(time.Second)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("A", 2)}))
	require.NoError(t, f.Flush(t.Context()))
	require.Equal(t, map[string]string{
		"events/date=2026-12-31/detail-type=A/": "{\"detail-type\":\"A\",\"n\":1}\n",
		"events/date=2027-01-01/detail-type=A/": "{\"detail-type\":\"A\",\"n\":2}\n",
	}, f.objects(t, 2))
}

func TestRecordsWithoutTheirKeyGoToTheErrors(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(partitioned(detailTypeQuery)))
	require.NoError(t, err)
	const noJSON, noKey = "Non JSON record provided", "partitionKeys values must not be null or empty"
	damaged := []struct{ record, message string }{
		{`not JSON`, noJSON}, {`{"detail-type":"A"}{"detail-type":"B"}`, noJSON}, {`["A"]`, noJSON},
		{`{}`, noKey}, {`{"detail-type":null}`, noKey}, {`{"detail-type":""}`, noKey}, {`{"detail-type":{"a":1}}`, noKey}, {`{"detail-type":1.50}`, noKey},
	}
	records := [][]byte{event("A", 1)}
	for _, d := range damaged {
		records = append(records, []byte(d.record))
	}
	require.NoError(t, f.Put(t.Context(), "events", records))
	require.NoError(t, f.Flush(t.Context()))
	objects := f.objects(t, 2)
	require.Equal(t, "{\"detail-type\":\"A\",\"n\":1}\n", objects["events/date=2026-12-31/detail-type=A/"])
	lines := strings.Split(strings.TrimSuffix(objects["errors/metadata-extraction-failed/2026-12-31/"], "\n"), "\n")
	require.Len(t, lines, len(damaged))
	for i, d := range damaged {
		var got errorRecord
		require.NoError(t, json.Unmarshal([]byte(lines[i]), &got))
		require.Equal(t, errorRecord{AttemptsMade: 1, ArrivalTimestamp: start.UnixMilli(), ErrorCode: "DynamicPartitioning.MetadataExtractionFailed",
			ErrorMessage: d.message, AttemptEndingTimestamp: start.UnixMilli(), RawData: []byte(d.record)}, got, d.record)
	}
}

func TestKeysAreTakenFromAnyDepth(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(func(d *S3Destination) {
		partitioned(`{ day : .detail."occurred, at".day, kind:."detail-type" }`)(d)
		d.Prefix = "!{partitionKeyFromQuery:kind}/!{partitionKeyFromQuery:day}/!{timestamp:yyyy}/"
	}))
	require.NoError(t, err)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{[]byte(`{"detail-type":"A b","detail":{"occurred, at":{"day":20261231}}}`)}))
	require.NoError(t, f.Flush(t.Context()))
	require.Contains(t, f.objects(t, 1), "A b/20261231/2026/")
}

func TestAStreamHas500ActivePartitions(t *testing.T) {
	f := serve(t)
	f.store.written = make(chan object, maxActivePartitions+2)
	_, err := f.CreateDeliveryStream(spec(partitioned(detailTypeQuery)))
	require.NoError(t, err)
	for i := range maxActivePartitions + 1 {
		require.NoError(t, f.Put(t.Context(), "events", [][]byte{event(fmt.Sprint("kind ", i), i)}))
	}
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("kind 0", 501)}), "an active partition takes more")
	require.NoError(t, f.Flush(t.Context()))
	objects := f.objects(t, maxActivePartitions+1)
	require.Equal(t, 2, strings.Count(objects["events/date=2026-12-31/detail-type=kind 0/"], "\n"))
	var got errorRecord
	require.NoError(t, json.Unmarshal([]byte(objects["errors/activePartitionExceeded/2026-12-31/"]), &got))
	require.Equal(t, "DynamicPartitioning.ActivePartitionsLimitExceeded", got.ErrorCode)
	require.Equal(t, event("kind 500", 500), got.RawData)

	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("kind 500", 502)}), "written partitions are not active any more")
	require.NoError(t, f.Flush(t.Context()))
	require.Contains(t, f.objects(t, 1), "events/date=2026-12-31/detail-type=kind 500/")
}

// Many small buffers that end at once are no reason to throttle.
func TestManySmallPartitionsDoNotThrottle(t *testing.T) {
	f := serve(t)
	_, err := f.CreateDeliveryStream(spec(partitioned(detailTypeQuery)))
	require.NoError(t, err)
	f.store.mu.Lock() // Nothing can be written for now.
	for i := range 10 * maxWaiting {
		require.NoError(t, f.Put(t.Context(), "events", [][]byte{event(fmt.Sprint("kind ", i), i)}))
	}
	f.clock.Advance(time.Minute)
	require.NoError(t, f.Put(t.Context(), "events", [][]byte{event("one more", 0)}))
	f.store.mu.Unlock()
	require.NoError(t, f.Flush(t.Context()))
	require.Len(t, f.objects(t, 10*maxWaiting+1), 10*maxWaiting+1)
}

func TestPartitioningIsRefusedByName(t *testing.T) {
	set := func(change func(*S3Destination)) func(*S3Destination) {
		return func(d *S3Destination) {
			partitioned(detailTypeQuery)(d)
			change(d)
		}
	}
	for name, tc := range map[string]struct {
		change func(*S3Destination)
		want   string
	}{
		"switched off":      {set(func(d *S3Destination) { d.DynamicPartitioningConfiguration = nil }), "needs DynamicPartitioningConfiguration.Enabled"},
		"small buffer":      {set(func(d *S3Destination) { d.BufferingHints.SizeInMBs = aws.Int(63) }), "BufferingHints.SizeInMBs must be at least 64"},
		"short interval":    {set(func(d *S3Destination) { d.BufferingHints.IntervalInSeconds = aws.Int(59) }), "BufferingHints.IntervalInSeconds must be at least 60"},
		"no error prefix":   {set(func(d *S3Destination) { d.ErrorOutputPrefix = "" }), "ErrorOutputPrefix is needed"},
		"static errors":     {set(func(d *S3Destination) { d.ErrorOutputPrefix = "errors/" }), "ErrorOutputPrefix without"},
		"no timestamp":      {set(func(d *S3Destination) { d.Prefix = "!{partitionKeyFromQuery:detailType}/" }), "a Prefix that has no !{timestamp"},
		"unused key":        {partitioned(`{detailType: ."detail-type", other: .source}`), "the partition key other"},
		"unknown key":       {partitioned(`{kind: ."detail-type"}`), "the partition key kind"},
		"key of nothing":    {set(func(d *S3Destination) { d.Prefix += "!{partitionKeyFromQuery:x}/" }), "!{partitionKeyFromQuery:x}, a key that no MetadataExtraction gives"},
		"key in the errors": {set(func(d *S3Destination) { d.ErrorOutputPrefix += "!{partitionKeyFromQuery:detailType}" }), "may stand in Prefix only"},
		"key of a function": {set(func(d *S3Destination) { d.Prefix += "!{partitionKeyFromLambda:x}/" }), "the expression !{partitionKeyFromLambda:x}"},
		"no processor":      {set(func(d *S3Destination) { d.ProcessingConfiguration = nil; d.Prefix = "!{timestamp:yyyy}/" }), "needs the processor MetadataExtraction"},
		"another engine": {set(func(d *S3Destination) {
			d.ProcessingConfiguration.Processors[0].Parameters[1].ParameterValue = "JQ-1.5"
		}), `JsonParsingEngine of MetadataExtraction is "JQ-1.5"`},
		"another parameter": {set(func(d *S3Destination) {
			d.ProcessingConfiguration.Processors[0].Parameters[1].ParameterName = "SubRecordType"
		}), "the parameter SubRecordType"},
		"no object":      {partitioned(`."detail-type"`), "the jq query"},
		"a filter":       {partitioned(`{detailType: ."detail-type" | ascii_downcase}`), "ascii_downcase"},
		"an alternative": {partitioned(`{detailType: (."detail-type" // "none")}`), "the jq query"},
		"an index":       {partitioned(`{detailType: .resources[0]}`), "the jq query"},
		"the shorthand":  {partitioned(`{detailType}`), "the jq query"},
		"nothing":        {partitioned(`{}`), "the jq query"},
		"a key twice":    {partitioned(`{detailType: .a, detailType: .b}`), "the key detailType twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t).CreateDeliveryStream(spec(tc.change))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func BenchmarkPartitionedPut(b *testing.B) {
	q, err := parseQuery(detailTypeQuery)
	require.NoError(b, err)
	record := fmt.Appendf(nil, `{"version":"0","id":"1","detail-type":"TransactionPosted","detail":{"metadata":{},"data":%q}}`, strings.Repeat("x", 2000))
	for b.Loop() {
		if _, err := q.extract(record); err != nil {
			b.Fatal(err)
		}
	}
}
