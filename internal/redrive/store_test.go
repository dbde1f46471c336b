package redrive

import (
	"bufio"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"
)

// pages are the resources of a stack, a few at a time.
type pages struct {
	all []types.StackResourceSummary
	err error
}

func (p pages) ListStackResources(_ context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	if p.err != nil {
		return nil, p.err
	}
	const size = 50
	if in.NextToken == nil {
		return &cloudformation.ListStackResourcesOutput{StackResourceSummaries: p.all[:size], NextToken: aws.String("more")}, nil
	}
	return &cloudformation.ListStackResourcesOutput{StackResourceSummaries: p.all[size:]}, nil
}

// template is what the stack consists of, as infra's own test has it.
func template(t *testing.T) (p pages) {
	t.Helper()
	file, err := os.Open("../../infra/testdata/resources.golden")
	require.NoError(t, err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		kind, id, ok := strings.Cut(lines.Text(), " ")
		require.True(t, ok)
		p.all = append(p.all, types.StackResourceSummary{ResourceType: &kind, LogicalResourceId: &id, PhysicalResourceId: aws.String("physical/" + id)})
	}
	return p
}

// A queue that the template gets and this package does not know would be listed, and never put back.
func TestEveryDeadLetterQueueOfTheStackIsKnown(t *testing.T) {
	layout, err := Discover(t.Context(), template(t), "Payrail")
	require.NoError(t, err)
	kinds := map[string]Kind{}
	for _, s := range layout.Stores {
		kinds[s.Name] = s.Kind
		require.NotEqual(t, Unknown, s.Kind, s.Name)
	}
	for name, want := range map[string]Kind{"PostingDeadLetters": Processor, "TrackerDeadLetters": Processor, "DisputesDeadLetters": Processor, "RulesDeadLetters": Machine,
		"PipeDeadLetters": Pipe, "BusDeadLetters": Bus, "DigestDeadLetters": Function, "ReconcileDeadLetters": Function, "DisputesweepDeadLetters": Function,
		"PostingUndelivered": Rule, "AuditLogUndelivered": Rule, "ReconcileUndelivered": Rule, ParkedName: Parked, quarantineName: Quarantine} {
		require.Equal(t, want, kinds[name], name)
	}
	require.Regexp(t, "^physical/DedupFunction", layout.DedupFunction)
	require.Regexp(t, "^physical/TablesAuthorizations", layout.AuthorizationsTable)
	require.Regexp(t, "^physical/Bus", layout.EventBus)
	for _, s := range layout.Stores {
		if s.Kind == Processor {
			require.Equal(t, s.scope()+"Queue", s.To)
			require.Regexp(t, "^physical/"+s.To, s.target)
		}
	}
}

// What is downstream comes first: what one store puts back is not met again in the next.
func TestStoresInOrder(t *testing.T) {
	layout, err := Discover(t.Context(), template(t), "Payrail")
	require.NoError(t, err)
	stores, err := layout.Find([]string{"pipedeadletters", "PostingUndelivered", "PostingDeadLetters"})
	require.NoError(t, err)
	require.Equal(t, []string{"PostingDeadLetters", "PostingUndelivered", "PipeDeadLetters"}, []string{stores[0].Name, stores[1].Name, stores[2].Name})
	_, err = layout.Find([]string{"NoSuch"})
	require.ErrorIs(t, err, ErrNoStore)
}

func TestAStackThatCannotBeListed(t *testing.T) {
	_, err := Discover(t.Context(), pages{err: errBroken}, "Payrail")
	require.ErrorIs(t, err, errBroken)
}

// Every store sends to a place of the page that is there.
func TestEveryRunbookIsWritten(t *testing.T) {
	page, err := os.ReadFile("../../docs/how-to/redrive.md")
	require.NoError(t, err)
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`<a id="([a-z]+)"></a>`).FindAllSubmatch(page, -1) {
		anchors["docs/how-to/redrive.md#"+string(m[1])] = true
	}
	layout, err := Discover(t.Context(), template(t), "Payrail")
	require.NoError(t, err)
	for _, s := range append(layout.Stores, resources{}.deadLetters("New", Store{})) {
		require.True(t, anchors[s.Runbook], s.Runbook)
	}
}
