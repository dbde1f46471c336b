package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/payment"
)

// noFiles keeps the shell from offering files where an id is wanted: the stack is not asked while somebody types.
func noFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completeSet offers the fields that can be corrected; the value follows without a space.
func completeSet(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if strings.Contains(typed, "=") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	fields := payment.Correctable()
	for i, name := range fields {
		fields[i] = name + "="
	}
	return fields, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// completeWith has complete offer values for a flag. It fails for a flag that is not there, which is a mistake of this program.
func completeWith(command *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err)
	}
}
