package test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/local"
)

// testNumbers are all card numbers that the test, the examples or their reference data put in.
var testNumbers = []string{aliceCard, bobCard, nobodysCard, "378282246310005", "4012888888881881", "5105105105105100", "30569309025904", "6011111111111117", "3530111333300000"}

// encodings are the ways to write a card number that the search knows: text, or bytes where it is packed.
func encodings(number string) map[string]string {
	dashes, spaces := grouped(number, "-"), grouped(number, " ")
	written := map[string]string{
		"plain": number, "dashes": dashes, "spaces": spaces,
		"URL":              url.QueryEscape(spaces),
		"URL path":         url.PathEscape(spaces),
		"hexadecimal":      hex.EncodeToString([]byte(number)),
		"packed":           string(packed(number)),
		"split in strings": strings.Join(split(number), `","`),
		"split in lines":   strings.Join(split(number), "\n"),
		"dots":             grouped(number, "."),
		"full width":       shifted(number, '\uff10'),
		"JSON's escapes":   escaped(number, `\u003`), "the same, in JSON": escaped(number, `\\u003`),
		"XML's references": escaped(number, "&#x3"), "the same, closed": escaped(number, ";&#x3")[1:],
		"packed, filled": string(filled(number)),
	}
	for shift, lead := range []string{"", "x", "xx"} {
		for name, plain := range map[string]string{"number": number, "dashes": dashes, "packed": string(packed(number)), "packed, filled": string(filled(number)),
			"hexadecimal": hex.EncodeToString([]byte(number)), "base64": base64.StdEncoding.EncodeToString([]byte(number))} {
			// The characters at both ends depend on what stands beside the number: only those between are the number's own.
			whole := base64.StdEncoding.EncodeToString([]byte(lead + plain))
			from, to := (shift*8+5)/6, (shift+len(plain))*8/6
			written[fmt.Sprintf("base64 of %s, alignment %d", name, shift)] = whole[from:to]
		}
	}
	return written
}

func grouped(number, separator string) string { return strings.Join(split(number), separator) }

func split(number string) []string {
	var parts []string
	for len(number) > 4 {
		parts = append(parts, number[:4])
		number = number[4:]
	}
	return append(parts, number)
}

// packed is a number in binary-coded decimal, padded in front.
func packed(number string) []byte {
	b, err := hex.DecodeString(strings.Repeat("0", len(number)%2) + number)
	if err != nil {
		panic(err) // Numbers are digits.
	}
	return b
}

// filled is a number in binary-coded decimal with its filler behind, as on a chip.
func filled(number string) []byte {
	b, err := hex.DecodeString(number + strings.Repeat("f", len(number)%2))
	if err != nil {
		panic(err) // Numbers are digits.
	}
	return b
}

func shifted(number string, zero rune) string {
	return strings.Map(func(c rune) rune { return c - '0' + zero }, number)
}

// escaped writes every digit as an escape that ends in the digit.
func escaped(number, escape string) string {
	return escape + strings.Join(strings.Split(number, ""), escape)
}

// Sensitive authentication data that the test puts in, in hexadecimal digits that occur nowhere else.
const (
	testPINBlock = "C0FFEE0DDBA11C0D"
	testTrack    = "B1A5ED0FF1CE2708"
	sensitive    = "sensitive authentication data"
)

// traces names every card number and encoding found in data.
func traces(data []byte) []string {
	var found []string
	for _, number := range testNumbers {
		for name, text := range encodings(number) {
			if bytes.Contains(data, []byte(text)) || (name == "hexadecimal" && bytes.Contains(bytes.ToLower(data), []byte(text))) {
				found = append(found, number[:6]+"… "+name)
			}
		}
	}
	for _, secret := range []string{testPINBlock, testTrack} {
		if bytes.Contains(bytes.ToUpper(data), []byte(secret)) {
			found = append(found, sensitive)
		}
	}
	slices.Sort(found)
	return found
}

