package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/auditlog"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/payment"
)

// found is where a scenario's authorizations have ended.
type found struct {
	journals map[string][]ledger.Record // By authorization.
	parked   map[string]bool
	failed   map[string]bool // Reviews, by authorization.
	archived map[string]archivedMetadata
}

// archivedMetadata is what the check needs of an event in the archive, by event id.
type archivedMetadata struct {
	detailType events.DetailType
	events.Metadata
}

// verdict is what a check comes to.
type verdict struct {
	lost, duplicated []string
	problems         []string // Other invariants that do not hold.
}

func (v verdict) holds() bool { return len(v.lost)+len(v.duplicated)+len(v.problems) == 0 }

func (v verdict) String() string {
	return fmt.Sprintf("lost %v, duplicated %v, %v", shortened(v.lost), shortened(v.duplicated), shortened(v.problems))
}

func shortened(list []string) []string {
	const shown = 12
	if len(list) > shown {
		return append(slices.Clone(list[:shown]), fmt.Sprintf("… %d in all", len(list)))
	}
	return list
}

func (v *verdict) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// check compares everything there is at rest with what the input asks for.
func (s *system) check(t *testing.T, input *faultInput, deadLetters map[string]int, withTimeline bool) verdict {
	t.Helper()
	var v verdict
	f := s.find(t)
	for _, e := range input.expected {
		f.judge(e, &v)
	}
	f.judgeOthers(input.expected, &v)
	s.checkLedger(t, input, f, &v)
	held := s.deadLettersByName(t)
	if !maps.Equal(held, deadLetters) && len(held)+len(deadLetters) > 0 {
		v.problem("dead letters %v, want %v", held, deadLetters)
	}
	s.checkRecords(t, f, &v)
	f.checkStories(&v)
	if withTimeline {
		s.checkTimeline(t, f, &v)
	}
	return v
}

// deadLettersByName is how many messages each dead-letter queue holds that holds any, by its name in the template.
func (s *system) deadLettersByName(t *testing.T) map[string]int {
	t.Helper()
	held := map[string]int{}
	for _, queue := range s.deadLetters(t) {
		name, count, _ := strings.Cut(strings.TrimPrefix(queue, "Payrail-"), ": ")
		n, err := strconv.Atoi(count)
		require.NoError(t, err)
		held[strings.TrimRight(name, "0123456789ABCDEF")] = n
	}
	return held
}

// find reads the ledger, the parked bucket and the archive.
func (s *system) find(t *testing.T) found {
	t.Helper()
	f := found{journals: map[string][]ledger.Record{}, parked: map[string]bool{}, failed: map[string]bool{},
		archived: map[string]archivedMetadata{}}
	require.NoError(t, s.ledger.EachJournal(t.Context(), func(r ledger.Record) error {
		f.journals[r.AuthorizationID] = append(f.journals[r.AuthorizationID], r)
		return nil
	}))
	client := awsconfig.S3(s.aws)
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(s.outputs["ParkedBucket"])})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, object := range page.Contents {
			var record parked.Record
			require.NoError(t, json.Unmarshal(s.object(t, s.outputs["ParkedBucket"], *object.Key), &record))
			f.parked[record.AuthorizationID] = true
		}
	}
	require.NoError(t, s.ArchivedEvents(s.outputs["ArchiveName"], func(envelope []byte) bool {
		var e struct {
			DetailType events.DetailType `json:"detail-type"`
			Detail     struct{ Metadata events.Metadata }
		}
		require.NoError(t, json.Unmarshal(envelope, &e), "the archive holds what is no event")
		f.archived[e.Detail.Metadata.EventID] = archivedMetadata{e.DetailType, e.Detail.Metadata}
		if e.DetailType == events.TransactionPostingFailed {
			f.failed[e.Detail.Metadata.CorrelationID] = true
		}
		return true
	}))
	return f
}

// judge says what became of one payment: every authorization in one final place.
func (f found) judge(e expectation, v *verdict) {
	posted, parked, failed := 0, 0, 0
	for _, id := range e.ids {
		n := len(f.journals[id])
		posted += n
		if f.parked[id] {
			parked++
			n++
		}
		if f.failed[id] {
			failed++
			n++
		}
		switch {
		case n == 0:
			v.lost = append(v.lost, id)
		case n > 1:
			v.duplicated = append(v.duplicated, id)
		}
	}
	want := map[final][2]int{postedOnce: {1, 0}, inSuspense: {1, 0}, failedReview: {0, 1}, parkedAway: {0, 0}}[e.end]
	if posted > want[0] && !slices.Contains(v.duplicated, e.ids[0]) {
		v.duplicated = append(v.duplicated, e.ids[0])
	}
	if posted != want[0] || failed != want[1] || parked != e.parked {
		v.problem("%v: %d journal entries, %d failed reviews, %d parked; it is to be %s", e.ids, posted, failed, parked, e.end)
	}
	if e.reversed != "" {
		if n := len(f.journals[e.reversed]); n == 0 {
			v.lost = append(v.lost, e.reversed)
		} else if n > 1 {
			v.duplicated = append(v.duplicated, e.reversed)
		}
	}
}

