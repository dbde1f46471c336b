// Command infra is the CDK app: it compiles the functions and synthesizes the CloudFormation template of the whole system.
//
// stack.go reads from top to bottom like the diagram of the pipeline; every other file is one concern.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// The CDK CLI sets CDK_OUTDIR. Without it, the app run by hand writes where the CLI would have looked.
const (
	outdirVariable = "CDK_OUTDIR"
	defaultOutdir  = "cdk.out"
	// cdkConfiguration is the CDK CLI's configuration of this app.
	cdkConfiguration = "cdk.json"
)

func main() {
	if err := run(context.Background(), "."); err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1)
	}
}

// run synthesizes the stack of the repository at root.
func run(ctx context.Context, root string) error {
	flags, err := readFlags(root)
	if err != nil {
		return err
	}
	definition, err := os.ReadFile(filepath.Join(root, rulesDefinition))
	if err != nil {
		return fmt.Errorf("reading the rules: %w", err)
	}
	if _, err := exec.LookPath("node"); err != nil {
		return fmt.Errorf("looking for Node.js, which the CDK needs (install it from https://nodejs.org): %w", err)
	}
	app := newApp(os.Getenv(outdirVariable), flags)
	settings, err := readSettings(func(key string) any { return app.Node().TryGetContext(jsii.String(key)) })
	if err != nil {
		return err
	}
	code, err := compile(ctx, root, settings.Target)
	if err != nil {
		return err
	}
	newStack(app, stackProps{Settings: settings, Code: code, RulesDefinition: string(definition)})
	// No jsii.Close: Node ends with this process, when its standard input closes; closing it by hand races with that and prints
	// a warning.
	app.Synth(nil)
	return nil
}

// newApp makes an app that writes to outdir, with the feature flags of cdk.json.
func newApp(outdir string, flags map[string]any) awscdk.App {
	if outdir == "" {
		outdir = defaultOutdir
	}
	return awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(outdir), Context: &flags})
}

// readFlags reads the context of cdk.json: the values that CDK recommends for its feature flags. The CDK CLI passes them to
// the app; the app reads them itself as well, so that it gives the same template when it is run by hand.
func readFlags(root string) (map[string]any, error) {
	data, err := os.ReadFile(filepath.Join(root, cdkConfiguration))
	if err != nil {
		return nil, fmt.Errorf("reading the feature flags (run this from the repository's root folder): %w", err)
	}
	var configuration struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(data, &configuration); err != nil {
		return nil, fmt.Errorf("reading the feature flags of %s: %w", cdkConfiguration, err)
	}
	return configuration.Context, nil
}
