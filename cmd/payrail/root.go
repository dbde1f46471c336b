package main

import (
	"io"

	"github.com/spf13/cobra"
)

// application is what every command shares: where it prints and how.
type application struct {
	stdout, stderr io.Writer
	json           bool
	stack          string
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	a := &application{stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "payrail",
		Short: "Post card authorizations into customer accounts as they happen",
		Long: `payrail runs the whole posting pipeline on this machine (up) and works with a running one:
the local runtime, LocalStack or AWS, found through the standard AWS environment (AWS_ENDPOINT_URL, AWS_REGION, credentials).`,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON for machines instead of tables")
	root.PersistentFlags().StringVar(&a.stack, "stack", "Payrail", "name of the CloudFormation stack")
	root.AddCommand(a.upCommand(), a.seedCommand(), a.sendCommand(), a.traceCommand(), a.accountsCommand(), a.ledgerCommand(), a.smokeCommand())
	return root
}
