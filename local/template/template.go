// Package template reads a synthesized CloudFormation template with its CDK asset manifest and resolves it as
// CloudFormation would for this stack: parameters, conditions, mappings and the intrinsic functions CDK emits. What it
// does not do is refused when the template is loaded, with the function's name, the logical id and the path.
package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// templateSuffix and assetsSuffix are how CDK names a stack's files in the cloud assembly.
const (
	templateSuffix = ".template.json"
	assetsSuffix   = ".assets.json"
)

// bootstrapParameter is the SSM parameter CDK adds to check the bootstrap stack's version; there is none locally.
const bootstrapParameter = "BootstrapVersion"

// Options are the values of the pseudo parameters. Empty ones take the local runtime's values.
type Options struct {
	// StackName defaults to the template's file name without ".template.json".
	StackName string
	// StackID defaults to an ARN made of the region, account and stack name.
	StackID string
	Region  string
	Account string
}

// Template is a loaded template. It does not change after Load and is safe for concurrent use.
type Template struct {
	options    Options
	resources  map[string]*Resource
	parameters map[string]any
	conditions map[string]any
	mappings   map[string]map[string]map[string]any
	outputs    map[string]output
	holds      map[string]bool
	folder     string
	assets     []asset
}

// Resource is one resource of a template; its properties come from Resolver.Properties.
type Resource struct {
	LogicalID string
	// Type is the CloudFormation type ("AWS::SQS::Queue").
	Type string
	// DependsOn are the resources that must exist first, by reference or by DependsOn, sorted.
	DependsOn []string

	condition  string
	properties map[string]any
}

type output struct {
	Value       any
	Description string
	Condition   string
	Export      any
}

type parameter struct {
	Type    string
	Default any
}

type document struct {
	AWSTemplateFormatVersion string
	Description              string
	Metadata                 any
	Rules                    any
	Parameters               map[string]json.RawMessage
	Mappings                 map[string]map[string]map[string]any
	Conditions               map[string]any
	Resources                map[string]json.RawMessage
	Outputs                  map[string]output
}

type rawResource struct {
	Type                string
	Properties          map[string]any
	DependsOn           any
	Condition           string
	Metadata            any
	DeletionPolicy      any
	UpdateReplacePolicy any
}

// Load reads the template at path and the asset manifest next to it. A stack without assets has no manifest.
func Load(path string, o Options) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading template: %w", err)
	}
	base := strings.TrimSuffix(filepath.Base(path), templateSuffix)
	if o.StackName == "" {
		o.StackName = base
	}
	t, err := Parse(data, o)
	if err != nil {
		return nil, fmt.Errorf("reading template %s: %w", path, err)
	}
	t.folder, err = filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("reading template: %w", err)
	}
	manifest, err := os.ReadFile(filepath.Join(t.folder, base+assetsSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading asset manifest: %w", err)
	}
	if t.assets, err = parseManifest(manifest, t.options); err != nil {
		return nil, err
	}
	return t, nil
}

// Parse reads a template that stands alone, without assets.
func Parse(data []byte, o Options) (*Template, error) {
	var d document
	if err := decodeStrictly(data, &d); err != nil {
		return nil, fmt.Errorf("decoding template: %w", err)
	}
	t := &Template{
		options: o.withDefaults(), resources: map[string]*Resource{}, parameters: map[string]any{}, conditions: d.Conditions,
		mappings: d.Mappings, outputs: d.Outputs, holds: map[string]bool{},
	}
	if err := t.addParameters(d.Parameters); err != nil {
		return nil, err
	}
	for _, id := range sortedKeys(d.Resources) {
		var raw rawResource
		if err := decodeStrictly(d.Resources[id], &raw); err != nil {
			return nil, fmt.Errorf("decoding %s: %w", id, err)
		}
		dependsOn, err := stringList(raw.DependsOn)
		if err != nil {
			return nil, fmt.Errorf("reading %s.DependsOn: %w", id, err)
		}
		if raw.Type == "" {
			return nil, fmt.Errorf("reading %s: it has no Type", id)
		}
		t.resources[id] = &Resource{
			LogicalID: id, Type: raw.Type, DependsOn: dependsOn, condition: raw.Condition, properties: raw.Properties,
		}
	}
	if err := t.evaluateConditions(); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return t, nil
}

// decodeStrictly refuses unknown members: Transform, Hooks and resource attributes such as CreationPolicy change what a
// template means.
func decodeStrictly(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err != nil {
		if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
			return fmt.Errorf("the local runtime does not do %s", name)
		}
	}
	return err
}

func (o Options) withDefaults() Options {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.StackName == "" {
		o.StackName = "Stack"
	}
	if o.StackID == "" {
		o.StackID = fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/local", o.Region, o.Account, o.StackName)
	}
	return o
}

// StackName and StackID are the values of the pseudo parameters of the same names.
func (t *Template) StackName() string { return t.options.StackName }
func (t *Template) StackID() string   { return t.options.StackID }

func (t *Template) addParameters(raw map[string]json.RawMessage) error {
	for name, data := range raw {
		var p parameter
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		if err := decoder.Decode(&p); err != nil {
			return fmt.Errorf("reading parameter %s: %w", name, err)
		}
		if name == bootstrapParameter {
			continue
		}
		if p.Default == nil {
			return fmt.Errorf("reading parameter %s: it has no Default, and the local runtime takes defaults only", name)
		}
		switch {
		case p.Type == "String":
			t.parameters[name] = asText(p.Default)
		case p.Type == "Number":
			t.parameters[name] = p.Default
		case p.Type == "CommaDelimitedList":
			list := []any{}
			for part := range strings.SplitSeq(asText(p.Default), ",") {
				list = append(list, strings.TrimSpace(part))
			}
			t.parameters[name] = list
		default:
			return fmt.Errorf("reading parameter %s: the local runtime does not do parameters of type %s", name, p.Type)
		}
	}
	return nil
}

// exists tells whether the resource is part of the stack: it is declared and its condition holds.
func (t *Template) exists(id string) bool {
	r, ok := t.resources[id]
	return ok && (r.condition == "" || t.holds[r.condition])
}

func stringList(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("want a string, got %T", e)
			}
			list = append(list, s)
		}
		return list, nil
	default:
		return nil, fmt.Errorf("want a string or a list, got %T", v)
	}
}

// asText is a scalar as CloudFormation writes it into a string.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case json.Number:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
