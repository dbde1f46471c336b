package events

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOperatorActionNamesItsPhaseInItsID(t *testing.T) {
	started, err := NewOperatorAction(OperatorActionData{ActionID: "rd_1", Action: ActionRedrive, Phase: OperatorStarted, By: "ana"}, published, published)
	require.NoError(t, err)
	ended, err := NewOperatorAction(OperatorActionData{ActionID: "rd_1", Action: ActionRedrive, Phase: OperatorEnded, By: "ana"}, published, published)
	require.NoError(t, err)
	require.Contains(t, string(started.Detail), `"eventId":"rd_1/OperatorActionTaken/STARTED"`)
	require.Contains(t, string(ended.Detail), `"eventId":"rd_1/OperatorActionTaken/ENDED"`)
	require.Equal(t, SourceOperator, started.Source)
}

func TestOperatorActionNamesABoundedNumberOfItems(t *testing.T) {
	var items []string
	for i := range MaxOperatorItems + 1 {
		items = append(items, fmt.Sprint(i))
	}
	event, err := NewOperatorAction(OperatorActionData{ActionID: "rd_1", By: "ana", Items: items, Count: len(items)}, published, published)
	require.NoError(t, err)
	var detail Detail[OperatorActionData]
	require.NoError(t, json.Unmarshal(event.Detail, &detail))
	require.Len(t, detail.Data.Items, MaxOperatorItems)
	require.Equal(t, MaxOperatorItems+1, detail.Data.Count)
}

func TestOperatorActionNeedsAPerson(t *testing.T) {
	_, err := NewOperatorAction(OperatorActionData{ActionID: "rd_1"}, published, published)
	require.Error(t, err)
}
