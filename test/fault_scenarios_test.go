package test

import "slices"

// scenarios are all of the suite, edge by edge.
func scenarios() []scenario {
	return slices.Concat(pipeScenarios(), ruleScenarios(), queueScenarios(), busScenarios(), engineScenarios(), ledgerScenarios(), recordScenarios(),
		scheduleScenarios(), giveUpScenarios(), everythingScenarios())
}

// From the authorizer to the bus.
func pipeScenarios() []scenario {
	return []scenario{
		{name: "items left unprocessed", plan: "partial:dynamodb:BatchWriteItem/*Authorizations*=0.3"},
		{name: "answers to the authorizer lost", plan: "fail-after:dynamodb:BatchWriteItem/*Authorizations*=0.3"},
		{name: "batches to the pipe twice", plan: "duplicate:pipes:Deliver=0.3", quick: true},
		{name: "batches to the pipe late", plan: "delay:pipes:Deliver=0.05:30s"},
		{name: "batches to the pipe out of order", plan: "reorder:pipes:Deliver=0.5:20s"},
		{name: "batches to the pipe dropped", plan: "drop:pipes:Deliver=0.2"},
		{name: "clocks wrong by ten minutes", plan: "skew:dynamodb:Stream=0.5:10m"},
		{name: "dedup throttled", plan: "throttle:lambda:Invoke/*DedupFunction*=0.1"},
		{name: "dedup's answers lost", plan: "fail-after:pipes:Enrichment=0.1,fail-after:lambda:Invoke/*DedupFunction*=0.1"},
		{name: "dedup killed", plan: "kill:lambda:Run/*DedupFunction*=1/9,kill-after:lambda:Run/*DedupFunction*=1/13"},
		{name: "dedup crashing at its start", plan: "crash:lambda:Init/*DedupFunction*=1x6"},
		{name: "dedup hanging", plan: "hang:lambda:Run/*DedupFunction*=1/7x2,hang-after:lambda:Run/*DedupFunction*=1/9x2", share: 60},
		{name: "dedup's table throttled", plan: "throttle:dynamodb:*/*TablesDedup*=0.2"},
		{name: "dedup's table in transactions", plan: "conflict:dynamodb:PutItem/*TablesDedup*=0.05"},
		{name: "dedup's claims made and not answered", plan: "fail-after:dynamodb:PutItem/*TablesDedup*=0.2"},
		{name: "dedup's claims without an answer in time", plan: "timeout:dynamodb:PutItem/*TablesDedup*=1/40x4,timeout-after:dynamodb:PutItem/*TablesDedup*=1/50x4", share: 60},
		{name: "parking refused", plan: "throttle:s3:PutObject/*arked*=0.3,fail:s3:PutObject/*arked*=0.2"},
		{name: "parked and not answered", plan: "fail-after:s3:PutObject/*arked*=0.5"},
		{name: "the pipe's entries refused", plan: "partial:events:PutEvents/TransactionAuthorized=0.1"},
		{name: "the pipe's events put and not answered", plan: "fail-after:pipes:Target=0.1"},
		{name: "the pipe's bus failing", plan: "fail:pipes:Target=0.2,throttle:events:PutEvents/TransactionAuthorized=0.05"},
	}
}

// From the bus to every target.
func ruleScenarios() []scenario {
	return []scenario{
		{name: "events to every target twice", plan: "duplicate:events:Deliver=0.3"},
		{name: "events to every target late", plan: "delay:events:Deliver=0.1:1m"},
		{name: "events to every target out of order", plan: "reorder:events:Deliver=0.5:1m"},
		{name: "events to every target dropped", plan: "drop:events:Deliver=0.2"},
		{name: "events delivered and not answered", plan: "fail-after:events:Deliver=0.15"},
		{name: "queues refusing events", plan: "throttle:sqs:SendMessage/*Queue*=0.1,fail-after:sqs:SendMessage/*Queue*=0.1"},
	}
}

