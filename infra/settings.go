package main

import (
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// Settings are the choices made at synthesis, with `cdk synth -c key=value`.
type Settings struct {
	Target Target
	// Removal is what becomes of tables, buckets and keys when the stack is deleted.
	Removal awscdk.RemovalPolicy
	// CurrencyConversion is the mode of rule R-003: "corrected" finds conversions, "legacy" finds what the batch it replaces found.
	CurrencyConversion string
	// Timeline says which events the tracker records: "all", "outcomes" or "off". A write per event costs.
	Timeline string
	// ReconcilePatching is "on" or "off": off lets reconciliation only look.
	ReconcilePatching string
	// JWTIssuer and JWTAudience say whose tokens the API takes, and made for whom. Without them callers sign with AWS credentials.
	JWTIssuer, JWTAudience string
	// DisputeWindowDays is how many days after a purchase came in it can be disputed. ProvisionalCredit says when the customer has
	// the disputed amount back: "at-opening", or "never" before the case is decided.
	DisputeWindowDays, ProvisionalCredit string
	// Alarms is "on" or "off": a stack to try things with needs nobody to be called, and each alarm costs.
	Alarms string
}

// Target is the platform that the functions are compiled for, in Go's names.
type Target struct {
	GOOS, GOARCH string
}

// readSettings reads the settings from the app's context; of the allowed values the first is the default.
func readSettings(lookup func(key string) any) (Settings, error) {
	target, err := choose(lookup, "target", "arm64", "x86_64", "host")
	if err != nil {
		return Settings{}, err
	}
	removal, err := choose(lookup, "removal", "retain", "destroy")
	if err != nil {
		return Settings{}, err
	}
	conversion, err := choose(lookup, "r003", "corrected", "legacy")
	if err != nil {
		return Settings{}, err
	}
	timeline, err := choose(lookup, "timeline", timelineAll, timelineOutcomes, timelineOff)
	if err != nil {
		return Settings{}, err
	}
	patching, err := choose(lookup, "reconcilePatching", "on", "off")
	if err != nil {
		return Settings{}, err
	}
	window, err := positive(lookup, "disputeWindowDays", defaultDisputeWindowDays)
	if err != nil {
		return Settings{}, err
	}
	credit, err := choose(lookup, "provisionalCredit", "at-opening", "never")
	if err != nil {
		return Settings{}, err
	}
	alarms, err := choose(lookup, "alarms", "on", "off")
	if err != nil {
		return Settings{}, err
	}
	issuer, audience, err := readTokens(lookup)
	if err != nil {
		return Settings{}, err
	}
	platform, err := platformOf(target)
	if err != nil {
		return Settings{}, err
	}
	return Settings{Target: platform, Removal: removals[removal], CurrencyConversion: conversion, Timeline: timeline,
		ReconcilePatching: patching,
		JWTIssuer:         issuer, JWTAudience: audience, DisputeWindowDays: window, ProvisionalCredit: credit, Alarms: alarms}, nil
}

// readTokens reads whose tokens the API takes. One setting without the other would leave open who may read accounts.
func readTokens(lookup func(key string) any) (issuer, audience string, err error) {
	if issuer, err = text(lookup, "jwtIssuer"); err != nil {
		return "", "", err
	}
	if audience, err = text(lookup, "jwtAudience"); err != nil {
		return "", "", err
	}
	if (issuer == "") != (audience == "") {
		return "", "", errors.New("reading context jwtIssuer and jwtAudience: one needs the other")
	}
	if u, err := url.Parse(issuer); issuer != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return "", "", fmt.Errorf("reading context jwtIssuer=%s: must be an address with https", issuer)
	}
	return issuer, audience, nil
}

// defaultDisputeWindowDays is the usual chargeback window of the card schemes.
const defaultDisputeWindowDays = "120"

// positive reads one context value that must be a whole number above zero, or absent.
func positive(lookup func(key string) any, key, otherwise string) (string, error) {
	value := lookup(key)
	if value == nil {
		return otherwise, nil
	}
	s := fmt.Sprint(value) // cdk.json can have a number, -c gives a text.
	if n, err := strconv.Atoi(s); err != nil || n < 1 {
		return "", fmt.Errorf("reading context %s=%v: must be a whole number above zero", key, value)
	}
	return s, nil
}

// text reads one context value that may be absent.
func text(lookup func(key string) any, key string) (string, error) {
	value := lookup(key)
	if value == nil {
		return "", nil
	}
	s, ok := value.(string)
	if !ok || s == "" {
		return "", fmt.Errorf("reading context %s=%v: must be a text, or left out", key, value)
	}
	return s, nil
}

var removals = map[string]awscdk.RemovalPolicy{
	"retain":  awscdk.RemovalPolicy_RETAIN,
	"destroy": awscdk.RemovalPolicy_DESTROY,
}

// choose reads one context value that must be one of allowed, or absent, which means the first.
func choose(lookup func(key string) any, key string, allowed ...string) (string, error) {
	value := lookup(key)
	if value == nil {
		return allowed[0], nil
	}
	if s, ok := value.(string); ok && slices.Contains(allowed, s) {
		return s, nil
	}
	return "", fmt.Errorf("reading context %s=%v: must be one of %s", key, value, strings.Join(allowed, ", "))
}

// platformOf translates a target into the platform to compile for. Lambda runs Linux; "host" is this machine, for the local
// runtime, which starts the functions as processes.
func platformOf(target string) (Target, error) {
	switch {
	case target == "arm64":
		return Target{GOOS: "linux", GOARCH: "arm64"}, nil
	case target == "x86_64":
		return Target{GOOS: "linux", GOARCH: "amd64"}, nil
	case architectures[runtime.GOARCH] == nil:
		return Target{}, fmt.Errorf("reading context target=host: Lambda has no architecture for %s", runtime.GOARCH)
	default:
		return Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH}, nil
	}
}
