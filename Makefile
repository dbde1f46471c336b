# Payrail. `make run` is the first thing to try; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# jsii warns of every Node version it was not released with; the version is the reader's choice.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# The packages that run with the race detector: everything concurrent. The CDK's packages are left out, which are
# synthesized in one goroutine and take minutes to compile twice.
RACED := ./payment/... ./events/... ./functions/... ./internal/... ./local/... ./statemachines/... ./examples/...
REST := ./infra/... ./cmd/... ./test/...

# How long the tests of one package may take: on a busy machine those of the whole system need more than Go's ten minutes.
PATIENCE := 20m

# The CDK CLI, pinned: an unpinned one is another major version.
CDK := npx --yes aws-cdk@2.1147.0

# Clients and oracles of other languages, which tests use where they are installed.
export NODE_PATH := $(CURDIR)/test/node/node_modules

.PHONY: help run demo test fault fuzz bench synth deploy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The port of `make run`; 0 takes any free one.
PORT ?= 4566

run: ## run the whole system here, post the examples, stay up
	go run ./cmd/payrail up --port $(PORT) --smoke

demo: ## the same, then stop; status 0 only if every invariant held
	go run ./cmd/payrail up --port 0 --smoke --exit

test/node/node_modules: test/node/package-lock.json
	npm ci --prefix test/node --no-audit --no-fund --loglevel=error || echo "npm could not install test/node: the tests that need it are skipped"
	@touch -c $@

test: test/node/node_modules ## everything CI runs
	@unformatted=$$(gofmt -l cmd events examples functions infra internal local payment statemachines test); \
		if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted; run gofmt -w on them"; exit 1; fi
	go vet ./...
	go test -race $(RACED)
	go test -p 1 -timeout $(PATIENCE) $(REST)

# How many payments each scenario of `make fault` takes, more than 100,000 in all, and the seed of its faults.
FAULT_PAYMENTS ?= 1500
FAULT_SEED ?= 20260709

fault: ## every fault at every edge, with more than 100,000 payments; the report goes to dist/fault-report.md
	PAYRAIL_FAULT_PAYMENTS=$(FAULT_PAYMENTS) PAYRAIL_FAULT_SEED=$(FAULT_SEED) go test -count=1 -timeout 59m -run 'TestFault' -v ./test

# How long `make fuzz` runs each fuzz test.
FUZZTIME ?= 2m

fuzz: ## run every fuzz test for FUZZTIME, one after the other
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r folder; do \
		for name in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$folder/*_test.go | sed 's/^func //'); do \
			echo "$$folder $$name"; go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$folder || exit 1; \
		done; \
	done

bench: ## benchmarks of the hot paths
	go test -run '^$$' -bench . -benchmem $(RACED)

synth: ## write the CloudFormation template for AWS to cdk.out
	$(CDK) synth --quiet

deploy: ## deploy to the AWS account in the environment
	$(CDK) deploy
