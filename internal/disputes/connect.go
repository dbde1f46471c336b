package disputes

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// Connect makes a Desk on the ledger table and the bus of a deployment. Whoever opens no cases needs no policy.
func Connect(cfg aws.Config, ledgerTable, eventBusName string, policy payment.DisputePolicy, logger *slog.Logger) *Desk {
	client := dynamodb.NewFromConfig(cfg)
	return NewDesk(Options{
		Store: NewStore(client, ledgerTable, ledger.NewReader(client, ledgerTable)), Policy: policy, Publisher: awsconfig.Publisher(cfg, eventBusName),
		Now: time.Now, Wait: awsconfig.Sleep, Jitter: func(longest time.Duration) time.Duration { return rand.N(longest) }, Logger: logger,
	})
}

// Values of the setting of the provisional credit.
const (
	creditAtOpening = "at-opening"
	creditNever     = "never"
)

// ParsePolicy reads the policy as a function's settings have it: a number of days, and when the customer is credited
// provisionally ("at-opening" or "never").
func ParsePolicy(windowDays, provisionalCredit string) (payment.DisputePolicy, error) {
	days, err := strconv.Atoi(windowDays)
	if err != nil || days < 1 {
		return payment.DisputePolicy{}, fmt.Errorf("reading the dispute policy: a window of %q days is none", windowDays)
	}
	if provisionalCredit != creditAtOpening && provisionalCredit != creditNever {
		return payment.DisputePolicy{}, fmt.Errorf("reading the dispute policy: a provisional credit %q is neither %s nor %s", provisionalCredit, creditAtOpening, creditNever)
	}
	return payment.DisputePolicy{Window: time.Duration(days) * 24 * time.Hour, ProvisionalCredit: provisionalCredit == creditAtOpening}, nil
}
