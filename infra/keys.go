package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newTokenKey makes the key from which card tokens are derived, by GenerateMac. It never leaves KMS, and it is not rotated: a
// token must stay the same for as long as the card lives. No function may use it; tokens are made before payments come in.
func newTokenKey(stack constructs.Construct, removal awscdk.RemovalPolicy) awskms.Key {
	return awskms.NewKey(stack, jsii.String("TokenKey"), &awskms.KeyProps{
		Description:   jsii.String("Payrail: derives card tokens"),
		KeySpec:       awskms.KeySpec_HMAC_256,
		KeyUsage:      awskms.KeyUsage_GENERATE_VERIFY_MAC,
		RemovalPolicy: removal,
	})
}