func TestTheSearchFindsEveryEncoding(t *testing.T) {
	for _, number := range testNumbers {
		for name, text := range map[string]string{
			"plain": number, "dashes": grouped(number, "-"), "spaces": grouped(number, " "), "URL": url.QueryEscape(grouped(number, " ")),
			"base64": base64.StdEncoding.EncodeToString([]byte(number)), "base64, second": base64.StdEncoding.EncodeToString([]byte("a" + number + "z")),
			"base64, third": base64.URLEncoding.EncodeToString([]byte("ab" + number + "yz")), "base64 of JSON": base64.StdEncoding.EncodeToString([]byte(`{"pan":"` + grouped(number, "-") + `"}`)),
			"hexadecimal": strings.ToUpper(hex.EncodeToString([]byte(number))), "BCD": string(packed(number)), "BCD in base64": base64.StdEncoding.EncodeToString(append([]byte{7}, packed(number)...)),
			"split JSON": string(mustJSON(t, split(number))), "dots": grouped(number, "."), "full width": shifted(number, '\uff10'),
			"base64 of hexadecimal": base64.StdEncoding.EncodeToString([]byte("a" + hex.EncodeToString([]byte(number)))), "chip": string(filled(number)),
			"escapes": string(mustJSON(t, escaped(number, `\u003`))),
		} {
			require.NotEmpty(t, traces([]byte("…"+text+"…")), "%s %s", number, name)
		}
	}
	require.Equal(t, []string{sensitive}, traces([]byte("pin "+strings.ToLower(testPINBlock))))
	require.Empty(t, traces([]byte("4111111111111112 411111 1111 tok_v1_XMYSAOFQRTVHDBOVPJUHSBK3WF 411111******1111")))
}

// everything collects what the system holds, piece by piece, and where it found a card number.
type everything struct {
	pieces map[string]int // By kind of place.
	found  map[string][]string
}

func (e *everything) look(kind, place string, data []byte) {
	e.pieces[kind]++
	if traces := traces(data); len(traces) > 0 {
		e.found[kind+" "+place] = append(e.found[kind+" "+place], traces...)
	}
}

// recorder keeps all that was logged, printed and told.
type recorder struct {
	mu    sync.Mutex
	lines map[string][]string
}

func (r *recorder) line(kind, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines[kind] = append(r.lines[kind], text)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.line("runtime log", string(p))
	return len(p), nil
}

// A card number or sensitive authentication data that an upstream system writes by mistake, in whatever field and encoding, is found nowhere but in quarantine
// and, for a day, in the stream of the table it was written to.
func TestCardNumbersAreNowhere(t *testing.T) {
	recorded := &recorder{lines: map[string][]string{}}
	s := startWith(t, func(o *local.Options) {
		o.Logger = slog.New(slog.NewTextHandler(recorded, nil))
		o.FunctionOutput = func(function, line string) { recorded.line("function output", function+" "+line) }
		o.OperatorNotice = func(subject, message string) { recorded.line("operator notice", subject+" "+message) }
	})
	for _, arguments := range [][]string{{"smoke", repository(t, "examples")}, {"trace", "auth-09-card-number-in-merchant-name"}} {
		stdout, stderr, status := s.payrail(t, arguments...)
		require.Zero(t, status, stderr)
		recorded.line("command output", stdout)
		recorded.line("command output", stderr)
	}
	quarantined := s.objectCount(t, "QuarantineBucket")
	spoiled := spoiledItems(t)
	for _, i := range spoiled {
		s.put(t, i)
	}
	s.awaitQuarantined(t, spoiled)
	eventually(t, "all are in quarantine", func() bool {
		return s.objectCount(t, "QuarantineBucket") >= quarantined+len(spoiled)
	})
	s.awaitScrubbed(t)
	require.NoError(t, s.FlushAudit(t.Context()))

	e := &everything{pieces: map[string]int{}, found: map[string][]string{}}
	s.lookAtTables(t, e)
	s.lookAtStreams(t, e)
	s.lookAtBuckets(t, e)
	s.lookAtQueues(t, e)
	require.NoError(t, s.ArchivedEvents(s.outputs["ArchiveName"], func(envelope []byte) bool {
		e.look("archive", s.outputs["ArchiveName"], envelope)
		return true
	}))
	recorded.mu.Lock()
	for kind, lines := range recorded.lines {
		for _, line := range lines {
			e.look(kind, "", []byte(line))
		}
	}
	recorded.mu.Unlock()

	// The runtime's own log is searched too, but a run without trouble leaves it empty.
	for _, kind := range []string{"table", "stream", "key", "object", "queue", "archive", "function output", "operator notice", "command output"} {
		require.NotZero(t, e.pieces[kind], "nothing was searched: %s", kind)
	}
	t.Logf("searched: %v", e.pieces)
	require.NotEmpty(t, e.found["object "+s.outputs["QuarantineBucket"]], "the search finds what is there")
	require.NotContains(t, e.found["object "+s.outputs["QuarantineBucket"]], sensitive, "it may not be kept in quarantine either")
	require.Contains(t, e.found["stream "+s.outputs["AuthorizationsTable"]], sensitive, "the search finds what is there")
	delete(e.found, "object "+s.outputs["QuarantineBucket"])
	delete(e.found, "stream "+s.outputs["AuthorizationsTable"])
	require.Empty(t, e.found)
}

