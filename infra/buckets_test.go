package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/stretchr/testify/require"
)

func TestBucketsAreClosed(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	ids := tpl.ofType("AWS::S3::Bucket")
	require.Len(t, ids, 3)
	for _, id := range ids {
		require.Equal(t, map[string]any{
			"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
		}, tpl.get(id, "PublicAccessBlockConfiguration"), id)
		encryption := list(tpl.get(id, "BucketEncryption", "ServerSideEncryptionConfiguration"))
		require.Len(t, encryption, 1, id)
		require.True(t, deniesPlainHTTP(tpl.resourcePolicy(t, id), "s3:*"), id)
	}
}

func TestAuditIsLocked(t *testing.T) {
	settings := defaults(t)
	lock := func(settings Settings) any {
		tpl := synthesize(t, settings)
		audit := tpl.one(t, "AWS::S3::Bucket", "BucketsAudit")
		require.Equal(t, "Enabled", tpl.get(audit, "VersioningConfiguration", "Status"))
		require.Equal(t, true, tpl.get(audit, "ObjectLockEnabled"))
		return tpl.get(audit, "ObjectLockConfiguration", "Rule", "DefaultRetention")
	}
	require.Equal(t, map[string]any{"Mode": "COMPLIANCE", "Days": 365.0}, lock(settings))
	settings.Removal = awscdk.RemovalPolicy_DESTROY
	require.Equal(t, map[string]any{"Mode": "GOVERNANCE", "Days": 1.0}, lock(settings), "a stack to throw away must be removable")
}
