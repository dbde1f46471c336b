package dynamodb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type pageResult struct {
	Items            []map[string]map[string]any
	Count            int
	ScannedCount     int
	LastEvaluatedKey json.RawMessage
}

func (f *fixture) page(operation, body string) pageResult {
	f.Helper()
	var out pageResult
	require.NoError(f, json.Unmarshal([]byte(f.must(operation, body)), &out))
	return out
}

func (p pageResult) subjects() string {
	var out []string
	for _, item := range p.Items {
		out = append(out, item["Subject"]["S"].(string))
	}
	return strings.Join(out, " ")
}

func (f *fixture) putThreads() {
	f.Helper()
	for i, subject := range []string{"s1", "s2", "s3", "t1", "t2"} {
		f.must("PutItem", fmt.Sprintf(`{"TableName":"Thread","Item":{"ForumName":{"S":"Amazon S3"},"Subject":{"S":%q},"Views":{"N":"%d"},
			"LastPostedBy":{"S":"User %d"},"Tags":{"SS":["t%d"]},"Message":{"S":"m"}}}`, subject, 100-50*i, i%2, i))
	}
	f.must("PutItem", `{"TableName":"Thread","Item":{"ForumName":{"S":"Amazon DynamoDB"},"Subject":{"S":"s1"}}}`)
}

func TestQueryKeyConditions(t *testing.T) {
	f := newFixture(t)
	f.putThreads()
	for condition, want := range map[string]string{
		"ForumName = :f":                                 "s1 s2 s3 t1 t2",
		"ForumName = :f AND Subject = :s2":               "s2",
		"ForumName = :f AND Subject < :s2":               "s1",
		"ForumName = :f AND Subject <= :s2":              "s1 s2",
		"Subject > :s2 AND ForumName = :f":               "s3 t1 t2",
		"(ForumName = :f) AND (Subject >= :s2)":          "s2 s3 t1 t2",
		"ForumName = :f AND Subject BETWEEN :s2 AND :t1": "s2 s3 t1",
		"ForumName = :f AND begins_with(Subject, :s)":    "s1 s2 s3",
	} {
		t.Run(condition, func(t *testing.T) {
			values := []string{`":f":{"S":"Amazon S3"}`}
			for _, name := range []string{"s2", "t1", "s"} {
				if slices.Contains(strings.FieldsFunc(condition, func(r rune) bool { return strings.ContainsRune(" ():,", r) }), name) {
					values = append(values, `":`+name+`":{"S":"`+name+`"}`)
				}
			}
			body := `{"TableName":"Thread","KeyConditionExpression":` + quote(condition) + `,"ExpressionAttributeValues":{` + strings.Join(values, ",") + `}`
			require.Equal(t, want, f.page("Query", body+`}`).subjects())
			forward := strings.Fields(want)
			slices.Reverse(forward)
			require.Equal(t, strings.Join(forward, " "), f.page("Query", body+`,"ScanIndexForward":false}`).subjects())
			require.Equal(t, len(forward), f.page("Query", body+`,"Select":"COUNT","ConsistentRead":true}`).Count)
		})
	}
}

func TestQueryPages(t *testing.T) {
	f := newFixture(t)
	f.putThreads()
	for _, forward := range []string{"true", "false"} {
		for _, index := range []string{``, `,"IndexName":"ByViews"`} {
			var got []string
			start := ""
			for range 4 {
				page := f.page("Query", `{"TableName":"Thread","KeyConditionExpression":"ForumName = :f","ExpressionAttributeValues":{":f":{"S":"Amazon S3"}},
					"Limit":2,"ScanIndexForward":`+forward+index+start+`}`)
				got = append(got, page.subjects())
				if page.LastEvaluatedKey == nil {
					break
				}
				start = `,"ExclusiveStartKey":` + string(page.LastEvaluatedKey)
			}
			want := []string{"s1 s2", "s3 t1", "t2"}
			if (forward == "true") != (index == "") { // ByViews is in the opposite order
				want = []string{"t2 t1", "s3 s2", "s1"}
			}
			require.Equal(t, want, got, "forward %s %s", forward, index)
		}
	}
}