// spoiledItems are authorizations with card data where none may be, in every field and encoding an item can carry it.
func spoiledItems(t *testing.T) []map[string]types.AttributeValue {
	t.Helper()
	const pan = aliceCard
	encoded := base64.StdEncoding.EncodeToString
	var items []map[string]types.AttributeValue
	add := func(changes map[string]types.AttributeValue) {
		items = append(items, item(t, 700000+len(items), bobCard, changes))
	}
	for _, written := range []string{
		pan, "card " + grouped(pan, "-"), grouped(pan, " ") + " thanks", url.QueryEscape(grouped(pan, " ")), url.PathEscape(grouped(pan, " ")),
		encoded([]byte(pan)), encoded([]byte("x" + pan)), encoded([]byte("xx" + pan)), base64.URLEncoding.EncodeToString([]byte(grouped(pan, "-"))),
		hex.EncodeToString([]byte(pan)), hex.EncodeToString(packed(pan)), `{"pan":"` + pan + `"}`,
		grouped(pan, "."), grouped(pan, `","`), shifted(pan, '\uff10'), escaped(pan, `\u003`), escaped(pan, "&#x3"), escaped(pan, ";&#x3") + ";",
		encoded(packed(pan)), encoded([]byte(hex.EncodeToString([]byte(pan)))), hex.EncodeToString([]byte(encoded([]byte(pan)))),
	} {
		add(map[string]types.AttributeValue{"merchantName": text(written)})
		add(map[string]types.AttributeValue{"anything": text(written)})
	}
	for _, field := range []string{
		"mti", "processingCode", "panLast4", "bin", "transactionCurrency", "billingCurrency", "settlementCurrency", "conversionRate", "stan", "acquirerId",
		"transmittedAt", "localDate", "localTime", "settlementDate", "rrn", "authCode", "responseCode", "lifecycleId", "mcc", "merchantCity", "merchantCountry",
		"merchantId", "terminalId", "acquirerCountry", "issuerCountry", "posEntryMode", "posCondition", "panSequence", "forwarderId", "acquirerFee",
	} {
		add(map[string]types.AttributeValue{field: text(pan)})
	}
	for _, amount := range []string{"transactionAmount", "billingAmount", "settlementAmount", "replacementAmount"} {
		add(map[string]types.AttributeValue{amount: number(pan)})
	}
	add(map[string]types.AttributeValue{"merchantCity": text(pan), "note": text("again " + grouped(pan, "-"))})
	add(map[string]types.AttributeValue{"remark": text(bobCard)})
	for _, raw := range [][]byte{[]byte("pan=" + pan), packed(pan), filled("378282246310005"), append([]byte{0x5a, 0x08}, packed(pan)...)} {
		add(map[string]types.AttributeValue{"raw": &types.AttributeValueMemberB{Value: raw}})
	}
	add(map[string]types.AttributeValue{"number": number(pan)})
	list := &types.AttributeValueMemberL{}
	for _, part := range split(pan) {
		list.Value = append(list.Value, text(part))
	}
	entries := func(name string, value types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{name: value}}
	}
	add(map[string]types.AttributeValue{"nested": entries("list", &types.AttributeValueMemberL{Value: []types.AttributeValue{text("none"), text(encoded([]byte(pan)))}})})
	add(map[string]types.AttributeValue{"nested": entries("parts", list)})
	add(map[string]types.AttributeValue{"original": entries("stan", text(pan))})
	add(map[string]types.AttributeValue{"nested": entries(pan, text("the name is the number"))})
	add(map[string]types.AttributeValue{"panToken": text(pan)})
	add(map[string]types.AttributeValue{"field " + pan: text("the name is the number")})
	add(map[string]types.AttributeValue{"authorizationId": text("auth-" + pan)})

	add(map[string]types.AttributeValue{"pinBlock": text(testPINBlock)})
	add(map[string]types.AttributeValue{"DE52": text(testPINBlock), "merchantName": text(pan)})
	add(map[string]types.AttributeValue{"merchantName": text("ACME track2=" + testTrack)})
	add(map[string]types.AttributeValue{"nested": entries("track_2", text(testTrack))})
	add(map[string]types.AttributeValue{"note": text(`{"icc":"` + testTrack + `"}`)})
	return items
}

