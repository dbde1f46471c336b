// Package statemachines holds the definitions of the Step Functions state machines.
package statemachines

import _ "embed"

// PostingRules is the rules engine: an EXPRESS state machine in the Amazon States Language. Its substitutions are
// EventBusName, RulesDlqUrl, CurrencyConversionMode (corrected or legacy) and RuleSetVersion.
//
//go:embed posting-rules.asl.json
var PostingRules string
