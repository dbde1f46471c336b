package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"
)

const (
	functionsFolder = "functions"
	binariesFolder  = "dist"
	// executable is the file that the provided.al2023 runtime starts.
	executable = "bootstrap"
)

// compile builds every folder of functions/ for the target and returns the folder of each function's binary by its name.
// The same source gives the same bytes on every machine, so that an unchanged function is not deployed again.
func compile(ctx context.Context, root string, target Target) (map[string]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, functionsFolder))
	if err != nil {
		return nil, fmt.Errorf("listing the functions: %w", err)
	}
	output, err := filepath.Abs(filepath.Join(root, binariesFolder, target.GOOS+"-"+target.GOARCH))
	if err != nil {
		return nil, fmt.Errorf("locating the binaries: %w", err)
	}
	code := make(map[string]string)
	group, ctx := errgroup.WithContext(ctx)
	// Linking is most of the work and runs on one core.
	group.SetLimit(runtime.NumCPU())
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		name, folder := entry.Name(), filepath.Join(output, entry.Name())
		code[name] = folder
		group.Go(func() error { return build(ctx, root, name, folder, target) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return code, nil
}

// build compiles one function into folder. lambda.norpc leaves out the protocol of the retired go1.x runtime; trimpath and
// buildvcs keep this machine's paths and the commit out of the binary; without cgo it needs no libc of a certain version.
func build(ctx context.Context, root, name, folder string, target Target) error {
	command := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-o", filepath.Join(folder, executable), "./"+functionsFolder+"/"+name)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+target.GOOS, "GOARCH="+target.GOARCH)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling function %s: %w\n%s", name, err, output)
	}
	return nil
}
