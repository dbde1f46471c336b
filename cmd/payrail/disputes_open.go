package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/spf13/cobra"
)

const (
	// apiTimeout is above what the gateway gives its function.
	apiTimeout = 20 * time.Second
	// maxAnswerBytes is far above any answer about one case.
	maxAnswerBytes = 1 << 20
)

// disputeRequest is the body that opens a case.
type disputeRequest struct {
	ReasonCode string `json:"reasonCode"`
	Amount     string `json:"amount,omitempty"`
	Currency   string `json:"currency,omitempty"`
	Note       string `json:"note,omitempty"`
}

// apiProblem is an answer of the API that is no success: problem details, or the gateway's own form.
type apiProblem struct {
	Title   string `json:"title"`
	Detail  string `json:"detail"`
	Message string `json:"message"`
	Errors  []struct {
		Field   string `json:"field"`
		Problem string `json:"problem"`
	} `json:"errors"`
}

func (a *application) openDisputeCommand() *cobra.Command {
	var request disputeRequest
	var key string
	var wait bool
	command := &cobra.Command{
		Use:   "open ID --reason CODE",
		Short: "Open a case about a transaction, through the customer API",
		Long: `open disputes a transaction (tx_…) or the one of an authorization, as a customer's system does it: with a signed request to the
API, which holds it against the deployment's policy. With --key, the same command again finds the case that it opened.

Reason codes: Visa 10.4, 12.6.1, 13.1; Mastercard 4834, 4837, 4853.`,
		Example: "  payrail disputes open tx_… --reason 13.1\n  payrail disputes open auth-e2 --reason 12.6.1 --amount 50.00 --note \"charged twice\"",
		Args:    exactly("ID"), ValidArgsFunction: noFiles,
		RunE: func(command *cobra.Command, arguments []string) error {
			if request.ReasonCode == "" {
				return misused("disputes open needs --reason", "for instance --reason 13.1")
			}
			if key == "" {
				key = rand.Text()
			}
			return a.openDispute(command.Context(), arguments[0], key, request, wait)
		},
	}
	flags := command.Flags()
	flags.StringVar(&request.ReasonCode, "reason", "", "the scheme's reason code")
	flags.StringVar(&request.Amount, "amount", "", "what is disputed of the billed amount; all that can be if left out")
	flags.StringVar(&request.Currency, "currency", "", "the billing currency, to have it checked")
	flags.StringVar(&request.Note, "note", "", "what the customer says; no card numbers")
	flags.StringVar(&key, "key", "", "idempotency key of the request; a random one if left out")
	flags.BoolVar(&wait, "wait", true, "wait for the provisional credit")
	return command
}

func (a *application) openDispute(ctx context.Context, id, key string, request disputeRequest, wait bool) error {
	deployed, desk, err := a.connectDesk(ctx)
	if err != nil {
		return err
	}
	caseID, err := deployed.postDispute(ctx, id, key, request)
	if err != nil {
		return err
	}
	c, err := desk.Case(ctx, caseID)
	if err != nil {
		return disputeProblem(caseID, err)
	}
	stop := a.spin("waiting for the provisional credit")
	for start := time.Now(); wait && c.CreditDue && c.Credit == nil && time.Since(start) < waitLimit; {
		if err = sleep(ctx, waitInterval); err != nil {
			break
		}
		if c, err = desk.Case(ctx, caseID); err != nil {
			break
		}
	}
	stop()
	if err != nil {
		return err
	}
	if err := a.showDispute(c); err != nil {
		return err
	}
	if wait && c.CreditDue && c.Credit == nil {
		return failed(caseID+" is open, and not credited within "+waitLimit.String(), "see the dead-letter queues; the same command with --key "+key+" asks again")
	}
	return nil
}

// postDispute makes the signed request and returns the id of the case.
func (d *deployment) postDispute(ctx context.Context, id, key string, wanted disputeRequest) (string, error) {
	address, err := d.output("ApiUrl")
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		return "", fmt.Errorf("encoding the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/transactions/"+url.PathEscape(id)+"/disputes", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	credentials, err := d.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the credentials: %w", err)
	}
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(hash[:]), "execute-api", d.aws.Region, time.Now()); err != nil {
		return "", fmt.Errorf("signing the request: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	return caseOf(id, response.StatusCode, answer)
}

// caseOf reads the API's answer: the id of the case, or why there is none.
func caseOf(id string, status int, answer []byte) (string, error) {
	if status == http.StatusOK || status == http.StatusCreated {
		var opened struct {
			CaseID string `json:"caseId"`
		}
		if err := json.Unmarshal(answer, &opened); err != nil || opened.CaseID == "" {
			return "", failed(fmt.Sprintf("the API answered %d without a case", status), "check that Payrail is what answers there")
		}
		return opened.CaseID, nil
	}
	var told apiProblem
	if err := json.Unmarshal(answer, &told); err != nil {
		return "", failed(fmt.Sprintf("the API answered %d, which is no problem details", status), "check that Payrail is what answers there")
	}
	text := told.Title
	for _, e := range told.Errors {
		text += "; " + e.Field + " " + e.Problem
	}
	if len(told.Errors) == 0 && told.Detail != "" {
		text += ": " + told.Detail
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "", missing("the API refuses these credentials ("+told.Message+")", "they need execute-api:Invoke; a deployment that takes tokens instead is asked with one, see docs/how-to/use-the-api.md", nil)
	case http.StatusBadRequest:
		return "", misused(id+": "+text, "correct it")
	case http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
		return "", failed(id+": "+text, "see `payrail trace "+id+"`, or `payrail disputes list`")
	default:
		return "", failed(fmt.Sprintf("the API answered %d: %s", status, strings.TrimSpace(text+" "+told.Message)), "try again with the same --key")
	}
}
