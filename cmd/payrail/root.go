package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

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
		Args: commandWords,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	root.SuggestionsMinimumDistance = 2 // letters that may be wrong
	root.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return misused(err.Error(), seeHelp(command))
	})
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON for machines instead of tables")
	root.PersistentFlags().StringVar(&a.stack, "stack", "Payrail", "name of the CloudFormation stack")
	root.AddCommand(a.upCommand(), a.seedCommand(), a.sendCommand(), a.traceCommand(), a.accountsCommand(), a.ledgerCommand(), a.auditCommand(), a.exportCommand(), a.smokeCommand(),
		a.repairCommand(), a.postCommand(), a.disputesCommand(), a.watchCommand(), a.alarmsCommand(), a.reconcileCommand(), a.redriveCommand(), a.replayCommand(), a.rebuildCommand())
	return root
}

// commandWords refuses what is left over where a command was expected.
func commandWords(command *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	next := seeHelp(command)
	if near := command.SuggestionsFor(words[0]); len(near) > 0 {
		next = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return misused(fmt.Sprintf("%s has no command %q", command.CommandPath(), words[0]), next)
}

// exactly takes as many arguments as there are names, none of them empty: an empty one is an unset variable of a shell.
func exactly(names ...string) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		for i, name := range names {
			if i >= len(arguments) || arguments[i] == "" {
				return misused(command.CommandPath()+" needs "+name, seeHelp(command))
			}
		}
		return atMost(len(names))(command, arguments)
	}
}

// atLeast takes one argument or more, none of them empty.
func atLeast(name string) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) == 0 || slices.Contains(arguments, "") {
			return misused(command.CommandPath()+" needs "+name, seeHelp(command))
		}
		return nil
	}
}

// atMost takes no more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(command *cobra.Command, arguments []string) error {
		if len(arguments) > n {
			return misused(fmt.Sprintf("%s does not take %q", command.CommandPath(), arguments[n]), seeHelp(command))
		}
		return nil
	}
}

func seeHelp(command *cobra.Command) string { return "see `" + command.CommandPath() + " --help`" }
