package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/redrive"
)

func TestRedriveRefusesWrongWords(t *testing.T) {
	cleanEnvironment(t)
	for name, tc := range map[string]struct {
		arguments []string
		want      string
	}{
		"all and a store":    {[]string{"PostingDeadLetters", "--all"}, "--all goes without stores and ids"},
		"no rate":            {[]string{"--all", "--rate", "fast"}, "--rate fast is not possible"},
		"too slow":           {[]string{"--all", "--rate", "0/s"}, "--rate 0/s is not possible"},
		"other unit":         {[]string{"--all", "--rate", "5/h"}, "--rate 5/h is not possible"},
		"no time":            {[]string{"--all", "--since", "yesterday"}, "--since yesterday is no RFC 3339 time"},
		"no other time":      {[]string{"--all", "--until", "now"}, "--until now is no RFC 3339 time"},
		"two lines":          {[]string{"--all", "--reason", "a\nb"}, "one line of at most 500 bytes"},
		"a card":             {[]string{"--all", "--reason", "card 4111 1111 1111 1111"}, "the reason holds a card number"},
		"nothing to do":      {[]string{"--dry-run"}, "does not know what to put back"},
		"an empty id":        {[]string{""}, "payrail redrive needs a store or an id"},
		"show without an id": {[]string{"show"}, "payrail redrive show needs ID"},
		"two stores to list": {[]string{"list", "A", "B"}, `does not take "B"`},
		"no items to list":   {[]string{"list", "--limit", "0"}, "--limit must be above zero"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, append([]string{"redrive"}, tc.arguments...)...)
			require.Equal(t, statusUsage, r.status, r.stderr)
			require.Contains(t, r.stderr, tc.want)
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), "one line")
			require.NotContains(t, r.stderr, "4111")
		})
	}
}

func TestRates(t *testing.T) {
	for text, want := range map[string]float64{"50/s": 50, "50": 50, "0.5/s": 0.5, "30/m": 0.5, "10000/s": 10_000} {
		got, err := parseRate(text)
		require.NoError(t, err, text)
		require.InDelta(t, want, got, 1e-9, text)
	}
	for _, text := range []string{"", "/s", "-1/s", "NaN", "Inf", "10001/s", "0.1/m"} {
		_, err := parseRate(text)
		require.Error(t, err, text)
	}
}

func TestWhatIsToBePutBack(t *testing.T) {
	layout := redrive.Layout{Stores: []redrive.Store{{Name: "PostingDeadLetters", Kind: redrive.Processor}, {Name: "PostingUndelivered", Kind: redrive.Rule},
		{Name: "Parked", Kind: redrive.Parked}, {Name: "Quarantine", Kind: redrive.Quarantine}}}
	const id, object = "5fea7756-0ea4-451a-a703-a558b933e274", "2026/07/09/MALFORMED/auth-1-0123456789abcdef.json"
	for name, tc := range map[string]struct {
		words, stores, ids []string
	}{
		"all":              {nil, []string{"PostingDeadLetters", "PostingUndelivered"}, nil},
		"a store":          {[]string{"postingundelivered"}, []string{"PostingUndelivered"}, nil},
		"parked by name":   {[]string{"parked"}, []string{"Parked"}, nil},
		"an id":            {[]string{id}, []string{"PostingDeadLetters", "PostingUndelivered"}, []string{id}},
		"a transaction":    {[]string{"tx_A"}, []string{"PostingDeadLetters", "PostingUndelivered"}, []string{"tx_A"}},
		"a parked object":  {[]string{object}, []string{"PostingDeadLetters", "PostingUndelivered", "Parked"}, []string{object}},
		"an id of a store": {[]string{"PostingDeadLetters", id}, []string{"PostingDeadLetters"}, []string{id}},
	} {
		t.Run(name, func(t *testing.T) {
			stores, ids, err := chooseStores(layout, tc.words)
			require.NoError(t, err)
			var names []string
			for _, s := range stores {
				names = append(names, s.Name)
			}
			require.Equal(t, tc.stores, names)
			require.Equal(t, tc.ids, ids)
		})
	}
	_, _, err := chooseStores(layout, []string{"PostingDeadLeters"})
	require.ErrorContains(t, err, "there is no store PostingDeadLeters")
	_, _, err = chooseStores(layout, []string{"quarantine"})
	require.ErrorContains(t, err, "card data, and only counted")
}

func TestConfirmation(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "n\n": false, "\n": false, "": false, "maybe\n": false} {
		var asked bytes.Buffer
		require.Equal(t, want, (&application{stderr: &asked}).confirmed(strings.NewReader(answer), "put back 3 items?"), answer)
		require.Equal(t, "put back 3 items? [y/N] ", asked.String())
	}
}

// deadLetter is an event as posting's dead-letter queue holds it.
const deadLetter = `{"version":"0","id":"i","detail-type":"PostingLegCreated","source":"payrail.accountinterface","detail":{"metadata":{"eventId":"ps_A-00/PostingLegCreated/1","transactionId":"tx_A","correlationId":"auth-1"},"data":{}}}`

