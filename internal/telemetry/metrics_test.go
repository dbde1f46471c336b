package telemetry

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestACountIsALineOfTheEmbeddedMetricFormat(t *testing.T) {
	var written bytes.Buffer
	lookup := func(string) (string, bool) { return "Payrail-ReconcileFunction", true }
	metrics := NewMetrics(&written, lookup, func() time.Time { return time.UnixMilli(1795305600123) })
	require.NoError(t, metrics.Count("OpenBreaks", 3))
	require.JSONEq(t, `{"_aws":{"Timestamp":1795305600123,"CloudWatchMetrics":[{"Namespace":"Payrail","Dimensions":[["FunctionName"]],
		"Metrics":[{"Name":"OpenBreaks","Unit":"Count"}]}]},"FunctionName":"Payrail-ReconcileFunction","OpenBreaks":3}`, written.String())
	require.Equal(t, 1, bytes.Count(written.Bytes(), []byte("\n")), "a metric is one line")
	require.True(t, bytes.HasSuffix(written.Bytes(), []byte("\n")))
}

type closed struct{}

var errClosed = errors.New("closed")

func (closed) Write([]byte) (int, error) { return 0, errClosed }

func TestAMetricThatCannotBeWrittenIsAnError(t *testing.T) {
	metrics := NewMetrics(closed{}, func(string) (string, bool) { return "f", true }, time.Now)
	require.ErrorIs(t, metrics.Count("OpenBreaks", 0), errClosed)
}
