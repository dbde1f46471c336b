// Package local runs Payrail's synthesized CloudFormation template in one process: the same tables, pipe, rules, queues,
// state machine and functions that `cdk deploy` would create, with the function binaries as real processes.
//
//	           one port, the AWS protocols (front.go)
//	 CLI, SDKs ───────────────┬──────────────────────────────────────────────┐
//	                          ▼                                              ▼
//	dynamodb ──stream──▶ pipes ──enrichment──▶ lambda ◀──batches── sqs     s3, kms, sns,
//	   ▲                    │ PutEvents          │ ▲                ▲      cloudformation
//	   │                    ▼                    │ └─ processes     │
//	   │               eventbridge ──deliveries──┼──────────────────┤
//	   │                    │                    │                  │
//	   │                    └─▶ stepfunctions, firehose ─▶ s3, sns   └─ dead letters
//	   └────────────────────────── SDK calls of the functions
//
// HTTP APIs (package apigateway) are on the same port, told apart by their path, and invoke functions.
//
// Services are packages below this one that know nothing of each other. This package reads the template (package template),
// creates every resource through the services' Go API (resources.go), and connects them (wiring.go). What the template uses
// and a service does not do is refused at start-up; what only protects or shows is accepted and listed as not enforced.
package local
