package main

import (
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/internal/ledger"
)

func (a *application) ledgerCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "ledger",
		Short:   "Look at the ledger as a whole",
		Example: "  payrail ledger trial-balance\n  payrail ledger verify",
		Args:    commandWords,
		RunE: func(command *cobra.Command, _ []string) error {
			return misused("ledger needs to know what to do", "say `payrail ledger trial-balance` or `payrail ledger verify`")
		},
	}
	command.AddCommand(a.trialBalanceCommand(), a.verifyCommand())
	return command
}

func (d *deployment) ledger() (*ledger.Reader, error) {
	table, err := d.output("LedgerTable")
	if err != nil {
		return nil, err
	}
	return ledger.NewReader(d.dynamodb(), table), nil
}

// journalByHour reads the journal by when it was posted.
func (d *deployment) journalByHour() (*ledger.PostedReader, error) {
	table, err := d.output("LedgerTable")
	if err != nil {
		return nil, err
	}
	return ledger.NewPostedReader(bulkread.Reader{Client: d.dynamodb(), Wait: awsconfig.Sleep}, table), nil
}

// digests is where the ledger's hourly digests are.
func (d *deployment) digests() (*digests.Store, error) {
	bucket, err := d.output("AuditBucket")
	if err != nil {
		return nil, err
	}
	return digests.NewStore(awsconfig.S3(d.aws), bucket), nil
}