func TestQueryFiltersAfterTheLimit(t *testing.T) {
	f := newFixture(t)
	f.putThreads()
	page := f.page("Query", `{"TableName":"Thread","KeyConditionExpression":"ForumName = :f","FilterExpression":"#v < :v","ExpressionAttributeNames":{"#v":"Views"},
		"ExpressionAttributeValues":{":f":{"S":"Amazon S3"},":v":{"N":"0"}},"Limit":3}`)
	require.Equal(t, 0, page.Count)
	require.Equal(t, 3, page.ScannedCount)
	require.NotNil(t, page.Items)
	require.JSONEq(t, `{"ForumName":{"S":"Amazon S3"},"Subject":{"S":"s3"}}`, string(page.LastEvaluatedKey))
}

func TestPageEndsAtOneMegabyte(t *testing.T) {
	f := newFixture(t)
	for i := range 5 {
		f.must("PutItem", fmt.Sprintf(`{"TableName":"Thread","Item":{"ForumName":{"S":"big"},"Subject":{"S":"%d"},"A":{"S":%q}}}`, i, strings.Repeat("x", 390<<10)))
	}
	page := f.page("Query", `{"TableName":"Thread","KeyConditionExpression":"ForumName = :f","ExpressionAttributeValues":{":f":{"S":"big"}}}`)
	require.Equal(t, "0 1 2", page.subjects())
	require.NotNil(t, page.LastEvaluatedKey)
}

func TestIndexesFollowTheTable(t *testing.T) {
	f := newFixture(t)
	f.putThreads()
	query := func(index, poster string) string {
		out := f.must("Query", `{"TableName":"Thread","IndexName":"`+index+`","KeyConditionExpression":"LastPostedBy = :p","ExpressionAttributeValues":{":p":{"S":"`+poster+`"}}}`)
		var page struct{ Items json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(out), &page))
		return string(page.Items)
	}
	key := `{"ForumName":{"S":"Amazon S3"},"Subject":{"S":"s2"}}`
	require.JSONEq(t, `[{"ForumName":{"S":"Amazon S3"},"Subject":{"S":"s2"},"LastPostedBy":{"S":"User 1"}},
		{"ForumName":{"S":"Amazon S3"},"Subject":{"S":"t1"},"LastPostedBy":{"S":"User 1"}}]`, query("ByPoster", "User 1"))
	require.JSONEq(t, `[{"ForumName":{"S":"Amazon S3"},"Subject":{"S":"t1"},"LastPostedBy":{"S":"User 1"},"Views":{"N":"-50"},"Tags":{"SS":["t3"]}},
		{"ForumName":{"S":"Amazon S3"},"Subject":{"S":"s2"},"LastPostedBy":{"S":"User 1"},"Views":{"N":"50"},"Tags":{"SS":["t1"]}}]`, query("WithTags", "User 1"))
	f.must("UpdateItem", `{"TableName":"Thread","Key":`+key+`,"UpdateExpression":"SET LastPostedBy = :p","ExpressionAttributeValues":{":p":{"S":"User 9"}}}`)
	require.JSONEq(t, `[{"ForumName":{"S":"Amazon S3"},"Subject":{"S":"s2"},"LastPostedBy":{"S":"User 9"}}]`, query("ByPoster", "User 9"))
	f.must("UpdateItem", `{"TableName":"Thread","Key":`+key+`,"UpdateExpression":"REMOVE LastPostedBy"}`)
	require.Equal(t, `[]`, query("ByPoster", "User 9"))
	f.must("DeleteItem", `{"TableName":"Thread","Key":{"ForumName":{"S":"Amazon S3"},"Subject":{"S":"t1"}}}`)
	require.Equal(t, `[]`, query("WithTags", "User 1"))
	require.Equal(t, 3, f.page("Scan", `{"TableName":"Thread","IndexName":"ByPoster"}`).Count)
}