// judgeOthers finds what nobody has asked for.
func (f found) judgeOthers(expected []expectation, v *verdict) {
	asked := map[string]bool{}
	for _, e := range expected {
		for _, id := range e.ids {
			asked[id] = true
		}
		asked[e.reversed] = true
	}
	for id, records := range f.journals {
		if !asked[id] {
			v.problem("%s: %d journal entries of what is no authorization", id, len(records))
		}
	}
	for id := range f.parked {
		if !asked[id] {
			v.problem("%s is parked, and is no authorization", id)
		}
	}
}

// checkLedger compares the balances with those computed from the input, and the ledger with itself.
func (s *system) checkLedger(t *testing.T, input *faultInput, f found, v *verdict) {
	t.Helper()
	balances, entries := map[string]int64{}, map[string]int64{}
	var fee, tax, suspense int64
	for _, e := range input.expected {
		switch {
		case e.end == inSuspense:
			suspense += e.amount
		case e.end == postedOnce:
			entries[e.account]++
			if e.reversed != "" {
				entries[e.account]++
				continue
			}
			balances[e.account] -= e.amount + e.fee + e.tax
			fee, tax = fee+e.fee, tax+e.tax
		}
	}
	for n := range faultAccounts {
		account := faultAccount(n)
		held, err := s.ledger.Balances(t.Context(), account)
		require.NoError(t, err)
		var amount, count int64
		for _, b := range held {
			amount, count = amount+b.Amount.Minor, count+b.JournalCount
		}
		if amount != balances[account] || count != entries[account] {
			v.problem("%s has %d after %d entries, want %d after %d", account, amount, count, balances[account], entries[account])
		}
	}
	verified, err := s.ledger.Verify(t.Context())
	require.NoError(t, err)
	for _, finding := range verified.Findings {
		v.problem("ledger verify: %v", finding)
	}
	trial, err := s.ledger.TrialBalance(t.Context(), time.Time{})
	require.NoError(t, err)
	if !trial.Balanced() {
		v.problem("debits and credits differ")
	}
	sums := map[string]int64{}
	for _, line := range trial.Lines {
		name, _, _ := strings.Cut(line.Account, ".")
		net, err := line.Net()
		require.NoError(t, err)
		sums[name] += net.Minor
	}
	for name, want := range map[string]int64{"FEE_INCOME": fee, "TAX_PAYABLE": tax, "SUSPENSE": suspense} {
		if got := sums[name]; got != want && got != -want {
			v.problem("%s has %d, want %d", name, got, want)
		}
	}
	for id, records := range f.journals {
		for _, r := range records {
			if err := balancedLegs(r.Legs); err != nil {
				v.problem("%s: %v", id, err)
			}
		}
	}
}

// balancedLegs says whether debits equal credits in each currency.
func balancedLegs(legs []payment.Leg) error {
	sums := map[payment.Currency]int64{}
	for _, l := range legs {
		if l.Side == payment.Debit {
			sums[l.Amount.Currency] += l.Amount.Minor
		} else {
			sums[l.Amount.Currency] -= l.Amount.Minor
		}
	}
	for currency, sum := range sums {
		if sum != 0 {
			return fmt.Errorf("debits and credits differ by %d %s", sum, currency)
		}
	}
	return nil
}

// checkRecords compares the archive with the audit log: whatever is in one is in the other.
func (s *system) checkRecords(t *testing.T, f found, v *verdict) {
	t.Helper()
	require.NoError(t, s.FlushAudit(t.Context()))
	audited := s.auditedIDs(t)
	for id := range f.archived {
		if !audited[id] {
			v.problem("%s is in the archive and not in the audit log", id)
		}
	}
	for id := range audited {
		if _, ok := f.archived[id]; !ok {
			v.problem("%s is in the audit log and not in the archive", id)
		}
	}
}

// way is what the archive must tell of every authorization that is posted: of each step one event or another.
var way = [][]events.DetailType{{events.TransactionAuthorized}, {events.TransactionStandardized}, {events.TransactionEnriched},
	{events.TransactionPostingApproved, events.TransactionRoutedToSuspense}, {events.PostingLegCreated, events.PostingOrderCreated}}

