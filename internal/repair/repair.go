// Package repair sends a payment whose review failed through the pipeline once more, with what a person corrected. It changes
// nothing that is there: neither the authorization nor the claim of its business key. It takes the next attempt for the correction
// and publishes a TransactionAuthorized event that says what was corrected, by whom and why. The repaired payment stays the payment that was taken in:
// same transaction, business key, payload hash and ingest time, so that posting, which is idempotent, posts it once at most.
//
// Three places are read, each for what it alone knows: the timeline for where the payment stands and how many attempts there
// were; the authorizations table for the authorization itself, of which no later event is the source; and dedup's claim for the
// hash and time under which it was taken in. The authorization must still have the claimed hash: an item that was changed after
// it was taken in is a conflict, and correcting it would repair something else than what failed.
package repair

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// maxReason is the longest reason taken, in bytes: a sentence, not a document.
const maxReason = 500

// Why a payment cannot be repaired.
var (
	// ErrNotTaken: the timeline has nothing of the payment, or the authorization is gone.
	ErrNotTaken = errors.New("no payment is known under this id")
	// ErrPosted: what is posted is not changed by a repair.
	ErrPosted = errors.New("the payment is posted")
	// ErrUnderWay: an attempt has not come to its end.
	ErrUnderWay = errors.New("the payment is still under way")
	// ErrNotFailed: the payment came to another end than a failed review.
	ErrNotFailed = errors.New("the payment did not fail its review")
	// ErrSeveral: an authorization id stands for several failed payments.
	ErrSeveral = errors.New("several payments of this authorization failed their review")
	// ErrChanged: the authorization is not the one that was taken in any more.
	ErrChanged = errors.New("the authorization was changed after it was taken in")
	// ErrNotApproved: the authorizer has taken the authorization back.
	ErrNotApproved = errors.New("the authorization is not " + payment.StatusApproved + " any more")
	// ErrForgotten: dedup does not remember the payment any more.
	ErrForgotten = errors.New("the claim of the payment's business key has expired")
	// ErrCardNumber: a value holds a card number, which no event may carry.
	ErrCardNumber = errors.New("a card number must not be in an event")
	// ErrWouldFailAgain: the correction leaves the reason of the failure in place.
	ErrWouldFailAgain = errors.New("the issuer's country would still be unknown, and rule R-001 would fail the payment again")
	// ErrReason: the reason cannot be put into an event.
	ErrReason = fmt.Errorf("the reason must be one line of at most %d bytes", maxReason)
)

// Tables models the DynamoDB client.
type Tables interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Timeline models timeline.Reader.
type Timeline interface {
	Trace(ctx context.Context, id string) ([]timeline.Entry, error)
}

// Publisher models events.Publisher.
type Publisher interface {
	Publish(context.Context, []events.Event) events.Failures
}

// Repairer prepares and publishes repairs. It is safe for concurrent use if its members are.
type Repairer struct {
	Timeline            Timeline
	Tables              Tables
	AuthorizationsTable string
	DedupTable          string
	Publisher           Publisher
	Now                 func() time.Time
}

// Request is what a person asks for.
type Request struct {
	// ID is an authorization id or a transaction id.
	ID string
	// Set has the corrected fields by the names of the authorization item. It is empty where not the payment was wrong but what
	// it was judged by: its account's data, a limit of a rule.
	Set        map[string]string
	By, Reason string
}

// Plan is a repair that has been checked and not been published.
type Plan struct {
	AuthorizationID string          `json:"authorizationId"`
	TransactionID   string          `json:"transactionId"`
	EventID         string          `json:"eventId"`
	Failed          timeline.Entry  `json:"failed"`
	Repair          events.Repair   `json:"repair"`
	Changes         []Change        `json:"changes"`
	Metadata        events.Metadata `json:"-"`

	data events.AuthorizedData
	// expiresAt is when dedup forgets the payment.
	expiresAt types.AttributeValue
}

