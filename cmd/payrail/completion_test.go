package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestCompletionScriptsOfEveryShell(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		r := execute(t, "completion", shell)
		require.Zero(t, r.status, r.stderr)
		require.Contains(t, r.stdout, "payrail", shell)
	}
}

// Bash takes the script and asks the program for words from then on.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	script := filepath.Join(t.TempDir(), "payrail.bash")
	require.NoError(t, os.WriteFile(script, []byte(execute(t, "completion", "bash").stdout), 0o600))
	out, err := exec.Command(bash, "--norc", "-c", `source "$1" && complete -p payrail`, "bash", script).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "-F __start_payrail payrail")
}

func TestWordsAreOffered(t *testing.T) {
	for name, tc := range map[string]struct {
		typed []string
		want  []string
	}{
		"commands":           {[]string{""}, []string{"repair\t", "send\t", "watch\t", "up\t"}},
		"fields to correct":  {[]string{"repair", "auth-1", "--set", ""}, []string{"issuerCountry=", "mcc=", ":6"}}, // 6: no space, no files
		"no value to set":    {[]string{"repair", "auth-1", "--set", "mcc="}, []string{":4"}},                       // 4: no files
		"no ids":             {[]string{"trace", ""}, []string{":4"}},
		"events":             {[]string{"watch", "--detail-type", ""}, []string{"TransactionPosted", "TransactionPostingFailed", ":4"}},
		"subcommands":        {[]string{"ledger", ""}, []string{"trial-balance\t", "verify\t"}},
		"files to send":      {[]string{"send", ""}, []string{":0"}}, // 0: the shell's own files
		"stores to redrive":  {[]string{"redrive", ""}, []string{"list\t", "show\t", ":4"}},
		"flags of redrive":   {[]string{"redrive", "--r"}, []string{"--rate\t", "--reason\t"}},
		"flags of a command": {[]string{"watch", "--c"}, []string{"--count\t", "--clean\t"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, append([]string{cobra.ShellCompRequestCmd}, tc.typed...)...)
			require.Zero(t, r.status, r.stderr)
			for _, want := range tc.want {
				require.Contains(t, r.stdout, want)
			}
		})
	}
}

// Help shows how a command is used, not only that it is there.
func TestEveryCommandHasAnExample(t *testing.T) {
	root := newRoot(os.Stdout, os.Stderr)
	var check func(*cobra.Command)
	check = func(command *cobra.Command) {
		for _, sub := range command.Commands() {
			check(sub)
		}
		if command != root && !command.HasSubCommands() {
			require.NotEmpty(t, command.Example, command.CommandPath())
			require.Contains(t, command.Example, command.CommandPath())
		}
	}
	check(root)
}
