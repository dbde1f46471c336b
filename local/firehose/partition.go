package firehose

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	// maxActivePartitions is how many partitions of a stream may have a buffer at a time: Firehose's default quota.
	maxActivePartitions = 500
	// maxPartitionKeys is how many keys a query may extract.
	maxPartitionKeys = 50
	// Bounds of BufferingHints for a stream with dynamic partitioning.
	minPartitionedMiB      = 64
	minPartitionedInterval = 60 // seconds
)

// Folder and code of records that cannot be put into a partition, as Firehose names them.
const (
	extractionFailedFolder = "metadata-extraction-failed"
	extractionFailedCode   = "DynamicPartitioning.MetadataExtractionFailed"
	limitExceededFolder    = "activePartitionExceeded"
	limitExceededCode      = "DynamicPartitioning.ActivePartitionsLimitExceeded"
)

// partitionQuery is a MetadataExtractionQuery of the form {name: .path, …}: the partition keys and where their values stand
// in a record. Everything else that jq can do is refused.
type partitionQuery []partitionKey

type partitionKey struct {
	name string
	path []string
}

const identifier = `[A-Za-z_][A-Za-z0-9_]*`

var (
	queryEntry = regexp.MustCompile(`^\s*(` + identifier + `)\s*:\s*((?:\.(?:` + identifier + `|"[^"\\]*"))+)\s*$`)
	queryStep  = regexp.MustCompile(`\.(?:(` + identifier + `)|"([^"\\]*)")`)
)

// parseQuery reads a query.
func parseQuery(text string) (partitionQuery, error) {
	inside, opened := strings.CutPrefix(strings.TrimSpace(text), "{")
	inside, closed := strings.CutSuffix(inside, "}")
	if !opened || !closed {
		return nil, refused("the jq query " + text + ", only {name:.path,…}")
	}
	var q partitionQuery
	known := map[string]bool{}
	for _, entry := range splitOutsideQuotes(inside) {
		m := queryEntry.FindStringSubmatch(entry)
		if m == nil {
			return nil, refused("the jq query " + text + ", only {name:.path,…}: " + strings.TrimSpace(entry))
		}
		if known[m[1]] {
			return nil, fmt.Errorf("the jq query %s has the key %s twice", text, m[1])
		}
		known[m[1]] = true
		key := partitionKey{name: m[1]}
		for _, step := range queryStep.FindAllStringSubmatch(m[2], -1) {
			key.path = append(key.path, step[1]+step[2])
		}
		q = append(q, key)
	}
	if len(q) > maxPartitionKeys {
		return nil, fmt.Errorf("the jq query has %d keys, at most %d are allowed", len(q), maxPartitionKeys)
	}
	return q, nil
}

// splitOutsideQuotes splits at commas that do not stand in double quotes.
func splitOutsideQuotes(text string) []string {
	var parts []string
	start, quoted := 0, false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// The messages of error records are Firehose's words.
var (
	errNoJSON   = errors.New("Non JSON record provided")
	errEmptyKey = errors.New("partitionKeys values must not be null or empty")
)

// extract reads the partition keys' values from a record: all or an error.
func (q partitionQuery) extract(record []byte) (map[string]string, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(record, &top); err != nil {
		return nil, errNoJSON
	}
	values := make(map[string]string, len(q))
	for _, key := range q {
		value, err := valueAt(top, key.path)
		if err != nil {
			return nil, err
		}
		values[key.name] = value
	}
	return values, nil
}

// valueAt follows a path. A value is a string or a whole number that jq would not round; what is missing is null in jq.
func valueAt(object map[string]json.RawMessage, path []string) (string, error) {
	raw := object[path[0]]
	if len(path) > 1 {
		var inner map[string]json.RawMessage
		if err := json.Unmarshal(raw, &inner); err != nil {
			return "", errEmptyKey
		}
		return valueAt(inner, path[1:])
	}
	var text string
	if err := json.Unmarshal(raw, &text); err == nil && text != "" {
		return text, nil
	}
	if wholeNumber.Match(raw) {
		return string(raw), nil
	}
	return "", errEmptyKey
}

// wholeNumber are numbers of which jq 1.6, which computes in doubles, writes every digit as it came.
var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,14})$`)

// errorRecord is what Firehose writes of a record that it could not deliver, one a line.
type errorRecord struct {
	AttemptsMade           int    `json:"attemptsMade"`
	ArrivalTimestamp       int64  `json:"arrivalTimestamp"` // Milliseconds since the epoch, as the other.
	ErrorCode              string `json:"errorCode"`
	ErrorMessage           string `json:"errorMessage"`
	AttemptEndingTimestamp int64  `json:"attemptEndingTimestamp"`
	RawData                []byte `json:"rawData"`
}