func (s *system) objectCount(t *testing.T, bucket string) int {
	t.Helper()
	out, err := awsconfig.S3(s.aws).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(s.outputs[bucket])})
	require.NoError(t, err)
	require.False(t, aws.ToBool(out.IsTruncated))
	return len(out.Contents)
}

// awaitQuarantined waits until no item is approved any more; those that were not quarantined are named with their attributes.
func (s *system) awaitQuarantined(t *testing.T, items []map[string]types.AttributeValue) {
	t.Helper()
	var approved []string
	defer func() {
		if t.Failed() {
			t.Log("still approved: ", approved)
		}
	}()
	eventually(t, "no item is approved", func() bool {
		approved = nil
		for n, i := range items {
			got, err := s.dynamodb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(s.outputs["AuthorizationsTable"]),
				Key: map[string]types.AttributeValue{"authorizationId": i["authorizationId"]}, ConsistentRead: aws.Bool(true)})
			require.NoError(t, err)
			if status, ok := got.Item["status"].(*types.AttributeValueMemberS); ok && status.Value == "APPROVED" {
				approved = append(approved, fmt.Sprintf("%d: %s", n, flat(i)))
			}
		}
		return len(approved) == 0
	})
}

// awaitScrubbed waits until no item of the table that the authorizer writes holds a card number: the scrub follows quarantine.
func (s *system) awaitScrubbed(t *testing.T) {
	t.Helper()
	eventually(t, "the upstream items are scrubbed", func() bool {
		e := &everything{pieces: map[string]int{}, found: map[string][]string{}}
		s.lookAtTable(t, e, s.outputs["AuthorizationsTable"])
		return len(e.found) == 0
	})
}

// flat writes an item so that every encoding of its parts can be searched: binary as it is, text without JSON's escapes.
func flat(item map[string]types.AttributeValue) []byte {
	var b bytes.Buffer
	var write func(types.AttributeValue)
	write = func(value types.AttributeValue) {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			b.WriteString(v.Value)
		case *types.AttributeValueMemberN:
			b.WriteString(v.Value)
		case *types.AttributeValueMemberB:
			b.Write(v.Value)
		case *types.AttributeValueMemberSS:
			b.WriteString(strings.Join(v.Value, "\n"))
		case *types.AttributeValueMemberNS:
			b.WriteString(strings.Join(v.Value, "\n"))
		case *types.AttributeValueMemberBS:
			b.Write(bytes.Join(v.Value, []byte("\n")))
		case *types.AttributeValueMemberL:
			for _, each := range v.Value {
				write(each)
			}
		case *types.AttributeValueMemberM:
			for name, each := range v.Value {
				b.WriteString(name + ": ")
				write(each)
			}
		}
		b.WriteByte('\n')
	}
	write(&types.AttributeValueMemberM{Value: item})
	return b.Bytes()
}

func (s *system) lookAtTables(t *testing.T, e *everything) {
	t.Helper()
	tables, err := s.dynamodb.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	require.NoError(t, err)
	require.Nil(t, tables.LastEvaluatedTableName)
	for _, table := range tables.TableNames {
		s.lookAtTable(t, e, table)
	}
}

func (s *system) lookAtTable(t *testing.T, e *everything, table string) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(s.dynamodb, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, item := range page.Items {
			e.look("table", table, flat(item))
		}
	}
}

