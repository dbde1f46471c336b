package sns

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/stretchr/testify/require"
)

// Where the expectations of the conformance cases come from.
const (
	guide     = "https://docs.aws.amazon.com/sns/latest/dg/"
	reference = "https://docs.aws.amazon.com/sns/latest/api/"
	// recorded are answers of AWS that another project recorded.
	recorded = "https://github.com/localstack/localstack/blob/master/tests/aws/services/sns/test_sns.snapshot.json"
)

func requireStatus(t *testing.T, err error, status int) {
	t.Helper()
	var response *awshttp.ResponseError
	require.ErrorAs(t, err, &response)
	require.Equal(t, status, response.HTTPStatusCode())
}

// form makes a call of the query protocol with parameters that SDKs do not let through.
func (f fixture) form(t *testing.T, body string) string {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	f.ServeHTTP(answer, request)
	require.Equal(t, http.StatusBadRequest, answer.Code)
	return answer.Body.String()
}

// conformance are cases whose expectations come from AWS's documentation and from recorded answers, not from this code.
var conformance = []struct {
	name, source string
	check        func(t *testing.T, f fixture)
}{
	{"a topic that does not exist", recorded, func(t *testing.T, f fixture) {
		none := aws.String(topicARN + "x")
		_, publish := f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: none, Message: aws.String("m")})
		_, batch := f.client.PublishBatch(t.Context(), &sdk.PublishBatchInput{TopicArn: none, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{{Id: aws.String("a"), Message: aws.String("m")}}})
		_, attributes := f.client.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: none})
		_, subscribe := f.client.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: none, Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN)})
		for _, err := range []error{publish, batch, attributes, subscribe} {
			requireCode(t, err, "NotFound")
			requireStatus(t, err, http.StatusNotFound)
			require.ErrorContains(t, err, "Topic does not exist")
		}
	}},
	{"an ARN that is none", recorded, func(t *testing.T, f fixture) {
		for arn, message := range map[string]string{"randomstring": "not 1", "randomstring:1": "not 2"} {
			_, err := f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: &arn, Message: aws.String("m")})
			requireCode(t, err, "InvalidParameter")
			requireStatus(t, err, http.StatusBadRequest)
			require.ErrorContains(t, err, "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, "+message)
		}
	}},
	{"creating a topic again gives the same topic", recorded, func(t *testing.T, f fixture) {
		again, err := f.client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("operator")})
		require.NoError(t, err)
		require.Equal(t, topicARN, *again.TopicArn)
		listed, err := f.client.ListTopics(t.Context(), &sdk.ListTopicsInput{})
		require.NoError(t, err)
		require.Len(t, listed.Topics, 1)
	}},
	{"names of topics", reference + "API_CreateTopic.html", func(t *testing.T, f fixture) {
		for name, allowed := range map[string]bool{strings.Repeat("a", 256): true, strings.Repeat("a", 257): false, "with.dot": false, "A-z_9": true, "": false} {
			_, err := f.client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: &name})
			if allowed {
				require.NoError(t, err, name)
			} else {
				requireCode(t, err, "InvalidParameter")
			}
		}
	}},
	{"what was published before subscribing is not delivered", recorded, func(t *testing.T, f fixture) {
		_, err := f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("before")})
		require.NoError(t, err)
		_, err = f.client.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN)})
		require.NoError(t, err)
		published, err := f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Subject: aws.String("test-subject-after-sub"), Message: aws.String("test_message_after")})
		require.NoError(t, err)
		var envelope map[string]any
		require.NoError(t, json.Unmarshal([]byte((<-f.queues.delivered).body), &envelope))
		require.Equal(t, map[string]any{
			"Type": "Notification", "MessageId": *published.MessageId, "TopicArn": topicARN, "Subject": "test-subject-after-sub", "Message": "test_message_after",
			"Timestamp": "2026-07-09T10:15:30.000Z", "SignatureVersion": "1", "Signature": "", // not signed, and so without the certificate's address
		}, envelope)
	}},
	{"raw delivery hands message and attributes on as they are", guide + "sns-large-payload-raw-message-delivery.html", func(t *testing.T, f fixture) {
		_, err := f.client.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN), Attributes: map[string]string{"RawMessageDelivery": "true"}})
		require.NoError(t, err)
		_, err = f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Subject: aws.String("lost when raw"), Message: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{
			"n": {DataType: aws.String("Number"), StringValue: aws.String("1")}, "b": {DataType: aws.String("Binary"), BinaryValue: []byte{1}}}})
		require.NoError(t, err)
		require.Equal(t, delivery{queueARN, "m", map[string]Attribute{"n": {DataType: "Number", StringValue: "1"}, "b": {DataType: "Binary", BinaryValue: []byte{1}}}}, <-f.queues.delivered)
	}},
	{"message attributes that SNS refuses, in a batch with all its entries", recorded + " (test_empty_or_wrong_message_attributes, test_message_attributes_prefixes)", func(t *testing.T, f fixture) {
		const wrongType = "The message attribute 'attr1' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
		text, binary := aws.String("str"), []byte{2, 3, 4}
		for _, tc := range []struct {
			name          string
			value         types.MessageAttributeValue
			code, message string
		}{
			{"attr1", types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("")}, "ParameterValueInvalid", "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'."},
			{"attr1", types.MessageAttributeValue{DataType: aws.String("String")}, "ParameterValueInvalid", "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'."},
			{"attr1", types.MessageAttributeValue{DataType: aws.String("Binary"), BinaryValue: []byte{}}, "ParameterValueInvalid", "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'Binary'."},
			{"attr1", types.MessageAttributeValue{DataType: aws.String("String"), BinaryValue: binary}, "ParameterValueInvalid", "The message attribute 'attr1' with type 'String' must use field 'String'."},
			{"attr1", types.MessageAttributeValue{DataType: aws.String("Number"), BinaryValue: binary}, "ParameterValueInvalid", "The message attribute 'attr1' with type 'Number' must use field 'String'."},
			{"attr1", types.MessageAttributeValue{DataType: aws.String("Binary"), StringValue: text}, "ParameterValueInvalid", "The message attribute 'attr1' with type 'Binary' must use field 'Binary'."},
			{"attr1", types.MessageAttributeValue{DataType: aws.String("InvalidType"), StringValue: text}, "ParameterValueInvalid", wrongType},
			{"attr1", types.MessageAttributeValue{DataType: aws.String("Stringprefixed"), StringValue: text}, "ParameterValueInvalid", wrongType},
			{strings.Repeat("a", 257), types.MessageAttributeValue{DataType: aws.String("String"), StringValue: text}, "ParameterValueInvalid", "Length of message attribute name must be less than 256 bytes."},
			{"a^b", types.MessageAttributeValue{DataType: aws.String("String"), StringValue: text}, "ParameterValueInvalid", "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots."},
			{".a", types.MessageAttributeValue{DataType: aws.String("String"), StringValue: text}, "ParameterValueInvalid", "Invalid message attribute name starting with character '.' was found."},
			{"a.", types.MessageAttributeValue{DataType: aws.String("String"), StringValue: text}, "ParameterValueInvalid", "Invalid message attribute name ending with character '.' was found."},
			{"a..b", types.MessageAttributeValue{DataType: aws.String("String"), StringValue: text}, "ParameterValueInvalid", "Message attribute name can not have successive '.' character."},
		} {
			attributes := map[string]types.MessageAttributeValue{tc.name: tc.value}
			_, one := f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m"), MessageAttributes: attributes})
			_, batch := f.client.PublishBatch(t.Context(), &sdk.PublishBatchInput{TopicArn: aws.String(topicARN), PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
				{Id: aws.String("good"), Message: aws.String("m")}, {Id: aws.String("bad"), Message: aws.String("m"), MessageAttributes: attributes}}})
			for _, err := range []error{one, batch} {
				requireCode(t, err, tc.code)
				requireStatus(t, err, http.StatusBadRequest)
				require.ErrorContains(t, err, tc.message)
			}
		}
		for at, attributes := range map[string]string{
			"messageAttributes.attr1.member.dataType":                                     "&Action=Publish&Message=m&MessageAttributes.entry.1.Name=attr1&MessageAttributes.entry.1.Value.StringValue=v",
			"publishBatchRequestEntries.1.member.messageAttributes.attr1.member.dataType": "&Action=PublishBatch&PublishBatchRequestEntries.member.1.Id=a&PublishBatchRequestEntries.member.1.Message=m&PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Name=attr1",
		} {
			answer := f.form(t, "TopicArn="+url.QueryEscape(topicARN)+attributes)
			require.Contains(t, answer, "<Code>ValidationError</Code><Message>1 validation error detected: Value null at &#39;"+at+"&#39; failed to satisfy constraint: Member must not be null</Message>")
		}
		require.Empty(t, f.Notifications())
		_, err := f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{
			"attr1": {DataType: aws.String("String.prefixed"), StringValue: text}, "a.b-c_d": {DataType: aws.String("Binary.x"), BinaryValue: binary}}})
		require.NoError(t, err)
	}},
	{"a subject that is given and empty", recorded + " (test_publish_with_empty_subject)", func(t *testing.T, f fixture) {
		_, err := f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m"), Subject: aws.String("")})
		requireCode(t, err, "InvalidParameter")
		require.ErrorContains(t, err, "Invalid parameter: Subject")
	}},
	{"subscriptions that SNS refuses", recorded + " (test_create_subscriptions_with_attributes, test_subscribe_to_sqs_with_queue_url, test_validations_for_fifo)", func(t *testing.T, f fixture) {
		for message, in := range map[string]*sdk.SubscribeInput{
			"Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false.": {Endpoint: aws.String(queueARN), Attributes: map[string]string{"RawMessageDelivery": "wrongvalue"}},
			"Invalid parameter: SQS endpoint ARN": {Endpoint: aws.String("http://localhost/000000000000/notices")},
			"Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics": {Endpoint: aws.String(queueARN + ".fifo")},
		} {
			in.TopicArn, in.Protocol = aws.String(topicARN), aws.String("sqs")
			_, err := f.client.Subscribe(t.Context(), in)
			requireCode(t, err, "InvalidParameter")
			require.ErrorContains(t, err, message)
		}
		listed, err := f.client.ListSubscriptionsByTopic(t.Context(), &sdk.ListSubscriptionsByTopicInput{TopicArn: aws.String(topicARN)})
		require.NoError(t, err)
		require.Empty(t, listed.Subscriptions)
	}},
	{"subscribing again gives the same subscription", reference + "API_Subscribe.html", func(t *testing.T, f fixture) {
		in := &sdk.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN)}
		first, err := f.client.Subscribe(t.Context(), in)
		require.NoError(t, err)
		second, err := f.client.Subscribe(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, *first.SubscriptionArn, *second.SubscriptionArn)
		in.Attributes = map[string]string{"RawMessageDelivery": "true"}
		_, err = f.client.Subscribe(t.Context(), in)
		requireCode(t, err, "InvalidParameter")
		require.ErrorContains(t, err, "Subscription already exists with different attributes")
		attributes, err := f.client.GetTopicAttributes(t.Context(), &sdk.GetTopicAttributesInput{TopicArn: aws.String(topicARN)})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"TopicArn": topicARN, "Owner": "000000000000", "DisplayName": "Operators", "SubscriptionsConfirmed": "1", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0"}, attributes.Attributes)
	}},
	{"messages that SNS refuses", reference + "API_Publish.html", func(t *testing.T, f fixture) {
		for message, subject := range map[string]string{"": "", strings.Repeat("x", 262145): "", "m": strings.Repeat("s", 101), "n": "line\nbreak"} {
			in := &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String(message)}
			if subject != "" {
				in.Subject = &subject
			}
			_, err := f.client.Publish(t.Context(), in)
			requireCode(t, err, "InvalidParameter")
		}
		_, err := f.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String(strings.Repeat("x", 262144)), Subject: aws.String(strings.Repeat("s", 100))})
		require.NoError(t, err)
	}},
	{"batches", reference + "API_PublishBatch.html", func(t *testing.T, f fixture) {
		entry := func(id, message string) types.PublishBatchRequestEntry {
			return types.PublishBatchRequestEntry{Id: &id, Message: &message}
		}
		eleven := make([]types.PublishBatchRequestEntry, 11)
		for i := range eleven {
			eleven[i] = entry(string(rune('a'+i)), "m")
		}
		half := strings.Repeat("x", 131073)
		for code, entries := range map[string][]types.PublishBatchRequestEntry{
			"EmptyBatchRequest": {}, "TooManyEntriesInBatchRequest": eleven, "BatchEntryIdsNotDistinct": {entry("a", "1"), entry("a", "2")},
			"InvalidBatchEntryId": {entry("not valid", "1")}, "BatchRequestTooLong": {entry("a", half), entry("b", half)},
		} {
			_, err := f.client.PublishBatch(t.Context(), &sdk.PublishBatchInput{TopicArn: aws.String(topicARN), PublishBatchRequestEntries: entries})
			requireCode(t, err, code)
			requireStatus(t, err, http.StatusBadRequest)
		}
		require.Empty(t, f.Notifications())
		out, err := f.client.PublishBatch(t.Context(), &sdk.PublishBatchInput{TopicArn: aws.String(topicARN), PublishBatchRequestEntries: []types.PublishBatchRequestEntry{entry("good", "m"), entry("bad", "")}})
		require.NoError(t, err, "in part")
		require.Equal(t, "good", *out.Successful[0].Id)
		require.Equal(t, types.BatchResultErrorEntry{Id: aws.String("bad"), Code: aws.String("InvalidParameter"), Message: aws.String("Invalid parameter: Empty message"), SenderFault: true}, out.Failed[0])
	}},
	{"the phases of the delivery policy for AWS services", guide + "sns-message-delivery-retries.html", func(t *testing.T, _ fixture) {
		var waits []time.Duration
		for retry := 1; retry <= 16; retry++ {
			waits = append(waits, waitBefore(retry)/time.Second)
		}
		require.Equal(t, []time.Duration{0, 0, 0, 1, 1, 1, 2, 4, 8, 16, 20, 20, 20, 20, 20, 20}, waits)
		require.Equal(t, 100_015, deliveryAttempts)
	}},
	{"client-side errors are not retried", guide + "sns-dead-letter-queues.html", func(t *testing.T, f fixture) {
		f.queues.refuses = queueARN
		err := f.send(t.Context(), &subscription{endpoint: queueARN, raw: true}, Notification{TopicARN: topicARN, Message: "m", Time: f.clock.Now()})
		require.ErrorContains(t, err, "AccessDenied")
	}},
}