func TestQueryRefused(t *testing.T) {
	f := newFixture(t)
	for name, tc := range map[string]struct{ body, want string }{
		"no condition":      {``, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		"no partition":      {`"KeyConditionExpression":"Subject = :f"`, "Query condition missed key schema element: ForumName"},
		"not equal":         {`"KeyConditionExpression":"ForumName > :f"`, "Query key condition not supported"},
		"or":                {`"KeyConditionExpression":"ForumName = :f OR Subject = :f"`, "Invalid operator used in KeyConditionExpression: OR"},
		"other attribute":   {`"KeyConditionExpression":"ForumName = :f AND Message = :f"`, "Query condition missed key schema element: Subject"},
		"twice":             {`"KeyConditionExpression":"ForumName = :f AND ForumName = :f"`, "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"},
		"nested":            {`"KeyConditionExpression":"ForumName.a = :f"`, "KeyConditionExpressions cannot have conditions on nested attributes"},
		"filter on key":     {`"KeyConditionExpression":"ForumName = :f","FilterExpression":"Subject = :f"`, "Filter Expression can only contain non-primary key attributes: Primary key attribute: Subject"},
		"index":             {`"IndexName":"Nothing","KeyConditionExpression":"ForumName = :f"`, "The table does not have the specified index: Nothing"},
		"consistent index":  {`"IndexName":"ByViews","ConsistentRead":true,"KeyConditionExpression":"ForumName = :f"`, "Consistent reads are not supported on global secondary indexes"},
		"type":              {`"IndexName":"ByViews","KeyConditionExpression":"ForumName = :f AND #v = :f","ExpressionAttributeNames":{"#v":"Views"}`, "One or more parameter values were invalid: Condition parameter type does not match schema type"},
		"not projected":     {`"IndexName":"ByPoster","KeyConditionExpression":"LastPostedBy = :f","ProjectionExpression":"Message"`, "One or more parameter values were invalid: Global secondary index ByPoster does not project [Message]"},
		"all of keys only":  {`"IndexName":"ByPoster","KeyConditionExpression":"LastPostedBy = :f","Select":"ALL_ATTRIBUTES"`, "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index ByPoster because its projection type is not ALL"},
		"limit":             {`"KeyConditionExpression":"ForumName = :f","Limit":0`, "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		"start key":         {`"KeyConditionExpression":"ForumName = :f","ExclusiveStartKey":{"ForumName":{"S":"f"}}`, "The provided starting key is invalid"},
		"other start key":   {`"KeyConditionExpression":"ForumName = :f","ExclusiveStartKey":{"ForumName":{"S":"g"},"Subject":{"S":"a"}}`, "The provided starting key is outside query boundaries based on provided conditions"},
		"start key outside": {`"KeyConditionExpression":"ForumName = :f AND Subject > :f","ExclusiveStartKey":{"ForumName":{"S":"f"},"Subject":{"S":"a"}}`, "The provided starting key does not match the range key predicate"},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"TableName":"Thread","ExpressionAttributeValues":{":f":{"S":"f"}}`
			if tc.body == "" {
				body = `{"TableName":"Thread"`
			} else {
				body += `,` + tc.body
			}
			f.refused("Query", body+`}`, codeValidation, tc.want)
		})
	}
}

func TestParallelScanSeesEveryItemOnce(t *testing.T) {
	f := newFixture(t)
	const count, segments = 200, 3
	for i := range count {
		f.must("PutItem", fmt.Sprintf(`{"TableName":"ProductCatalog","Item":{"Id":{"N":"%d"}}}`, i))
	}
	seen := map[string]bool{}
	for segment := range segments {
		start, inSegment := "", 0
		for {
			page := f.page("Scan", fmt.Sprintf(`{"TableName":"ProductCatalog","Segment":%d,"TotalSegments":%d,"Limit":7%s}`, segment, segments, start))
			for _, item := range page.Items {
				id := item["Id"]["N"].(string)
				require.False(t, seen[id], id)
				seen[id] = true
				inSegment++
			}
			if page.LastEvaluatedKey == nil {
				break
			}
			start = `,"ExclusiveStartKey":` + string(page.LastEvaluatedKey)
		}
		require.Greater(t, inSegment, count/segments/2, "segments share the items out")
	}
	require.Len(t, seen, count)
	f.refused("Scan", `{"TableName":"ProductCatalog","Segment":3,"TotalSegments":3}`, codeValidation,
		"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 3 is not less than TotalSegments: 3")
}
