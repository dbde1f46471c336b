package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/auditlog"
)

func TestAuditRefusesWrongWordsBeforeItConnects(t *testing.T) {
	cleanEnvironment(t)
	for name, tc := range map[string]struct {
		arguments []string
		want      string
	}{
		"nothing":        {[]string{"audit"}, "audit needs to know what to do"},
		"unknown":        {[]string{"audit", "dog"}, `payrail audit has no command "dog"`},
		"no such day":    {[]string{"audit", "ls", "--date", "2026-02-30"}, "--date 2026-02-30 is no date"},
		"everything":     {[]string{"audit", "cat"}, "audit cat needs to know what to print"},
		"key and date":   {[]string{"audit", "cat", "events/k.gz", "--date", "today"}, "do not go with keys"},
		"empty key":      {[]string{"audit", "cat", ""}, "a key is empty"},
		"surplus of ls":  {[]string{"audit", "ls", "x"}, `does not take "x"`},
		"surplus":        {[]string{"audit", "archive", "x"}, `does not take "x"`},
		"misspelt flags": {[]string{"audit", "ls", "--detail", "x"}, "unknown flag: --detail"},
	} {
		t.Run(name, func(t *testing.T) {
			got := execute(t, tc.arguments...)
			require.Equal(t, statusUsage, got.status)
			require.Contains(t, got.stderr, tc.want)
			require.Empty(t, got.stdout)
		})
	}
}

func TestAuditListing(t *testing.T) {
	objects := []auditlog.Object{{Key: "events/date=2026-07-09/detail-type=A/1.gz", Date: "2026-07-09", DetailType: "A", Size: 1234, Written: time.Date(2026, 7, 9, 10, 16, 31, 0, time.UTC)}}
	for name, tc := range map[string]struct {
		objects   []auditlog.Object
		partition auditlog.Partition
		json      bool
		want      string
	}{
		"objects": {objects, auditlog.Partition{}, false, "written               bytes  key\n" +
			"2026-07-09T10:16:31Z   1234  events/date=2026-07-09/detail-type=A/1.gz\n" +
			"objects: 1, bytes compressed: 1234; what happened in the last 60 to 90 s may not be written yet\n"},
		"JSON": {objects, auditlog.Partition{}, true, `[
  {
    "key": "events/date=2026-07-09/detail-type=A/1.gz",
    "date": "2026-07-09",
    "detailType": "A",
    "size": 1234,
    "written": "2026-07-09T10:16:31Z"
  }
]
`},
		"empty":         {nil, auditlog.Partition{}, false, "the audit log is empty: " + nextFlush + "\n"},
		"empty as JSON": {nil, auditlog.Partition{}, true, "[]\n"},
		"none picked":   {nil, auditlog.Partition{Date: "2026-07-09"}, false, "the audit log has nothing of this date and detail-type: " + nextFlush + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			a := &application{stdout: &stdout, json: tc.json}
			require.NoError(t, a.showAuditObjects(tc.objects, tc.partition))
			require.Equal(t, tc.want, stdout.String())
		})
	}
}
