package local

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

func (f fixture) faults(t *testing.T, method, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, f.Endpoint()+faultsPath, strings.NewReader(body))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestPlansOfFaultsOverHTTP(t *testing.T) {
	f := start(t)
	status, body := f.faults(t, http.MethodPut, `{"seed": 7, "faults": [{"kind": "throttle", "operation": "dynamodb:ListTables", "every": 1, "times": 1}]}`)
	require.Equal(t, http.StatusNoContent, status, body)
	status, answer := f.call(t, "dynamodb", "DynamoDB_20120810.ListTables", `{}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, answer["__type"], "ThrottlingException")

	status, body = f.faults(t, http.MethodPut, `{"faults": [{"kind": "kil"}]}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, body, `fault 1: the kind \"kil\" is none of`)

	status, body = f.faults(t, http.MethodGet, "")
	require.Equal(t, http.StatusOK, status)
	var report faults.Report
	require.NoError(t, json.Unmarshal([]byte(body), &report))
	require.Equal(t, faults.Report{Seed: 7, Armed: []faults.Fault{}, Injected: []faults.Count{
		{Kind: faults.Throttle, When: faults.BeforeEffect, Operation: "dynamodb:ListTables", Times: 1}}}, report)

	for range 2 {
		_, _ = f.faults(t, http.MethodPut, `{"seed": 8, "faults": [{"kind": "drop", "every": 2}]}`)
		require.Len(t, f.Faults.Report().Armed, 1, "a plan takes the place of another")
	}
	status, _ = f.faults(t, http.MethodPut, `{"faults": [{"kind": "kil"}]}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Len(t, f.Faults.Report().Armed, 1, "one that is none does not")

	_, _ = f.faults(t, http.MethodPost, `{"kind": "throttle", "operation": "dynamodb"}`)
	require.True(t, f.Faults.Active())
	status, _ = f.faults(t, http.MethodDelete, "")
	require.Equal(t, http.StatusNoContent, status)
	require.False(t, f.Faults.Active())
}