// From the queues to their functions.
func queueScenarios() []scenario {
	return []scenario{
		{name: "messages twice", plan: "duplicate:sqs:Deliver=0.3"},
		{name: "messages late", plan: "delay:sqs:Deliver=0.1:2m"},
		{name: "messages out of order", plan: "reorder:sqs:Deliver=0.8:1m"},
		{name: "receives lost", plan: "drop:sqs:Deliver=0.03"},
		{name: "receives failing", plan: "throttle:sqs:ReceiveMessage=0.1,fail-after:sqs:ReceiveMessage=1/25"},
		{name: "deletions failing", plan: "fail:sqs:DeleteMessageBatch=0.4,fail-after:sqs:DeleteMessageBatch=0.2"},
		{name: "standardize killed", plan: "kill:lambda:Run/*Standardize*=1/9,kill-after:lambda:Run/*Standardize*=1/13"},
		{name: "enrich killed", plan: "kill:lambda:Run/*Enrich*=1/9,kill-after:lambda:Run/*Enrich*=1/13"},
		{name: "accountinterface killed", plan: "kill:lambda:Run/*Accountinterface*=1/9,kill-after:lambda:Run/*Accountinterface*=1/13"},
		{name: "posting killed", plan: "kill:lambda:Run/*Posting*=1/9,kill-after:lambda:Run/*Posting*=1/13", quick: true},
		{name: "every function crashing at its start", plan: "crash:lambda:Init=0.5x24"},
		{name: "every function throttled", plan: "throttle:lambda:Invoke/*=0.05"},
		{name: "invocations made and not answered", plan: "fail-after:lambda:Invoke/*=1/17"},
		{name: "posting hanging", plan: "hang:lambda:Run/*Posting*=1/9x2,hang-after:lambda:Run/*Posting*=1/11x2", share: 60},
		{name: "reference data failing", plan: "throttle:dynamodb:*/*TablesAccounts*=0.2,fail:dynamodb:*/*TablesReference*=0.2"},
		{name: "tracker and timeline failing", plan: "kill:lambda:Run/*Tracker*=1/17,kill-after:lambda:Run/*Tracker*=1/19,crash:lambda:Init/*Tracker*=1x2,throttle:lambda:Invoke/*Tracker*=0.05," +
			"fail-after:lambda:Invoke/*Tracker*=1/17,partial:dynamodb:BatchWriteItem/*Timeline*=0.2", timeline: true, share: 60},
		{name: "events to the tracker in every way but straight", plan: "duplicate:events:Deliver/*Tracker*=0.1,delay:events:Deliver/*Tracker*=0.05:1m,reorder:events:Deliver/*Tracker*=0.2:1m," +
			"drop:events:Deliver/*Tracker*=0.1,fail-after:events:Deliver/*Tracker*=0.05,throttle:sqs:SendMessage/*Tracker*=0.05,fail-after:sqs:SendMessage/*Tracker*=0.05," +
			"duplicate:sqs:Deliver/*Tracker*=0.1,delay:sqs:Deliver/*Tracker*=0.05:1m,reorder:sqs:Deliver/*Tracker*=0.2:1m,drop:sqs:Deliver/*Tracker*=0.02," +
			"throttle:sqs:ReceiveMessage/*Tracker*=0.1,fail:sqs:DeleteMessageBatch/*Tracker*=0.2,fail-after:sqs:DeleteMessageBatch/*Tracker*=0.1", timeline: true, share: 20},
	}
}

// decisions are those which chance may keep from the bus: the rules engine tries five times, and of 1,500 decisions a fault that hits every
// fifth call hits all the attempts of one in two runs.
var decisions = map[string]int{"RulesDeadLetters": 4}

// From the functions to the bus.
func busScenarios() []scenario {
	return []scenario{
		{name: "PutEvents throttled", plan: "throttle:events:PutEvents=0.15", chance: decisions},
		{name: "PutEvents done and not answered", plan: "fail-after:events:PutEvents=0.15", chance: decisions},
		{name: "some entries of PutEvents refused", plan: "partial:events:PutEvents=0.1", chance: decisions},
		{name: "PutEvents without an answer in time", plan: "timeout:events:PutEvents=1/10x4,timeout-after:events:PutEvents=1/12x4", share: 60},
		{name: "the archive failing", plan: "fail:events:Archive=0.1,fail-after:events:Archive=0.05"},
	}
}

// Around the state machine.
func engineScenarios() []scenario {
	return []scenario{
		{name: "executions not started", plan: "throttle:states:StartExecution=0.1,fail:states:StartExecution=0.1"},
		{name: "executions started and not answered", plan: "fail-after:states:StartExecution=0.3"},
		{name: "executions slow", plan: "slow:states:Run=0.3:2m"},
		{name: "decisions refused by the bus", plan: "partial:events:PutEvents/TransactionPostingApproved=0.2,throttle:events:PutEvents/TransactionRoutedToSuspense=0.2", chance: decisions},
	}
}

// From posting to its tables.
func ledgerScenarios() []scenario {
	return []scenario{
		{name: "the ledger in transactions", plan: "conflict:dynamodb:TransactWriteItems=0.3"},
		{name: "the ledger throttled", plan: "throttle:dynamodb:TransactWriteItems=0.2,throttle:dynamodb:*/*TablesLedger*=0.05"},
		{name: "posted and not answered", plan: "fail-after:dynamodb:TransactWriteItems=0.3", quick: true},
		{name: "postings without an answer in time", plan: "timeout:dynamodb:TransactWriteItems=1/10x4,timeout-after:dynamodb:TransactWriteItems=1/12x4", share: 60},
		{name: "assembly failing", plan: "throttle:dynamodb:UpdateItem/*Assembly*=0.2,fail-after:dynamodb:UpdateItem/*Assembly*=0.2,reorder:events:Deliver/*PostingQueue*=0.5:1m", share: 60},
		{name: "reads of the ledger failing", plan: "fail:dynamodb:*Get*=0.1,throttle:dynamodb:Query=0.1"},
	}
}

// What keeps the record.
func recordScenarios() []scenario {
	return []scenario{
		{name: "Firehose throttled", plan: "throttle:firehose:PutRecordBatch=0.3,fail-after:firehose:PutRecordBatch=0.1"},
		{name: "audit objects written twice and late", plan: "duplicate:firehose:Deliver=1/2,delay:firehose:Deliver=1/3:30s", after: (*faultRun).flush},
		{name: "audit objects refused", plan: "drop:firehose:Deliver=1/2,fail-after:s3:PutObject/*udit*=1/3", after: (*faultRun).flush},
	}
}

func everythingScenarios() []scenario {
	return []scenario{
		{name: "a rough day", plan: "rough,kill=1/31", quick: true},
		{name: "a rough day with the tracker", plan: "rough,kill=1/31", timeline: true, share: 60},
		{name: "a storm", plan: "storm,drop=0.02,kill=1/29,kill-after=1/31,timeout=0.0005x6,timeout-after=0.0005x6,crash=1/5x20", share: 6, restore: redriven()},
	}
}
