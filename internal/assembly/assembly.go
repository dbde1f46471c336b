// Package assembly makes the cloud assembly that the local runtime executes: it compiles the CDK app and lets it compile the
// functions and synthesize the template for this machine.
package assembly

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// cdkAppSource and cdkAppBinary are the CDK app as cdk.json has it.
	cdkAppSource, cdkAppBinary = "./infra", "dist/infra"
	// targetContext is the CDK context that says what the functions are compiled for.
	targetContext = "target"
)

// HostFolder is where `payrail up` has the template for this machine; cdk.out stays that of `cdk synth`.
const HostFolder = "dist/assembly"

// ErrNoRepository says that there is no Payrail repository where one was looked for.
var ErrNoRepository = errors.New("there is no cdk.json here or above")

// MissingToolError names a program that is needed and not installed.
type MissingToolError struct{ Tool, Next string }

func (e *MissingToolError) Error() string { return e.Tool + " is not installed" }

// Root is the repository's root: the nearest folder at or above folder with a cdk.json. The error is ErrNoRepository if
// there is none.
func Root(folder string) (string, error) {
	for {
		if _, err := os.Stat(filepath.Join(folder, "cdk.json")); err == nil {
			return folder, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("finding cdk.json: %w", err)
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", ErrNoRepository
		}
		folder = parent
	}
}

// CheckTools verifies that Go and Node are installed; the error is a *MissingToolError.
func CheckTools() error {
	for _, tool := range []MissingToolError{
		{"go", "install Go 1.26 or later from https://go.dev/dl"},
		{"node", "install Node.js 20 or later from https://nodejs.org: the CDK needs it to synthesize the template"},
	} {
		if _, err := exec.LookPath(tool.Tool); err != nil {
			return &tool
		}
	}
	return nil
}

// CompileApp compiles the CDK app of the repository at root. The first time takes a minute or two. The error is a *ToolError
// if it does not compile.
func CompileApp(ctx context.Context, root string) error {
	return execute(ctx, root, nil, "go", "build", "-o", cdkAppBinary, cdkAppSource)
}

// Synthesize compiles the functions and writes the cloud assembly for this machine to a folder below root, whose path it
// returns. The settings are CDK context; target is always this machine. CompileApp must have run.
func Synthesize(ctx context.Context, root, below string, settings map[string]string) (string, error) {
	cdkContext := maps.Clone(settings)
	if cdkContext == nil {
		cdkContext = map[string]string{}
	}
	cdkContext[targetContext] = "host"
	contextJSON, err := json.Marshal(cdkContext)
	if err != nil {
		return "", fmt.Errorf("encoding the CDK context: %w", err)
	}
	folder := filepath.Join(root, below)
	err = execute(ctx, root, []string{"CDK_OUTDIR=" + folder, "CDK_CONTEXT_JSON=" + string(contextJSON)}, filepath.Join(root, cdkAppBinary))
	return folder, err
}

// ToolError is a program that failed, with all it printed.
type ToolError struct {
	Command, Output string
	Err             error
}

// Error names the program and the first line that it printed about its failure.
func (e *ToolError) Error() string {
	text := fmt.Sprintf("running %s: %v", e.Command, e.Err)
	for line := range strings.Lines(e.Output) {
		// The Go command heads what it says with the package's name.
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") {
			return text + ": " + line
		}
	}
	return text
}

// Unwrap is why the program failed.
func (e *ToolError) Unwrap() error { return e.Err }

// execute runs a program in the repository's root; the error is a *ToolError if it fails.
func execute(ctx context.Context, root string, environment []string, name string, arguments ...string) error {
	command := exec.CommandContext(ctx, name, arguments...)
	command.Dir = root
	// The notice that a Node version has reached its end of life is for whoever chose it, not for whoever runs Payrail.
	command.Env = append(append(os.Environ(), "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20"), environment...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &ToolError{Command: strings.Join(append([]string{filepath.Base(name)}, arguments...), " "), Output: output.String(), Err: err}
	}
	return nil
}
