package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// output is a name or address that commands and other stacks look up.
type output struct {
	name, description string
	value             *string
}

// newOutputs publishes outputs under exactly their names.
func newOutputs(stack awscdk.Stack, outputs ...output) {
	for _, o := range outputs {
		awscdk.NewCfnOutput(stack, jsii.String(o.name), &awscdk.CfnOutputProps{
			Description: jsii.String(o.description),
			Value:       o.value,
		})
	}
}
