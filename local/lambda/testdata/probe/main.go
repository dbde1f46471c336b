// Command probe is the function the tests of package lambda run: its event says how to behave.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do      string
	Records []struct {
		MessageID string `json:"messageId"`
		Body      string
	}
}

// probeError is what a failing probe returns.
type probeError struct{ message string }

func (e probeError) Error() string { return e.message }

var served int

func handle(ctx context.Context, event json.RawMessage) (any, error) {
	served++
	var r request
	if err := json.Unmarshal(event, &r); err != nil {
		return nil, err
	}
	if r.Records != nil {
		return handleBatch(r)
	}
	switch r.Do {
	case "fail":
		return nil, probeError{"failed as told"}
	case "panic":
		panic("panicked as told")
	case "exit":
		os.Exit(3)
	case "gate":
		return os.Getpid(), gate(ctx)
	case "describe":
		return describe(ctx), nil
	case "print":
		fmt.Print("first line\nsecond line\n")
		return nil, nil
	case "child":
		child := exec.Command("/bin/sleep", "600")
		if err := child.Start(); err != nil {
			return nil, err
		}
		return child.Process.Pid, nil
	case "large":
		return strings.Repeat("x", 6291556), nil
	}
	return event, nil
}

// gate tells the test that the invocation has begun and blocks until the test answers.
func gate(ctx context.Context) error {
	url := fmt.Sprintf("%s/gate?pid=%d", os.Getenv("AWS_ENDPOINT_URL"), os.Getpid())
	response, err := http.Get(url) // Without ctx on purpose: a function that ignores its deadline.
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func describe(ctx context.Context) any {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"pid": os.Getpid(), "served": served, "environment": os.Environ(), "arn": lc.InvokedFunctionArn,
		"requestId": lc.AwsRequestID, "left": time.Until(deadline).Seconds(), "trace": os.Getenv("_X_AMZN_TRACE_ID"),
	}
}

type itemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// handleBatch fails the messages whose body begins with "fail", and the whole batch for the body "error".
func handleBatch(r request) (any, error) {
	failures := []itemFailure{}
	for _, record := range r.Records {
		if record.Body == "error" {
			return nil, probeError{"failed as told"}
		}
		if strings.HasPrefix(record.Body, "fail") {
			failures = append(failures, itemFailure{ItemIdentifier: record.MessageID})
		}
	}
	fmt.Println("batch of", len(r.Records))
	return map[string]any{"batchItemFailures": failures}, nil
}

func main() {
	switch os.Getenv("PROBE_INIT") {
	case "exit":
		os.Exit(3)
	case "hang":
		select {}
	case "hang once":
		started, err := os.OpenFile(os.Getenv("PROBE_STARTED"), os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			_ = started.Close() // The second process finds it.
			fmt.Println("hangs")
			select {}
		}
	}
	lambda.Start(handle)
}
