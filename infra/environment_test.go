package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// functionEnvironments finds every function folder and the environment variables its settings are tagged with, in its
// source: the functions are programs and cannot be imported.
func functionEnvironments(t *testing.T) map[string][]string {
	t.Helper()
	folders, err := os.ReadDir(filepath.Join("..", functionsFolder))
	require.NoError(t, err)
	environments := map[string][]string{}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		files, err := filepath.Glob(filepath.Join("..", functionsFolder, folder.Name(), "*.go"))
		require.NoError(t, err)
		variables := []string{}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				variables = append(variables, taggedVariables(t, file)...)
			}
		}
		environments[folder.Name()] = variables
	}
	require.NotEmpty(t, environments)
	return environments
}

func taggedVariables(t *testing.T, file string) (variables []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	ast.Inspect(parsed, func(node ast.Node) bool {
		field, ok := node.(*ast.Field)
		if !ok || field.Tag == nil {
			return true
		}
		tag, err := strconv.Unquote(field.Tag.Value)
		require.NoError(t, err)
		if name, ok := reflect.StructTag(tag).Lookup("env"); ok {
			variables = append(variables, name)
		}
		return true
	})
	return variables
}