func (s *system) lookAtStreams(t *testing.T, e *everything) {
	t.Helper()
	client := dynamodbstreams.NewFromConfig(s.aws)
	streams, err := client.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{})
	require.NoError(t, err)
	for _, stream := range streams.Streams {
		described, err := client.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: stream.StreamArn})
		require.NoError(t, err)
		for _, shard := range described.StreamDescription.Shards {
			start, err := client.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: stream.StreamArn, ShardId: shard.ShardId,
				ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon})
			require.NoError(t, err)
			for iterator := start.ShardIterator; iterator != nil; {
				page, err := client.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
				require.NoError(t, err)
				if len(page.Records) == 0 {
					break
				}
				for _, record := range page.Records {
					for _, image := range []map[string]streamtypes.AttributeValue{record.Dynamodb.Keys, record.Dynamodb.OldImage, record.Dynamodb.NewImage} {
						e.look("stream", *stream.TableName, flat(ofStream(t, image)))
					}
				}
				iterator = page.NextShardIterator
			}
		}
	}
}

// ofStream is a stream's image with the table API's types, which are the same under another name.
func ofStream(t *testing.T, image map[string]streamtypes.AttributeValue) map[string]types.AttributeValue {
	t.Helper()
	item := map[string]types.AttributeValue{}
	for name, value := range image {
		item[name] = convert(t, value)
	}
	return item
}

func convert(t *testing.T, value streamtypes.AttributeValue) types.AttributeValue {
	t.Helper()
	switch v := value.(type) {
	case *streamtypes.AttributeValueMemberS:
		return &types.AttributeValueMemberS{Value: v.Value}
	case *streamtypes.AttributeValueMemberN:
		return &types.AttributeValueMemberN{Value: v.Value}
	case *streamtypes.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: v.Value}
	case *streamtypes.AttributeValueMemberM:
		return &types.AttributeValueMemberM{Value: ofStream(t, v.Value)}
	case *streamtypes.AttributeValueMemberL:
		list := &types.AttributeValueMemberL{}
		for _, each := range v.Value {
			list.Value = append(list.Value, convert(t, each))
		}
		return list
	case *streamtypes.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: v.Value}
	case *streamtypes.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: v.Value}
	case *streamtypes.AttributeValueMemberBS:
		return &types.AttributeValueMemberBS{Value: v.Value}
	case *streamtypes.AttributeValueMemberBOOL:
		return &types.AttributeValueMemberBOOL{Value: v.Value}
	case *streamtypes.AttributeValueMemberNULL:
		return &types.AttributeValueMemberNULL{Value: v.Value}
	default:
		require.FailNow(t, "an attribute that the search does not know", "%T", value)
		return nil
	}
}

func (s *system) lookAtBuckets(t *testing.T, e *everything) {
	t.Helper()
	client := awsconfig.S3(s.aws)
	buckets, err := client.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	require.NoError(t, err)
	for _, bucket := range buckets.Buckets {
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket.Name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			for _, object := range page.Contents {
				e.look("key", *bucket.Name, []byte(*object.Key))
				e.look("object", *bucket.Name, readObject(t, client, *bucket.Name, *object.Key))
			}
		}
	}
}

func readObject(t *testing.T, client *s3.Client, bucket, key string) []byte {
	t.Helper()
	got, err := client.GetObject(context.Background(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(t, err)
	var from io.Reader = got.Body
	if strings.HasSuffix(key, ".gz") {
		from, err = gzip.NewReader(got.Body)
		require.NoError(t, err)
	}
	body, err := io.ReadAll(from)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	return body
}

var positive = regexp.MustCompile(`^[1-9]`)

// lookAtQueues looks at the messages that wait and leaves them where they are; each queue counts as a piece, empty ones too.
func (s *system) lookAtQueues(t *testing.T, e *everything) {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	queues, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	require.NotEmpty(t, queues.QueueUrls)
	for _, queue := range queues.QueueUrls {
		attributes, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
		require.NoError(t, err)
		e.look("queue", queue, mustJSON(t, attributes.Attributes))
		if !positive.MatchString(attributes.Attributes["ApproximateNumberOfMessages"]) {
			continue
		}
		messages, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10, VisibilityTimeout: 0,
			MessageAttributeNames: []string{"All"}})
		require.NoError(t, err)
		for _, message := range messages.Messages {
			body, err := json.Marshal(message)
			require.NoError(t, err)
			e.look("queue", queue, body)
		}
	}
}
