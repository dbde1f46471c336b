package sqs

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// Handler serves the SQS API: the JSON protocol of today's clients and the query protocol of those before November 2023.
func (s *Service) Handler() http.Handler {
	operations := s.operations()
	modern := &wire.JSON{
		Name: "sqs", TargetPrefix: "AmazonSQS", Version: "1.0", ErrorNamespace: "com.amazonaws.sqs#", Faults: s.faults,
		Operations: map[string]wire.Operation{},
	}
	query := &wire.Query{Name: "sqs", Namespace: queryNamespace, Faults: s.faults, Operations: map[string]wire.QueryOperation{}}
	for name, operation := range operations {
		modern.Operations[name] = withJSONCodes(operation)
		query.Operations[name] = queryOperation(name, operation)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "" {
			query.ServeHTTP(w, r)
			return
		}
		modern.ServeHTTP(&queryCompatible{ResponseWriter: w}, r)
	})
}

func (s *Service) operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"CreateQueue":                  wire.Op(s.apiCreateQueue),
		"DeleteQueue":                  wire.Op(s.apiDeleteQueue),
		"GetQueueUrl":                  wire.Op(s.apiGetQueueURL),
		"GetQueueAttributes":           wire.Op(s.apiGetQueueAttributes),
		"SetQueueAttributes":           wire.Op(s.apiSetQueueAttributes),
		"ListQueues":                   wire.Op(s.apiListQueues),
		"ListDeadLetterSourceQueues":   wire.Op(s.apiListDeadLetterSourceQueues),
		"PurgeQueue":                   wire.Op(s.apiPurgeQueue),
		"TagQueue":                     wire.Op(s.apiTagQueue),
		"UntagQueue":                   wire.Op(s.apiUntagQueue),
		"ListQueueTags":                wire.Op(s.apiListQueueTags),
		"SendMessage":                  wire.Op(s.apiSendMessage),
		"SendMessageBatch":             wire.Op(s.apiSendMessageBatch),
		"ReceiveMessage":               wire.Op(s.apiReceiveMessage),
		"DeleteMessage":                wire.Op(s.apiDeleteMessage),
		"DeleteMessageBatch":           wire.Op(s.apiDeleteMessageBatch),
		"ChangeMessageVisibility":      wire.Op(s.apiChangeMessageVisibility),
		"ChangeMessageVisibilityBatch": wire.Op(s.apiChangeMessageVisibilityBatch),
		"StartMessageMoveTask":         wire.Op(s.apiStartMessageMoveTask),
		"ListMessageMoveTasks":         wire.Op(s.apiListMessageMoveTasks),
		"CancelMessageMoveTask":        wire.Op(s.apiCancelMessageMoveTask),
	}
}

// jsonCodes are the error codes of the JSON protocol where they differ from what the code is called here and in the query
// protocol. Recorded from AWS.
var jsonCodes = map[string]string{
	"InvalidParameterValue": "InvalidParameterValueException",
	"MissingParameter":      "MissingRequiredParameterException",
}

func withJSONCodes(operation wire.Operation) wire.Operation {
	return func(ctx context.Context, body []byte) (any, error) {
		out, err := operation(ctx, body)
		var known *wire.Error
		if errors.As(err, &known) && jsonCodes[known.Code] != "" {
			translated := *known
			translated.Code = jsonCodes[known.Code]
			err = &translated
		}
		return out, err
	}
}

// queryCodes are the error codes of the query protocol where they differ from those of the JSON protocol.
var queryCodes = map[string]string{
	"QueueDoesNotExist":            "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":              "QueueAlreadyExists",
	"QueueDeletedRecently":         "AWS.SimpleQueueService.QueueDeletedRecently",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"BatchRequestTooLong":          "AWS.SimpleQueueService.BatchRequestTooLong",
	"InvalidBatchEntryId":          "AWS.SimpleQueueService.InvalidBatchEntryId",
	"PurgeQueueInProgress":         "AWS.SimpleQueueService.PurgeQueueInProgress",
	"UnsupportedOperation":         "AWS.SimpleQueueService.UnsupportedOperation",

	"InvalidParameterValueException":    "InvalidParameterValue",
	"MissingRequiredParameterException": "MissingParameter",
}

// queryCompatible adds the header by which SDKs keep giving the error codes of the query protocol that SQS spoke before.
type queryCompatible struct{ http.ResponseWriter }

func (w *queryCompatible) WriteHeader(status int) {
	if code := w.Header().Get("X-Amzn-Errortype"); code != "" {
		fault := ";Sender"
		if status >= http.StatusInternalServerError {
			fault = ";Receiver"
		}
		if queryCode, ok := queryCodes[code]; ok {
			code = queryCode
		}
		w.Header().Set("X-Amzn-Query-Error", code+fault)
	}
	w.ResponseWriter.WriteHeader(status)
}

// byURL finds a queue by the last path segment of its URL; the host may be any, clients reach the runtime by several.
func (s *Service) byURL(url string) (*queue, error) {
	if url == "" {
		return nil, wire.Errorf("MissingParameter", "The request must contain the parameter QueueUrl.")
	}
	rest, name, ok := cutLast(url)
	_, account, okAccount := cutLast(rest)
	if !ok || !okAccount || account != s.account {
		return nil, errNoQueue()
	}
	return s.byName(name)
}