// checkStories wants the whole way of every posting in the archive, from the authorization to the news that it is posted.
func (f found) checkStories(v *verdict) {
	type step struct {
		of         string // An authorization, or a posting sequence.
		detailType events.DetailType
	}
	told := map[step]bool{}
	for _, e := range f.archived {
		told[step{e.CorrelationID, e.detailType}], told[step{e.PostingSequence, e.detailType}] = true, true
	}
	for id, records := range f.journals {
		for _, either := range way {
			isCase := strings.HasPrefix(id, payment.CaseIDPrefix) // What a case asks for begins with its posting.
			if !isCase && !slices.ContainsFunc(either, func(d events.DetailType) bool { return told[step{id, d}] }) {
				v.problem("%s is posted, and no %v tells of it", id, either)
			}
		}
		for _, r := range records {
			if !told[step{r.ID, events.TransactionPosted}] {
				v.problem("%s: %s is posted and nobody was told", id, r.ID)
			}
		}
	}
}

// checkTimeline wants every event of a transaction that is in the archive in the transaction's timeline.
func (s *system) checkTimeline(t *testing.T, f found, v *verdict) {
	t.Helper()
	kept := map[string]bool{}
	pages := dynamodb.NewScanPaginator(s.dynamodb, &dynamodb.ScanInput{TableName: aws.String(s.outputs["TimelineTable"]), ProjectionExpression: aws.String("sk")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, item := range page.Items {
			kept[item["sk"].(*types.AttributeValueMemberS).Value] = true
		}
	}
	for id, e := range f.archived {
		if e.TransactionID != "" && !kept[id] {
			v.problem("%s is in no timeline", id)
		}
	}
}

// auditedIDs are the ids of all events in the audit log.
func (s *system) auditedIDs(t *testing.T) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	reader := auditlog.NewReader(awsconfig.S3(s.aws), s.outputs["AuditBucket"])
	objects, err := reader.List(t.Context(), auditlog.Partition{})
	require.NoError(t, err)
	for _, object := range objects {
		err := reader.Read(t.Context(), object.Key, auditlog.Of{}, func(e auditlog.Event) error {
			ids[e.Metadata.EventID] = true
			return nil
		})
		require.NoError(t, err)
	}
	return ids
}

// The verdict is only worth what it can find: a payment that is nowhere, twice or in two places is told.
func TestFaultVerdict(t *testing.T) {
	one := []ledger.Record{{}}
	for name, c := range map[string]struct {
		end              final
		parked           int
		found            found
		lost, duplicated []string
		held             bool
	}{
		"posted":                     {end: postedOnce, found: found{journals: map[string][]ledger.Record{"a": one}}, held: true},
		"nowhere":                    {end: postedOnce, lost: []string{"a"}},
		"posted twice":               {end: postedOnce, found: found{journals: map[string][]ledger.Record{"a": {{}, {}}}}, duplicated: []string{"a"}},
		"posted and parked":          {end: postedOnce, found: found{journals: map[string][]ledger.Record{"a": one}, parked: map[string]bool{"a": true}}, duplicated: []string{"a"}},
		"posted and failed":          {end: failedReview, found: found{journals: map[string][]ledger.Record{"a": one}, failed: map[string]bool{"a": true}}, duplicated: []string{"a"}},
		"failed its review":          {end: failedReview, found: found{failed: map[string]bool{"a": true}}, held: true},
		"posted for another":         {end: parkedAway, parked: 1, found: found{journals: map[string][]ledger.Record{"a": one}}, duplicated: []string{"a"}},
		"parked instead of posted":   {end: postedOnce, found: found{parked: map[string]bool{"a": true}}},
		"posted and nobody asked":    {end: postedOnce, found: found{journals: map[string][]ledger.Record{"a": one, "b": one}}},
		"parked, and what was that?": {end: postedOnce, found: found{journals: map[string][]ledger.Record{"a": one}, parked: map[string]bool{"b": true}}},
	} {
		var v verdict
		e := expectation{ids: []string{"a"}, end: c.end, parked: c.parked}
		c.found.judge(e, &v)
		c.found.judgeOthers([]expectation{e}, &v)
		require.Equal(t, c.lost, v.lost, name)
		require.Equal(t, c.duplicated, v.duplicated, name)
		require.Equal(t, c.held, v.holds(), "%s: %s", name, v)
	}
}

// A posting of whose way one event is missing is told.
func TestFaultVerdictOfStories(t *testing.T) {
	way := []events.DetailType{events.TransactionAuthorized, events.TransactionStandardized, events.TransactionEnriched, events.TransactionPostingApproved,
		events.PostingLegCreated, events.TransactionPosted}
	for missing := range len(way) + 1 {
		f := found{journals: map[string][]ledger.Record{"auth-1": {{JournalEntry: payment.JournalEntry{Sequence: payment.Sequence{ID: "seq_1"}}}}}, archived: map[string]archivedMetadata{}}
		for n, detailType := range way {
			if n != missing {
				f.archived[string(detailType)] = archivedMetadata{detailType, events.Metadata{CorrelationID: "auth-1", PostingSequence: "seq_1"}}
			}
		}
		var v verdict
		f.checkStories(&v)
		require.Equal(t, missing == len(way), v.holds(), "%v", v)
	}
}
