// Package dynamodb is the local runtime's DynamoDB: tables, items, expressions, transactions, global secondary indexes and
// streams over the JSON protocol, on top of an ordered key-value store.
//
// What it does, it does as the service does it; everything else is refused with an error that names it. Three things are
// fixed where the service leaves room: index reads are never stale, a transaction waits for a competing one instead of being
// cancelled with TransactionConflict, and items past their time to live stay readable (the service promises their deletion
// "within days" only). A stream has one shard, which never splits. Table definitions live as long as the process; items live
// as long as the store.
package dynamodb
