package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// cdkCLI is the pinned version of the CDK's command line.
const cdkCLI = "aws-cdk@2.1147.0"

func TestMakePinsTheSameCLI(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	require.Contains(t, string(makefile), "CDK := npx --yes "+cdkCLI+"\n")
}

// The local runtime starts the app by hand; AWS gets what the CLI synthesized.
func TestDirectSynthesisEqualsTheCLIs(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the app and every function")
	}
	if _, err := exec.LookPath("npx"); err != nil {
		t.Skip("npx is not installed")
	}
	if output, err := exec.CommandContext(t.Context(), "npx", "--yes", cdkCLI, "--version").CombinedOutput(); err != nil {
		t.Skipf("%s is not to be had: %v: %s", cdkCLI, err, output)
	}
	byCLI, direct := filepath.Join(t.TempDir(), "cdk.out"), filepath.Join(t.TempDir(), "cdk.out")
	inRoot(t, nil, "npx", "--yes", cdkCLI, "synth", "--quiet", "--output", byCLI, "-c", "target=x86_64", "-c", "removal=destroy")

	context, err := json.Marshal(map[string]string{"target": "x86_64", "removal": "destroy"})
	require.NoError(t, err)
	app := filepath.Join(t.TempDir(), "infra")
	inRoot(t, nil, "go", "build", "-o", app, "./infra")
	inRoot(t, []string{"CDK_OUTDIR=" + direct, "CDK_CONTEXT_JSON=" + string(context)}, app)

	for _, file := range []string{stackName + ".template.json", stackName + ".assets.json"} {
		want, err := os.ReadFile(filepath.Join(byCLI, file))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(direct, file))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "%s differs between the CLI and the app run directly", file)
	}
	made := readTemplate(t, direct)
	require.Equal(t, []any{"x86_64"}, made.get(made.functionID(t, "dedup"), "Architectures"), "the context did not arrive")
}

// inRoot runs a command in the repository's root folder.
func inRoot(t *testing.T, environment []string, name string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Dir = ".."
	command.Env = append(os.Environ(), environment...)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, arguments, output)
}