func TestConformance(t *testing.T) {
	for _, tc := range conformance {
		t.Run(tc.name, func(t *testing.T) {
			t.Log(tc.source)
			tc.check(t, serve(t))
		})
	}
}

// refusals are all refusals that docs/reference/local-runtime.md names for SNS, in its order.
var refusals = []struct {
	feature string
	call    func(t *testing.T, f fixture) error
	says    string
}{
	{"FIFO topics", func(t *testing.T, f fixture) error {
		_, err := f.client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("a.fifo")})
		return err
	}, "FIFO topics"},
	{"attributes and tags of topics", func(t *testing.T, f fixture) error {
		_, attributes := f.client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("a"), Attributes: map[string]string{"KmsMasterKeyId": "k"}})
		_, tags := f.client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("a"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
		return errors.Join(attributes, tags)
	}, "sns:CreateTopic with Attributes"},
	{"protocols other than SQS", func(t *testing.T, f fixture) error {
		_, err := f.client.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: aws.String("email"), Endpoint: aws.String("a@example.com")})
		return err
	}, "protocol email"},
	{"filter policies", subscribeWith("FilterPolicy", "{}"), "FilterPolicy"},
	{"dead-letter queues of subscriptions", subscribeWith("RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN+`"}`), "RedrivePolicy"},
	{"message structures", publishWith(sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("{}"), MessageStructure: aws.String("json")}), "MessageStructure"},
	{"message groups and deduplication ids", publishWith(sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m"), MessageGroupId: aws.String("g")}), "MessageGroupId"},
	{"phone numbers and other targets", func(t *testing.T, f fixture) error {
		return errors.Join(publishWith(sdk.PublishInput{PhoneNumber: aws.String("+1"), Message: aws.String("m")})(t, f),
			publishWith(sdk.PublishInput{TargetArn: aws.String(topicARN), Message: aws.String("m")})(t, f))
	}, "PhoneNumber"},
	{"deleting topics and ending subscriptions", func(t *testing.T, f fixture) error {
		_, topic := f.client.DeleteTopic(t.Context(), &sdk.DeleteTopicInput{TopicArn: aws.String(topicARN)})
		_, subscription := f.client.Unsubscribe(t.Context(), &sdk.UnsubscribeInput{SubscriptionArn: aws.String(topicARN + ":s")})
		return errors.Join(topic, subscription)
	}, "sns:DeleteTopic"},
}

func subscribeWith(attribute, value string) func(t *testing.T, f fixture) error {
	return func(t *testing.T, f fixture) error {
		_, err := f.client.Subscribe(t.Context(), &sdk.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN), Attributes: map[string]string{attribute: value}})
		return err
	}
}

func publishWith(in sdk.PublishInput) func(t *testing.T, f fixture) error {
	return func(t *testing.T, f fixture) error { _, err := f.client.Publish(t.Context(), &in); return err }
}

func TestRefusals(t *testing.T) {
	f := serve(t)
	features := make([]string, len(refusals))
	for i, refusal := range refusals {
		features[i] = refusal.feature
		joined := refusal.call(t, f)
		require.ErrorContains(t, joined, refusal.says, refusal.feature)
		errs := []error{joined}
		if several, ok := joined.(interface{ Unwrap() []error }); ok {
			errs = several.Unwrap()
		}
		for _, err := range errs {
			requireCode(t, err, "NotImplemented")
			requireStatus(t, err, http.StatusNotImplemented)
		}
	}
	require.Empty(t, f.Notifications())
	// The list of the documentation is this one.
	page, err := os.ReadFile("../../docs/reference/local-runtime.md")
	require.NoError(t, err)
	row := "\n| SNS | " + strings.Join(features, "; ") + " |\n"
	require.Truef(t, strings.Contains(string(page), row), "the page has no row %s", row)
}