// Change is one corrected field.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Plan checks a request and prepares the event, which it does not publish.
func (r *Repairer) Plan(ctx context.Context, request Request) (Plan, error) {
	if err := check(request); err != nil {
		return Plan{}, err
	}
	happened, err := r.Timeline.Trace(ctx, request.ID)
	if errors.Is(err, timeline.ErrNotFound) {
		return Plan{}, fmt.Errorf("%w: %s", ErrNotTaken, request.ID)
	}
	if err != nil {
		return Plan{}, fmt.Errorf("reading the timeline: %w", err)
	}
	failure, attempts, err := failedReview(request.ID, happened)
	if err != nil {
		return Plan{}, err
	}
	authorization, taken, err := r.read(ctx, failure)
	if err != nil {
		return Plan{}, err
	}
	corrected := authorization
	if len(request.Set) > 0 {
		if corrected, err = authorization.Correct(request.Set); err != nil {
			return Plan{}, err
		}
	}
	if !payment.KnownCountry(corrected.IssuerCountry) {
		return Plan{}, ErrWouldFailAgain
	}
	first := events.First(events.TransactionAuthorized, failure.TransactionID, authorization.ID, authorization.PANToken, "", taken.ingestedAt, taken.ingestedAt)
	plan := Plan{
		AuthorizationID: authorization.ID, TransactionID: failure.TransactionID, Failed: failure, Changes: changes(authorization, corrected),
		Repair:   events.Repair{Attempt: attempts + 1, Set: map[string]string{}, By: request.By, Reason: request.Reason},
		Metadata: first.Retry(events.TransactionAuthorized, attempts+1, failure.EventID, r.Now()),
	}
	for _, change := range plan.Changes {
		plan.Repair.Set[change.Field] = change.After
	}
	plan.EventID = plan.Metadata.EventID
	plan.data = events.AuthorizedData{Authorization: corrected, BusinessKey: taken.businessKey, PayloadHash: taken.payloadHash, Repair: &plan.Repair}
	plan.expiresAt = taken.expiresAt
	return plan, nil
}

// Publish takes the attempt and sends the payment through. Publishing a plan again repeats its event: the ids are the same.
func (r *Repairer) Publish(ctx context.Context, plan Plan) error {
	event, err := events.New(events.TransactionAuthorized, events.SourceRepair, plan.Metadata, plan.data)
	if err != nil {
		return err
	}
	if err := r.take(ctx, plan); err != nil {
		return err
	}
	if failures := r.Publisher.Publish(ctx, []events.Event{event}); failures[0] != nil {
		return fmt.Errorf("publishing the repair: %w", failures[0])
	}
	return nil
}

// check looks at what needs no other system: what goes into the event must not hold a card number.
func check(request Request) error {
	if len(request.Reason) > maxReason || strings.ContainsFunc(request.Reason, unicode.IsControl) {
		return ErrReason
	}
	if panguard.Contains(request.Reason) {
		return fmt.Errorf("%w: the reason holds one", ErrCardNumber)
	}
	for name, value := range request.Set {
		// A field that may not be corrected is refused by its name, so that its value is of no interest here.
		if panguard.Contains(value) && !payment.FieldHasForm(name, value) {
			return fmt.Errorf("%w: a new value holds one", ErrCardNumber)
		}
	}
	return nil
}

// failedReview is the event by which the payment's last attempt failed, and how many attempts there were.
func failedReview(id string, happened []timeline.Entry) (failure timeline.Entry, attempts int, err error) {
	failures := map[string]bool{}
	for _, e := range happened {
		if e.DetailType == events.TransactionPostingFailed && (e.TransactionID == id || e.AuthorizationID == id) {
			failures[e.TransactionID] = true
			failure = e // The last one: entries come in order.
		}
	}
	if len(failures) > 1 {
		return timeline.Entry{}, 0, fmt.Errorf("%w: name one by its transaction id", ErrSeveral)
	}
	ended, posted := false, false
	for _, e := range happened {
		if len(failures) == 1 && e.TransactionID != failure.TransactionID {
			continue
		}
		attempts = max(attempts, e.Attempt, 1)
		posted = posted || e.DetailType == events.TransactionPosted
		ended = ended || e.DetailType != events.TransactionAuthorized && isEnd(e.DetailType)
	}
	switch {
	case posted:
		return timeline.Entry{}, 0, ErrPosted
	case len(failures) == 1 && max(failure.Attempt, 1) < attempts:
		return timeline.Entry{}, 0, fmt.Errorf("%w: attempt %d has not come to its end", ErrUnderWay, attempts)
	case len(failures) == 1:
		return failure, attempts, nil
	case !ended:
		return timeline.Entry{}, 0, ErrUnderWay
	default:
		return timeline.Entry{}, 0, ErrNotFailed
	}
}