// From the first look to an empty queue, on a stack with one dead-letter queue.
func TestRedrive(t *testing.T) {
	cleanEnvironment(t)
	t.Setenv(endpointVariable, startSmallStack(t))
	cfg, err := awsConfig(context.Background(), endpointInUse())
	require.NoError(t, err)
	queues := sqs.NewFromConfig(cfg)
	send := func(body string) string {
		t.Helper()
		url, err := queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("Payrail-PostingDeadLettersC007B9ED")})
		require.NoError(t, err)
		out, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: &body})
		require.NoError(t, err)
		return *out.MessageId
	}
	require.Contains(t, execute(t, "redrive", "list").stdout, "nothing lies there")
	id, bad := send(deadLetter), send("no event")

	r := execute(t, "redrive")
	require.Zero(t, r.status, r.stderr)
	require.Regexp(t, `PostingDeadLetters +2 +\d+s  PROCESSING_FAILED 1, UNREADABLE 1  PostingQueue  docs/how-to/redrive.md#processors`, r.stdout)
	require.Contains(t, r.stdout, "2 in dead-letter queues")
	r = execute(t, "redrive", "list", "PostingDeadLetters")
	require.Contains(t, r.stdout, id+"  tx_A         PostingLegCreated  PROCESSING_FAILED")
	require.Contains(t, r.stdout, "stays: it cannot be read")
	r = execute(t, "redrive", "show", id)
	var item redrive.Item
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &item))
	require.JSONEq(t, deadLetter, string(item.Content))
	require.Equal(t, statusFailed, execute(t, "redrive", "show", "5fea7756-0ea4-451a-a703-a558b933e274").status)
	require.Equal(t, statusUsage, execute(t, "redrive", "list", "NoSuchStore").status)
	require.Equal(t, statusUsage, execute(t, "redrive", "NoSuchStore").status)

	r = execute(t, "redrive", "--all", "--dry-run")
	require.Equal(t, statusFailed, r.status, "not everything could be put back")
	require.Contains(t, r.stdout, "dry run: 1 would be put back, 1 left, 0 failed; nothing was touched")
	r = execute(t, "redrive", id, "--reason", "tried one")
	require.Zero(t, r.status, r.stderr)
	require.Contains(t, r.stdout, "PostingDeadLetters  1 put back to PostingQueue; 1 remain")
	r = execute(t, "redrive", "--all", "--yes")
	require.Equal(t, statusFailed, r.status)
	require.Contains(t, r.stdout, bad+": it cannot be read")
	require.Contains(t, r.stderr, "1 items were left where they are")
	r = execute(t, "redrive", "tx_A")
	require.Equal(t, statusFailed, r.status)
	require.Contains(t, r.stderr, "1 ids are in no store")

	url, err := queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("Payrail-PostingQueueA13C26D6")})
	require.NoError(t, err)
	out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10})
	require.NoError(t, err)
	require.Len(t, out.Messages, 1)
	require.Equal(t, deadLetter, *out.Messages[0].Body, "byte for byte")
}

func TestShowRedriven(t *testing.T) {
	items := []redrive.Result{{ID: "m1", Store: "PostingDeadLetters", Outcome: redrive.Failed, Problem: "sending it to PostingQueue: broken\nat once"}}
	for range maxProblems {
		items = append(items, redrive.Result{ID: "m2", Outcome: redrive.Left, Problem: "stays"})
	}
	report := redrive.Report{ID: "rd_1", Tally: redrive.Tally{PutBack: 2, Left: maxProblems, Failed: 1}, Items: items,
		Stores: []redrive.StoreReport{{Store: "PostingDeadLetters", To: "PostingQueue", Tally: redrive.Tally{PutBack: 2, Left: maxProblems, Failed: 1}, Stopped: "interrupted", Notes: []string{"a note"}, Remaining: redrive.Count{Items: 21, InHand: 10}}}}
	var stdout bytes.Buffer
	require.NoError(t, (&application{stdout: &stdout}).showRedriven(report))
	for _, want := range []string{"PostingDeadLetters  2 put back to PostingQueue, 20 left, 1 failed; 21 remain, about 10 of them in hand: SQS counts late, and what a receive has lost is back within 15 minutes\n  a note\n  interrupted\n",
		"  PostingDeadLetters m1: sending it to PostingQueue: broken at once\n", "and others: --json has them", "2 put back, 20 left, 1 failed  rd_1\n"} {
		require.Contains(t, stdout.String(), want)
	}
	for name, tc := range map[string]struct {
		report redrive.Report
		want   string
	}{
		"interrupted": {redrive.Report{Interrupted: true, Tally: redrive.Tally{PutBack: 3}}, "interrupted after 3 items; run it again for the rest"},
		"left":        {redrive.Report{Tally: redrive.Tally{Left: 2}}, "2 items were left"},
		"not found":   {redrive.Report{NotFound: []string{"x"}}, "1 ids are in no store"},
		"failed":      {redrive.Report{Tally: redrive.Tally{Failed: 2, Left: 1}}, "2 items failed, 1 were left"},
		"stopped":     {redrive.Report{Stores: []redrive.StoreReport{{Store: "A", Stopped: "it does not answer"}}}, "not every store was worked through"},
	} {
		require.ErrorContains(t, verdictOf(tc.report), tc.want, name)
	}
	require.NoError(t, verdictOf(redrive.Report{Tally: redrive.Tally{PutBack: 1}}))
}

func TestAges(t *testing.T) {
	for ago, want := range map[time.Duration]string{time.Second * 30: "30s", 90 * time.Second: "1m", 3 * time.Hour: "3h", 100 * time.Hour: "4d", -time.Hour: "0s"} {
		require.Equal(t, want, ageOf(time.Now().Add(-ago)))
	}
	require.Empty(t, ageOf(time.Time{}))
}
