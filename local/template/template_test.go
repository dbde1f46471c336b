package template

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, text string) *Template {
	t.Helper()
	parsed, err := Parse([]byte(text), Options{StackName: "Payrail"})
	require.NoError(t, err)
	return parsed
}

func TestIntrinsicFunctions(t *testing.T) {
	const frame = `{
		"Parameters": {"Stage": {"Type": "String", "Default": "dev"}, "Size": {"Type": "Number", "Default": 5},
			"Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
			"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/hnb659fds/version"}},
		"Rules": {"CheckBootstrapVersion": {"Assertions": [{"Assert": {"Fn::Not": [{"Fn::Contains": [["1"], {"Ref": "BootstrapVersion"}]}]}}]}},
		"Mappings": {"M": {"dev": {"size": "small"}}},
		"Conditions": {"IsDev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
			"Never": {"Fn::And": [{"Condition": "IsDev"}, {"Fn::Not": [{"Condition": "IsDev"}]}]},
			"Either": {"Fn::Or": [{"Condition": "Never"}, {"Condition": "IsDev"}]}},
		"Resources": {
			"Queue": {"Type": "AWS::SQS::Queue"},
			"It": {"Type": "T", "Properties": {"V": VALUE}}}}`
	for name, tc := range map[string]struct{ value, want string }{
		"literal numbers stay":     {`{"a": 12345678901234567890.10}`, `{"a": 12345678901234567890.10}`},
		"parameter":                {`{"Ref": "Stage"}`, `"dev"`},
		"number parameter":         {`{"Ref": "Size"}`, `5`},
		"list parameter":           {`{"Ref": "Zones"}`, `["a","b"]`},
		"ref of a resource":        {`{"Ref": "Queue"}`, `"http://queue"`},
		"attribute":                {`{"Fn::GetAtt": ["Queue", "Arn"]}`, `"arn:queue"`},
		"attribute, short form":    {`{"Fn::GetAtt": "Queue.Arn"}`, `"arn:queue"`},
		"pseudo parameters":        {`[{"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}, {"Ref": "AWS::Partition"}, {"Ref": "AWS::URLSuffix"}, {"Ref": "AWS::StackName"}]`, `["us-east-1", "000000000000", "aws", "amazonaws.com", "Payrail"]`},
		"stack id":                 {`{"Ref": "AWS::StackId"}`, `"arn:aws:cloudformation:us-east-1:000000000000:stack/Payrail/local"`},
		"no value":                 {`{"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}`, `{"b": [1]}`},
		"sub":                      {`{"Fn::Sub": "a-${Stage}-${Queue.Arn}-${!Literal}-${AWS::Region}"}`, `"a-dev-arn:queue-${Literal}-us-east-1"`},
		"sub with variables":       {`{"Fn::Sub": ["${X}/${Stage}", {"X": {"Fn::GetAtt": ["Queue", "Arn"]}}]}`, `"arn:queue/dev"`},
		"join":                     {`{"Fn::Join": ["", ["a", {"Ref": "Stage"}, 1]]}`, `"adev1"`},
		"join of a split":          {`{"Fn::Join": ["-", {"Fn::Split": [":", {"Fn::GetAtt": ["Queue", "Arn"]}]}]}`, `"arn-queue"`},
		"select":                   {`{"Fn::Select": ["1", ["a", "b"]]}`, `"b"`},
		"select by number":         {`{"Fn::Select": [0, {"Ref": "Zones"}]}`, `"a"`},
		"if held":                  {`{"Fn::If": ["IsDev", "yes", {"Fn::Select": [9, []]}]}`, `"yes"`},
		"if not held":              {`{"Fn::If": ["Never", "yes", "no"]}`, `"no"`},
		"or":                       {`{"Fn::If": ["Either", "yes", "no"]}`, `"yes"`},
		"if without value":         {`{"a": {"Fn::If": ["Never", 1, {"Ref": "AWS::NoValue"}]}}`, `{}`},
		"mapping":                  {`{"Fn::FindInMap": ["M", {"Ref": "Stage"}, "size"]}`, `"small"`},
		"base64":                   {`{"Fn::Base64": "hello"}`, `"aGVsbG8="`},
		"policy condition is data": {`{"Effect": "Allow", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`, `{"Effect": "Allow", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewResolver(parse(t, replace(frame, tc.value)))
			r.Set("Queue", "http://queue", map[string]any{"Arn": "arn:queue"})
			properties, err := r.Properties("It")
			require.NoError(t, err)
			got, err := json.Marshal(properties["V"])
			require.NoError(t, err)
			require.JSONEq(t, tc.want, string(got))
		})
	}
}

func TestRefusedWhenLoaded(t *testing.T) {
	for name, tc := range map[string]struct{ template, want string }{
		"import":              {resource(`{"A": [{"Fn::ImportValue": "x"}]}`), `checking It.Properties.V.A[0]: the local runtime does not do Fn::ImportValue`},
		"zones":               {resource(`{"Fn::GetAZs": ""}`), `checking It.Properties.V: the local runtime does not do Fn::GetAZs`},
		"transform function":  {resource(`{"Fn::Transform": {"Name": "AWS::Include"}}`), `checking It.Properties.V: the local runtime does not do Fn::Transform`},
		"inside another":      {resource(`{"Fn::Join": ["", [{"Fn::Cidr": []}]]}`), `checking It.Properties.V.Fn::Join[1][0]: the local runtime does not do Fn::Cidr`},
		"beside another key":  {resource(`{"Ref": "It", "Other": 1}`), `checking It.Properties.V: Ref must be the only key of its object`},
		"unknown reference":   {resource(`{"Ref": "Nobody"}`), `checking It.Properties.V: Ref names "Nobody", which is no resource and no parameter the local runtime has`},
		"unknown in sub":      {resource(`{"Fn::Sub": "${Nobody.Arn}"}`), `checking It.Properties.V: Fn::Sub names "Nobody", which is no resource and no parameter the local runtime has`},
		"bootstrap parameter": {`{"Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "x"}}, "Resources": {"It": {"Type": "T", "Properties": {"V": {"Ref": "BootstrapVersion"}}}}}`, `checking It.Properties.V: Ref names "BootstrapVersion", which is no resource and no parameter the local runtime has`},
		"dynamic reference":   {resource(`"{{resolve:ssm:x}}"`), `checking It.Properties.V: the local runtime does not do the dynamic reference {{resolve:ssm:x}}`},
		"template transform":  {`{"Transform": "AWS::Serverless-2016-10-31", "Resources": {}}`, `decoding template: the local runtime does not do "Transform"`},
		"creation policy":     {`{"Resources": {"It": {"Type": "T", "CreationPolicy": {}}}}`, `decoding It: the local runtime does not do "CreationPolicy"`},
		"no default":          {`{"Parameters": {"P": {"Type": "String"}}, "Resources": {}}`, `reading parameter P: it has no Default, and the local runtime takes defaults only`},
		"parameter type":      {`{"Parameters": {"P": {"Type": "AWS::EC2::VPC::Id", "Default": "x"}}, "Resources": {}}`, `reading parameter P: the local runtime does not do parameters of type AWS::EC2::VPC::Id`},
		"unknown condition":   {`{"Resources": {"It": {"Type": "T", "Condition": "C"}}}`, `checking It: there is no condition "C"`},
		"condition function":  {`{"Conditions": {"C": {"Fn::Contains": []}}, "Resources": {}}`, `evaluating condition C: the local runtime does not do Fn::Contains in a condition`},
		"condition cycle":     {`{"Conditions": {"C": {"Fn::Not": [{"Condition": "C"}]}}, "Resources": {}}`, `evaluating condition C: condition C refers to itself`},
		"unknown dependency":  {`{"Resources": {"It": {"Type": "T", "DependsOn": "X"}}}`, `checking It.DependsOn: there is no resource "X"`},
		"no type":             {`{"Resources": {"It": {}}}`, `reading It: it has no Type`},
		"bad output":          {`{"Resources": {}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["X", "Arn"]}}}}`, `checking Outputs.O.Value: Fn::GetAtt names "X", which is no resource and no parameter the local runtime has`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.template), Options{})
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestRefusedWhenResolved(t *testing.T) {
	for name, tc := range map[string]struct{ value, want string }{
		"not created":       {`{"Ref": "Queue2"}`, `resolving It.V: Ref to Queue2, which is not created`},
		"unknown attribute": {`{"Fn::GetAtt": ["Queue", "Color"]}`, `resolving It.V: Fn::GetAtt of Queue.Color: the local runtime has no attribute Color of AWS::SQS::Queue`},
		"out of range":      {`{"Fn::Select": [2, ["a"]]}`, `resolving It.V: Fn::Select of element 2 of a list of 1`},
		"no such mapping":   {`{"Fn::FindInMap": ["M", "a", "b"]}`, `resolving It.V: Fn::FindInMap: there is no M.a.b`},
		"list in a join":    {`{"Fn::Join": ["", [["a"]]]}`, `resolving It.V: Fn::Join wants strings, element 0 is []interface {}`},
		"no such condition": {`{"Fn::If": ["C", 1, 2]}`, `resolving It.V: Fn::If: there is no condition C`},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewResolver(parse(t, replace(`{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, "Queue2": {"Type": "AWS::SQS::Queue"},
				"It": {"Type": "T", "Properties": {"V": VALUE}}}}`, tc.value)))
			r.Set("Queue", "http://queue", nil)
			_, err := r.Properties("It")
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestOrderFollowsEveryKindOfReference(t *testing.T) {
	parsed := parse(t, `{"Conditions": {"No": {"Fn::Equals": ["a", "b"]}}, "Resources": {
		"A": {"Type": "T", "Properties": {"V": {"Ref": "B"}}, "DependsOn": ["E", "Absent"]},
		"B": {"Type": "T", "Properties": {"V": {"Fn::GetAtt": ["C", "Arn"]}}},
		"C": {"Type": "T", "Properties": {"V": {"Fn::Sub": "${D.Arn} ${AWS::Region}"}}},
		"D": {"Type": "T", "Properties": {"V": {"Fn::Sub": ["${A}", {"A": {"Ref": "E"}}]}}},
		"E": {"Type": "T"}, "Absent": {"Type": "T", "Condition": "No"}}}`)
	order, err := parsed.Order()
	require.NoError(t, err)
	var ids []string
	for _, r := range order {
		ids = append(ids, r.LogicalID)
	}
	require.Equal(t, []string{"E", "D", "C", "B", "A"}, ids)
	require.Equal(t, []string{"B", "E"}, order[4].DependsOn)
}

func TestOrderNamesTheMembersOfACycle(t *testing.T) {
	_, err := parse(t, `{"Resources": {
		"A": {"Type": "T", "Properties": {"V": {"Ref": "B"}}}, "B": {"Type": "T", "DependsOn": "C"},
		"C": {"Type": "T", "Properties": {"V": {"Fn::Sub": "${B}"}}}}}`).Order()
	require.EqualError(t, err, "ordering resources: circular dependency B → C → B")
}

func TestOutputs(t *testing.T) {
	r := NewResolver(parse(t, `{"Conditions": {"No": {"Fn::Equals": ["a", "b"]}}, "Resources": {"Q": {"Type": "T"}}, "Outputs": {
		"Url": {"Value": {"Ref": "Q"}, "Description": "the queue", "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-url"}}},
		"Gone": {"Value": "x", "Condition": "No"}}}`))
	_, err := r.Outputs()
	require.EqualError(t, err, "resolving output Url: Ref to Q, which is not created")
	r.Set("Q", "http://q", nil)
	outputs, err := r.Outputs()
	require.NoError(t, err)
	require.Equal(t, []Output{{Key: "Url", Value: "http://q", Description: "the queue", ExportName: "Payrail-url"}}, outputs)
}

func TestCodeFolderComesFromTheManifest(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	write("Payrail.template.json", `{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {
		"Code": {"S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}, "S3Key": "abc.zip"}}}}}`)
	write("Payrail.assets.json", `{"version": "54.0.0", "files": {
		"abc": {"displayName": "F/Code", "source": {"path": "asset.abc", "packaging": "zip"}, "destinations": {"current_account-current_region":
			{"bucketName": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}", "objectKey": "abc.zip", "assumeRoleArn": "arn"}}},
		"def": {"source": {"path": "Payrail.template.json", "packaging": "file"}, "destinations": {"current_account-current_region":
			{"bucketName": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}", "objectKey": "def.json"}}}}, "dockerImages": {}}`)
	loaded, err := Load(filepath.Join(folder, "Payrail.template.json"), Options{})
	require.NoError(t, err)
	require.Equal(t, "Payrail", loaded.StackName())
	properties, err := NewResolver(loaded).Properties("F")
	require.NoError(t, err)
	path, err := loaded.CodeFolder(properties["Code"])
	require.NoError(t, err)
	require.Equal(t, filepath.Join(folder, "asset.abc"), path)

	const bucket = "cdk-hnb659fds-assets-000000000000-us-east-1"
	_, err = loaded.CodeFolder(map[string]any{"S3Bucket": bucket, "S3Key": "other.zip"})
	require.EqualError(t, err, "finding asset: the manifest has none at s3://"+bucket+"/other.zip")
	_, err = loaded.CodeFolder(map[string]any{"S3Bucket": bucket, "S3Key": "def.json"})
	require.ErrorContains(t, err, "is a file, want a folder")
	_, err = loaded.CodeFolder(map[string]any{"ZipFile": "code"})
	require.EqualError(t, err, "reading function code: decoding properties: the local runtime does not do property ZipFile")
}

func resource(value string) string {
	return replace(`{"Resources": {"It": {"Type": "T", "Properties": {"V": VALUE}}}}`, value)
}

func replace(frame, value string) string { return strings.Replace(frame, "VALUE", value, 1) }