// isEnd reports whether dedup ended the payment's way with this event.
func isEnd(detailType events.DetailType) bool {
	switch detailType {
	case events.DuplicateTransactionParked, events.DuplicateConflictDetected, events.TransactionRejected, events.TransactionQuarantined:
		return true
	default:
		return false
	}
}

// taken is how dedup took a payment in.
type taken struct {
	businessKey, payloadHash string
	ingestedAt               time.Time
	expiresAt                types.AttributeValue
}

// read reads the authorization that failed and its claim, both consistently, and checks that they belong together.
func (r *Repairer) read(ctx context.Context, failure timeline.Entry) (payment.Authorization, taken, error) {
	item, err := r.get(ctx, r.AuthorizationsTable, authorizationitem.KeyAttribute, failure.AuthorizationID)
	if err != nil {
		return payment.Authorization{}, taken{}, fmt.Errorf("reading authorization %s: %w", failure.AuthorizationID, err)
	}
	if len(item) == 0 {
		return payment.Authorization{}, taken{}, fmt.Errorf("%w: authorization %s is not there any more", ErrNotTaken, failure.AuthorizationID)
	}
	// Neither hash nor key has the status: what the authorizer took back after the review failed is not owed any more.
	if item.Attributes()["status"].Text != payment.StatusApproved {
		return payment.Authorization{}, taken{}, ErrNotApproved
	}
	authorization, err := payment.ParseAuthorization(item.Attributes())
	if err != nil {
		return payment.Authorization{}, taken{}, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	key := authorization.BusinessKey()
	if payment.TransactionID(key) != failure.TransactionID {
		return payment.Authorization{}, taken{}, fmt.Errorf("%w: it has another business key", ErrChanged)
	}
	claim, err := r.get(ctx, r.DedupTable, "businessKey", key)
	if err != nil {
		return payment.Authorization{}, taken{}, fmt.Errorf("reading the claim of %s: %w", failure.TransactionID, err)
	}
	if len(claim) == 0 {
		return payment.Authorization{}, taken{}, ErrForgotten
	}
	attributes := claim.Attributes()
	if attributes["authorizationId"].Text != authorization.ID || attributes["payloadHash"].Text != authorization.PayloadHash() {
		return payment.Authorization{}, taken{}, fmt.Errorf("%w: its content is not what was claimed", ErrChanged)
	}
	ingestedAt, err := time.Parse(time.RFC3339, attributes["ingestedAt"].Text)
	if err != nil {
		return payment.Authorization{}, taken{}, fmt.Errorf("reading the claim of %s: its ingestedAt: %w", failure.TransactionID, err)
	}
	expiresAt, ok := claim["expiresAt"]
	if !ok {
		return payment.Authorization{}, taken{}, fmt.Errorf("reading the claim of %s: it has no expiresAt", failure.TransactionID)
	}
	return authorization, taken{key, attributes["payloadHash"].Text, ingestedAt, expiresAt}, nil
}

func (r *Repairer) get(ctx context.Context, table, key, value string) (authorizationitem.Item, error) {
	out, err := r.Tables.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &table, ConsistentRead: aws.Bool(true), Key: map[string]types.AttributeValue{key: &types.AttributeValueMemberS{Value: value}},
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// changes lists the corrected fields that have another value now.
func changes(before, after payment.Authorization) []Change {
	var changed []Change
	for _, name := range payment.Correctable() {
		if from, to := before.Correctable(name), after.Correctable(name); from != to {
			changed = append(changed, Change{name, from, to})
		}
	}
	return changed
}