func cutLast(path string) (before, after string, found bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

type empty struct{}

type queueRef struct{ QueueUrl string }

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string // "tags" on the wire
}

func (s *Service) apiCreateQueue(_ context.Context, in *createQueueInput) (*queueRef, error) {
	_, url, err := s.CreateQueue(QueueSpec{Name: in.QueueName, Attributes: in.Attributes, Tags: in.Tags})
	if err != nil {
		return nil, err
	}
	return &queueRef{QueueUrl: url}, nil
}

type getQueueURLInput struct{ QueueName, QueueOwnerAWSAccountId string }

func (s *Service) apiGetQueueURL(_ context.Context, in *getQueueURLInput) (*queueRef, error) {
	if in.QueueOwnerAWSAccountId != "" && in.QueueOwnerAWSAccountId != s.account {
		return nil, errNoQueue()
	}
	q, err := s.byName(in.QueueName)
	if err != nil {
		return nil, err
	}
	return &queueRef{QueueUrl: s.url(q.name)}, nil
}

type getQueueAttributesInput struct {
	QueueUrl       string
	AttributeNames []string
}

type queueAttributes struct {
	Attributes map[string]string `json:",omitempty"`
}

// knownAttributes are the names GetQueueAttributes takes, also where the queue has no value for them.
var knownAttributes = []string{
	attrPolicy, attrRedrivePolicy, attrRedriveAllow, attrVisibility, attrRetention, attrMaximumSize, attrDelay, attrWait,
	attrKMSKey, attrKMSReuse, attrManagedSSE, attrQueueARN, attrCreated, attrModified, attrMessages, attrMessagesInFlight,
	attrMessagesDelayed, attrFifoQueue, "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit",
}

func (s *Service) apiGetQueueAttributes(_ context.Context, in *getQueueAttributesInput) (*queueAttributes, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all, out := q.attributes(), map[string]string{}
	for _, name := range in.AttributeNames {
		if name == "All" {
			return &queueAttributes{Attributes: all}, nil
		}
		if !slices.Contains(knownAttributes, name) {
			return nil, wire.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
		if value, ok := all[name]; ok {
			out[name] = value
		}
	}
	return &queueAttributes{Attributes: out}, nil
}

type setQueueAttributesInput struct {
	QueueUrl   string
	Attributes map[string]string
}

func (s *Service) apiSetQueueAttributes(_ context.Context, in *setQueueAttributesInput) (*empty, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &empty{}, s.SetAttributes(q.arn, in.Attributes)
}

type listInput struct {
	QueueNamePrefix string
	QueueUrl        string
	MaxResults      *int
	NextToken       string
}

// maxListResults is AWS's largest page of queue URLs.
const maxListResults = 1000

// page returns the URLs of sorted queue names after the token, which is the last name of the page before. As on AWS there is
// a token only if the caller has set a limit.
func (s *Service) page(names []string, in *listInput) (urls []string, nextToken string, err error) {
	limit := maxListResults
	if in.MaxResults != nil {
		if limit = *in.MaxResults; limit < 1 || limit > maxListResults {
			return nil, "", wire.Errorf("InvalidParameterValue", "Value %d for parameter MaxResults is invalid. Reason: Must be between 1 and %d, if provided.", limit, maxListResults)
		}
	}
	for i, name := range names {
		if name <= in.NextToken && in.NextToken != "" {
			continue
		}
		if len(urls) == limit {
			if in.MaxResults == nil {
				break
			}
			return urls, names[i-1], nil
		}
		urls = append(urls, s.url(name))
	}
	return urls, "", nil
}

func (s *Service) sortedNames(match func(*queue) bool) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if match(s.queues[name]) {
			names = append(names, name)
		}
	}
	return names
}

type listQueuesOutput struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) apiListQueues(_ context.Context, in *listInput) (*listQueuesOutput, error) {
	urls, next, err := s.page(s.sortedNames(func(q *queue) bool { return strings.HasPrefix(q.name, in.QueueNamePrefix) }), in)
	return &listQueuesOutput{QueueUrls: urls, NextToken: next}, err
}

// listSourcesOutput has the API's own spelling of its member.
type listSourcesOutput struct {
	QueueUrls []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) apiListDeadLetterSourceQueues(_ context.Context, in *listInput) (*listSourcesOutput, error) {
	target, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	names := s.sortedNames(func(q *queue) bool { return q.currentSettings().redrive.DeadLetterTargetArn == target.arn })
	urls, next, err := s.page(names, in)
	if urls == nil {
		urls = []string{}
	}
	return &listSourcesOutput{QueueUrls: urls, NextToken: next}, err
}

func (s *Service) apiPurgeQueue(_ context.Context, in *queueRef) (*empty, error) {
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &empty{}, q.purge()
}

// secondsIn checks a number of seconds the API takes.
func secondsIn(name string, seconds, limit int) (time.Duration, error) {
	if seconds < 0 || seconds > limit {
		return 0, wire.Errorf("InvalidParameterValue", "Value %d for parameter %s is invalid. Reason: Must be >= 0 and <= %d, if provided.", seconds, name, limit)
	}
	return time.Duration(seconds) * time.Second, nil
}
