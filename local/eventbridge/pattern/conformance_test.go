package pattern

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Where the cases are taken from; names and values of a case are sometimes shorter than there. recorded are tests whose results were
// recorded on AWS: a name that ends in _NEG is a pattern that does not match its event, one in _EXC a pattern that is refused, any
// other one a match.
const (
	operators     = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
	creating      = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html"
	arrays        = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html"
	nulls         = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-null-values.html"
	patterns      = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html"
	recorded      = "https://github.com/localstack/localstack/blob/main/tests/aws/services/events/event_pattern_templates/"
	recordedTests = "https://github.com/localstack/localstack/blob/main/tests/aws/services/events/"
	ruler         = "https://github.com/aws/event-ruler/blob/main/README.md"
	rulerCode     = "https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/"
)

var matching = []struct {
	source, pattern, event string
	want                   bool
}{
	// Values: a pattern lists them, any one will do.
	{patterns, `{"source":["aws.ec2"],"detail-type":["EC2 Instance State-change Notification"],"detail":{"state":["terminated"]}}`,
		`{"source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","detail":{"instance-id":"i-1","state":"terminated"}}`, true},
	{patterns, `{"source":["aws.ec2"],"detail":{"state":["terminated"]}}`, `{"source":"aws.ec2","detail":{"state":"running"}}`, false},
	{operators + "#eb-filtering-or", `{"PaymentType":["Credit","Debit"]}`, `{"PaymentType":"Debit"}`, true},
	{operators, `{"Location":["New York"],"Day":["Monday"]}`, `{"Location":"New York","Day":"Monday"}`, true},
	{operators, `{"Location":["New York"],"Day":["Monday"]}`, `{"Location":"New York","Day":"Sunday"}`, false},
	{recorded + "string.json5", `{"source":["test-source"]}`, `{"source":"test-source"}`, true},
	{recorded + "key_case_sensitive_NEG.json5", `{"Source":["test-source"]}`, `{"source":"test-source"}`, false},
	{creating + "#eb-create-pattern-considerations", `{"source":["aws.EC2"]}`, `{"source":"aws.ec2"}`, false},
	{recorded + "boolean.json5", `{"flag":[true]}`, `{"flag":true}`, true},
	{recorded + "boolean_NEG.json5", `{"flag":[true]}`, `{"flag":false}`, false},
	{creating, `{"flag":["true"]}`, `{"flag":true}`, false},
	{recorded + "dynamodb.json5", `{"dynamodb":{"NewImage":{"homemade":{"N":["1234"]}}}}`, `{"dynamodb":{"NewImage":{"homemade":{"S":"ABCD","N":"1234"}}}}`, true},

	// null is a value, "" is another, a missing field is neither.
	{nulls, `{"detail":{"responseElements":[null]}}`, `{"detail":{"responseElements":null}}`, true},
	{nulls, `{"detail":{"responseElements":[null]}}`, `{"detail":{"responseElements":""}}`, false},
	{nulls, `{"detail":{"eventVersion":[""]}}`, `{"detail":{"eventVersion":""}}`, true},
	{nulls, `{"detail":{"eventVersion":[""]}}`, `{"detail":{"eventVersion":null}}`, false},
	{nulls, `{"detail":{"eventVersion":[null]}}`, `{"detail":{}}`, false},
	{recorded + "null_value.json5", `{"UserID":[null]}`, `{"UserID":null}`, true},
	{recorded + "null_value_NEG.json5", `{"UserID":[null]}`, `{"UserID":""}`, false},
	{recorded + "string_empty.json5", `{"LastName":[""]}`, `{"LastName":""}`, true},

	// Numbers: by value where they can be compared, else by how they are written.
	{recorded + "number_comparison_float.json5", `{"number":[300]}`, `{"number":300.0}`, true},
	{rulerCode + "JsonRuleCompiler.java", `{"number":[3.0e2]}`, `{"number":300}`, true},
	{creating, `{"number":["300"]}`, `{"number":300}`, false},
	{rulerCode + "JsonRuleCompiler.java", `{"account":[123456789012]}`, `{"account":123456789012}`, true},
	{rulerCode + "JsonRuleCompiler.java", `{"account":[123456789012]}`, `{"account":1.23456789012e11}`, false},

	// Arrays in events: one common element will do.
	{arrays, `{"resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-b188560f","arn:aws:ec2:us-east-1:111122223333:instance/i-b188560f"]}`,
		`{"resources":["arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:eb56d16b","arn:aws:ec2:us-east-1:123456789012:instance/i-b188560f"]}`, true},
	{recorded + "arrays_NEG.json5", `{"resources":["a","b"]}`, `{"resources":["c","d"]}`, false},
	{recorded + "arrays_empty_null_NEG.json5", `{"resources":[null]}`, `{"resources":[]}`, false},
	{ruler + "#json-array-matching", `{"employees":{"firstName":["Anna"],"lastName":["Smith"]}}`,
		`{"employees":[{"firstName":"John","lastName":"Doe"},{"firstName":"Anna","lastName":"Smith"},{"firstName":"Peter","lastName":"Jones"}]}`, true},
	{ruler + "#json-array-matching", `{"employees":{"firstName":["Anna"],"lastName":["Jones"]}}`,
		`{"employees":[{"firstName":"John","lastName":"Doe"},{"firstName":"Anna","lastName":"Smith"},{"firstName":"Peter","lastName":"Jones"}]}`, false},
	{ruler + "#json-array-matching", `{"employees":{"firstName":["Anna"],"lastName":["Jones"]}}`,
		`{"employees":[[{"firstName":"John","lastName":"Doe"},{"firstName":"Anna","lastName":"Smith"}],[{"firstName":"Peter","lastName":"Jones"}]]}`, false},
	{recorded + "list_within_dict.json5", `{"detail":{"automations":{"id":[{"exists":true}]}}}`,
		`{"detail":{"automations":[{"key1":"value1"},{"id":"match-does-exist"},{"key2":"value2"}]}}`, true},
	{"https://github.com/localstack/localstack/blob/main/tests/aws/services/events/test_events_targets.py (test_put_events_with_target_lambda_list_entries_partial_match)",
		`{"automations":{"id":["123"],"actions":{"type":["SEND"]}}}`, `{"automations":[{"foo":"bar"},{"id":"123","actions":[{"id":"321","type":"SEND"}]},{"bar":"foo"}]}`, true},

	// Dots in names and nesting are the same.
	{creating + "#eb-create-pattern-considerations", `{"detail":{"state":{"status":["running"]}}}`, `{"detail":{"state.status":"running"}}`, true},
	{recorded + "dot_joining_pattern.json5", `{"detail":{"state.status":["running"]}}`, `{"detail":{"state":{"status":"running"}}}`, true},
	{recorded + "dot_joining_event_NEG.json5", `{"detail":{"state":{"status":["running"]}}}`, `{"detail":{"state.status":{"status":"running"}}}`, false},
	{recorded + "dot_joining_pattern_NEG.json5", `{"detail":{"state.status":{"status":["running"]}}}`, `{"detail":{"state":{"status":"running"}}}`, false},
	{recorded + "operator_multiple_list.json5", `{"my_key":[{"exists":true},{"prefix":"IGNORED"},{"suffix":"IGNORED"}]}`, `{"my_key":"my-value"}`, true},

	{recorded + "nested_json_NEG.json5", `{"detail":{"my-key":["my-value"]}}`, `{"detail":"{\"my-key\": \"my-value\"}"}`, false},
	{recordedTests + "test_events_patterns.py (test_event_pattern_with_escape_characters)", `{"detail":{"escape_star":["*"],"escape_backslash":["\\"]}}`, `{"detail":{"escape_star":"*","escape_backslash":"\\"}}`, true},
	{recorded + "complex_many_rules.json5", `{"source":[{"exists":true}],"detail-type":[{"prefix":"core.app"}],"detail":{"amount":[200],"salary":[2000,4000],"env":["dev","prod"],"admins":["skyli",{"prefix":"hey"},{"prefix":"ad"}],
		"test1":[{"anything-but":200}],"test2":[{"anything-but":"test2"}],"test3":[{"anything-but":["test3","test33"]}],"test4":[{"anything-but":{"prefix":"test4"}}],"ip":[{"cidr":"10.102.1.0/24"}],
		"num-test1":[{"numeric":["<",200]}],"num-test2":[{"numeric":["<=",200]}],"num-test3":[{"numeric":[">",200]}],"num-test4":[{"numeric":[">=",200]}],
		"num-test5":[{"numeric":[">=",200,"<=",500]}],"num-test6":[{"numeric":[">",200,"<",500]}],"num-test7":[{"numeric":[">=",200,"<",500]}]}}`,
		`{"source":"core.update-account-command","detail-type":"core.app.backend","detail":{"amount":200,"salary":2000,"env":"prod","admins":"admin","test1":300,"test2":"test22","test3":"test333","test4":"this test4",
		"ip":"10.102.1.100","num-test1":100,"num-test2":200,"num-test3":300,"num-test4":200,"num-test5":500,"num-test6":300,"num-test7":300}}`, true},

	// Of a name given twice the last one counts.
	{operators + "#eb-filtering-complex-example", `{"detail":{"location":[{"prefix":"us-"}],"location":[{"anything-but":"us-east"}]}}`, `{"detail":{"location":"eu-central-1"}}`, true},
	{recorded + "complex_multi_key_event_pattern.json", `{"detail":{"location":[{"prefix":"us-"}],"location":[{"anything-but":"us-east"}]}}`, `{"detail":{"location":"us-east"}}`, false},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[1],"$or":[{"a":[2]},{"b":[1]}]}`, `{"a":2}`, true},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[1],"$or":[{"a":[2]},{"b":[1]}]}`, `{"a":1}`, false},

	// Prefix and suffix.
	{operators + "#eb-filtering-prefix-matching", `{"time":[{"prefix":"2017-10-02"}]}`, `{"time":"2017-10-02T18:43:48Z"}`, true},
	{recorded + "content_prefix_NEG.json5", `{"time":[{"prefix":"2017-10-02"}]}`, `{"time":"2022-07-13T13:48:01Z"}`, false},
	{operators + "#eb-filtering-prefix-matching-ignore-case", `{"detail":{"service":[{"prefix":{"equals-ignore-case":"EventB"}}]}}`, `{"detail":{"service":"eventbridge"}}`, true},
	{operators + "#eb-filtering-prefix-matching-ignore-case", `{"detail":{"service":[{"prefix":{"equals-ignore-case":"EventB"}}]}}`, `{"detail":{"service":"bridge"}}`, false},
	{recorded + "content_prefix_empty.json5", `{"source":[{"prefix":""}]}`, `{"source":"test-source"}`, true},
	{recorded + "prefix.json5", `{"dynamodb":{"Keys":{"PK":{"S":[{"prefix":"COMPANY"}]},"SK":{"S":[{"prefix":"PRODUCT"}]}}}}`,
		`{"dynamodb":{"ApproximateCreationDateTime":1664559083.0,"Keys":{"SK":{"S":"PRODUCT#CHOCOLATE#DARK#1000"},"PK":{"S":"COMPANY#1000"}}}}`, true},
	{ruler + "#prefix-matching", `{"n":[{"prefix":"1"}]}`, `{"n":12}`, false},
	{operators + "#eb-filtering-suffix-matching", `{"FileName":[{"suffix":".png"}]}`, `{"FileName":"a.png"}`, true},
	{recorded + "content_suffix_NEG.json5", `{"FileName":[{"suffix":".png"}]}`, `{"FileName":"a.jpg"}`, false},
	{operators + "#eb-filtering-suffix-matching-ignore-case", `{"detail":{"FileName":[{"suffix":{"equals-ignore-case":".png"}}]}}`, `{"detail":{"FileName":"a.PNG"}}`, true},
	{recorded + "content_suffix_ignorecase_NEG.json5", `{"detail":{"FileName":[{"suffix":{"equals-ignore-case":".png"}}]}}`, `{"detail":{"FileName":"a.PNG.bak"}}`, false},

	// Ignoring case.
	{operators + "#eb-filtering-equals-ignore-case-matching", `{"detail-type":[{"equals-ignore-case":"ec2 instance state-change notification"}]}`, `{"detail-type":"EC2 Instance State-change Notification"}`, true},
	{recorded + "content_ignorecase_NEG.json5", `{"detail-type":[{"equals-ignore-case":"ec2 instance state-change notification"}]}`, `{"detail-type":"EC2 Instance"}`, false},
	{recorded + "content_ignorecase_empty.json5", `{"detail":{"value":[{"equals-ignore-case":""}]}}`, `{"detail":{"value":""}}`, true},
	{recorded + "content_ignorecase_empty_NEG.json5", `{"detail":{"value":[{"equals-ignore-case":""}]}}`, `{"detail":{"value":"test-value"}}`, false},

	// Anything-but: the field must be there, with a value that is none of those.
	{operators + "#eb-filtering-anything-but", `{"detail":{"state":[{"anything-but":"initializing"}]}}`, `{"detail":{"state":"running"}}`, true},
	{recorded + "content_anything_but_string_NEG.json5", `{"detail":{"state":[{"anything-but":"initializing"}]}}`, `{"detail":{"state":"initializing"}}`, false},
	{recorded + "content_anything_but_string_missing_NEG.json5", `{"detail":{"state":[{"anything-but":"initializing"}]}}`, `{"detail":{}}`, false},
	{recorded + "content_anything_but_string_null.json5", `{"detail":{"state":[{"anything-but":"initializing"}]}}`, `{"detail":{"state":null}}`, true},
	{operators + "#eb-filtering-anything-but", `{"detail":{"x-limit":[{"anything-but":123}]}}`, `{"detail":{"x-limit":456}}`, true},
	{recorded + "content_anything_but_number_NEG.json5", `{"detail":{"x-limit":[{"anything-but":123}]}}`, `{"detail":{"x-limit":123}}`, false},
	{recorded + "content_anything_but_number_zero.json5", `{"detail":{"x-limit":[{"anything-but":0}]}}`, `{"detail":{"x-limit":789}}`, true},
	{operators + "#eb-filtering-anything-but", `{"detail":{"state":[{"anything-but":["stopped","overloaded"]}]}}`, `{"detail":{"state":"running"}}`, true},
	{recorded + "content_anything_but_string_list_NEG.json5", `{"detail":{"state":[{"anything-but":["stopped","overloaded"]}]}}`, `{"detail":{"state":"stopped"}}`, false},
	{recorded + "content_anything_but_string_list_missing_NEG.json5", `{"detail":{"state":[{"anything-but":["stopped","overloaded"]}]}}`, `{"detail":{}}`, false},
	{recorded + "content_anything_but_string_list_null.json5", `{"detail":{"state":[{"anything-but":["stopped","overloaded"]}]}}`, `{"detail":{"state":null}}`, true},
	{operators + "#eb-filtering-anything-but", `{"detail":{"x-limit":[{"anything-but":[100,200,300]}]}}`, `{"detail":{"x-limit":50}}`, true},
	{recorded + "content_anything_but_number_list_NEG.json5", `{"detail":{"x-limit":[{"anything-but":[100,200,300]}]}}`, `{"detail":{"x-limit":200.0}}`, false},
	{operators + "#eb-filtering-anything-but-ignore-case", `{"detail":{"state":[{"anything-but":{"equals-ignore-case":"initializing"}}]}}`, `{"detail":{"state":"running"}}`, true},
	{recorded + "content_anything_but_ignorecase_NEG.json5", `{"detail":{"state":[{"anything-but":{"equals-ignore-case":"initializing"}}]}}`, `{"detail":{"state":"INITIALIZING"}}`, false},
	{recorded + "content_anything_but_ignorecase_missing_NEG.json5", `{"detail":{"state":[{"anything-but":{"equals-ignore-case":"initializing"}}]}}`, `{"detail":{}}`, false},
	{recorded + "content_anything_but_ignorecase_null.json5", `{"detail":{"state":[{"anything-but":{"equals-ignore-case":"initializing"}}]}}`, `{"detail":{"state":null}}`, true},
	{operators + "#eb-filtering-anything-but-ignore-case", `{"detail":{"state":[{"anything-but":{"equals-ignore-case":["initializing","stopped"]}}]}}`, `{"detail":{"state":"Stopped"}}`, false},
	{operators + "#eb-filtering-anything-but-prefix", `{"detail":{"state":[{"anything-but":{"prefix":"init"}}]}}`, `{"detail":{"state":"running"}}`, true},
	{recorded + "content_anything_prefix_NEG.json5", `{"detail":{"state":[{"anything-but":{"prefix":"init"}}]}}`, `{"detail":{"state":"initializing"}}`, false},
	{recorded + "content_anything_prefix_int_value.json5", `{"detail":{"state":[{"anything-but":{"prefix":"init"}}]}}`, `{"detail":{"state":12}}`, true},
	{recorded + "content_anything_prefix_list_int.json5", `{"detail":{"state":[{"anything-but":{"prefix":["init","test"]}}]}}`, `{"detail":{"state":12}}`, true},
	{recorded + "content_anything_prefix_list_NEG.json5", `{"detail":{"state":[{"anything-but":{"prefix":["init","test"]}}]}}`, `{"detail":{"state":"testing"}}`, false},
	{recorded + "content_anything_prefix_null.json5", `{"detail":{"state":[{"anything-but":{"prefix":"init"}}]}}`, `{"detail":{"state":null}}`, true},
	{recorded + "content_anything_prefix_missing_NEG.json5", `{"detail":{"state":[{"anything-but":{"prefix":"init"}}]}}`, `{"detail":{}}`, false},
	{operators + "#eb-filtering-anything-but-suffix", `{"detail":{"FileName":[{"anything-but":{"suffix":".txt"}}]}}`, `{"detail":{"FileName":"a.txt.bak"}}`, true},
	{recorded + "content_anything_suffix_NEG.json5", `{"detail":{"FileName":[{"anything-but":{"suffix":".txt"}}]}}`, `{"detail":{"FileName":"a.txt"}}`, false},
	{recorded + "content_anything_suffix_list_NEG.json5", `{"detail":{"FileName":[{"anything-but":{"suffix":[".txt",".rtf"]}}]}}`, `{"detail":{"FileName":"a.rtf"}}`, false},
	{recorded + "content_anything_suffix_null.json5", `{"detail":{"FileName":[{"anything-but":{"suffix":".txt"}}]}}`, `{"detail":{"FileName":null}}`, true},
	{recorded + "content_anything_suffix_missing_NEG.json5", `{"detail":{"FileName":[{"anything-but":{"suffix":".txt"}}]}}`, `{"detail":{}}`, false},
	{operators + "#eb-filtering-anything-but-wildcard", `{"detail":{"FilePath":[{"anything-but":{"wildcard":"*/lib/*"}}]}}`, `{"detail":{"FilePath":"dir/bin/file"}}`, true},
	{recorded + "content_anything_wildcard_NEG.json5", `{"detail":{"FilePath":[{"anything-but":{"wildcard":"*/init/*"}}]}}`, `{"detail":{"FilePath":"dir/init/file"}}`, false},
	{recorded + "content_anything_wildcard_empty.json5", `{"detail":{"FilePath":[{"anything-but":{"wildcard":""}}]}}`, `{"detail":{"FilePath":"dir/init/file"}}`, true},
	{recorded + "content_anything_wildcard_int.json5", `{"detail":{"FilePath":[{"anything-but":{"wildcard":"*/init/*"}}]}}`, `{"detail":{"FilePath":123}}`, true},
	{recorded + "content_anything_wildcard_list.json5", `{"detail":{"state":[{"anything-but":{"wildcard":["*/init/*","*/dir/*"]}}]}}`, `{"detail":{"state":"dir/post/dir"}}`, true},
	{recorded + "content_anything_wildcard_list_NEG.json5", `{"detail":{"state":[{"anything-but":{"wildcard":["*/init/*","*/dir/*"]}}]}}`, `{"detail":{"state":"a/dir/b"}}`, false},
	{recorded + "content_anything_wildcard_null.json5", `{"detail":{"FilePath":[{"anything-but":{"wildcard":"*/init/*"}}]}}`, `{"detail":{"FilePath":null}}`, true},
	{recorded + "content_anything_wildcard_missing_NEG.json5", `{"detail":{"FilePath":[{"anything-but":{"wildcard":"*/init/*"}}]}}`, `{"detail":{}}`, false},

	// Numeric: JSON numbers only.
	{operators + "#filtering-numeric-matching", `{"detail":{"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"numeric":["=",3.018e2]}]}}`,
		`{"detail":{"c-count":5,"d-count":3,"x-limit":301.8}}`, true},
	{recorded + "content_numeric_and_NEG.json5", `{"detail":{"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}]}}`, `{"detail":{"c-count":6,"d-count":3}}`, false},
	{operators + "#filtering-numeric-matching", `{"n":[{"numeric":["=",100]}]}`, `{"n":"100"}`, false},
	{operators + "#filtering-numeric-matching", `{"Price":[{"numeric":[">",10,"<=",20]}]}`, `{"Price":10}`, false},
	{operators + "#filtering-numeric-matching", `{"Price":[{"numeric":[">=",10,"<",20]}]}`, `{"Price":10}`, true},
	{operators + "#filtering-numeric-matching", `{"Price":[{"numeric":[">=",10,"<",20]}]}`, `{"Price":20}`, false},
	{operators + "#filtering-numeric-matching", `{"n":[{"numeric":["<=",5000000000]}]}`, `{"n":5000000000}`, true},
	{operators + "#filtering-numeric-matching", `{"n":[{"numeric":["<=",5000000000]}]}`, `{"n":5000000001}`, false},
	{operators + "#filtering-numeric-matching", `{"n":[{"numeric":[">=",-5e9]}]}`, `{"n":-5000000000}`, true},
	{operators + "#filtering-numeric-matching", `{"n":[{"numeric":["=",0.000001]}]}`, `{"n":1e-6}`, true},
	{rulerCode + "ComparableNumber.java", `{"n":[{"numeric":["<",1]}]}`, `{"n":0.1234567}`, false},
	{recorded + "complex_multi_match.json5", `{"time":[{"prefix":"2022-07-13"}],"detail":{"state":[{"anything-but":"initializing"}],"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"anything-but":[100,200,300]}]}}`,
		`{"time":"2022-07-13T13:48:01Z","detail":{"state":"processing","c-count":3,"d-count":9,"x-limit":301}}`, true},
	{recorded + "complex_multi_match_NEG.json5", `{"time":[{"prefix":"2022-07-13"}],"detail":{"state":[{"anything-but":"initializing"}],"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],"x-limit":[{"anything-but":[100,200,300]}]}}`,
		`{"time":"2022-07-13T13:48:01Z","detail":{"state":"processing","c-count":3,"d-count":9,"x-limit":300}}`, false},

	{recorded + "numeric-int-float.json5", `{"number":[{"numeric":[">",100]}]}`, `{"number":101.0}`, true},
	{recorded + "numeric-string_NEG.json5", `{"number":[{"numeric":[">",100]}]}`, `{"number":"300"}`, false},
	{recorded + "numeric-null_NEG.json5", `{"number":[{"numeric":[">",100]}]}`, `{"number":null}`, false},
	{recorded + "or-numeric-anything-but.json5", `{"dynamodb":{"NewImage":{"numericFilter":{"N":[{"numeric":[">",100]},{"anything-but":"101"}]}}}}`, `{"dynamodb":{"NewImage":{"numericFilter":{"N":"42"}}}}`, true},
	{recorded + "or-numeric-anything-but_NEG.json5", `{"dynamodb":{"NewImage":{"numericFilter":{"N":[{"numeric":[">",100]},{"anything-but":"101"}]}}}}`, `{"dynamodb":{"NewImage":{"numericFilter":{"N":"101"}}}}`, false},

	// Addresses.
	{operators + "#eb-filtering-ip-matching", `{"detail":{"sourceIPAddress":[{"cidr":"10.0.0.0/24"}]}}`, `{"detail":{"sourceIPAddress":"10.0.0.255"}}`, true},
	{recorded + "content_ip_address_NEG.json5", `{"detail":{"sourceIPAddress":[{"cidr":"10.0.0.0/24"}]}}`, `{"detail":{"sourceIPAddress":"10.0.1.255"}}`, false},
	{recorded + "content_ip_address_bad_type_NEG.json5", `{"detail":{"sourceIPAddress":[{"cidr":"10.0.0.0/24"}]}}`, `{"detail":{"sourceIPAddress":123}}`, false},
	{recorded + "content_ip_address_v6.json5", `{"detail":{"sourceIPAddress":[{"cidr":"2001:db8:1234:1a00::/64"}]}}`, `{"detail":{"sourceIPAddress":"2001:0db8:1234:1a00:0000:0000:0000:0000"}}`, true},
	{recorded + "content_ip_address_v6_NEG.json5", `{"detail":{"sourceIPAddress":[{"cidr":"2001:db8:1234:1a00::/64"}]}}`, `{"detail":{"sourceIPAddress":"2001:0db8:1234:1a01::1"}}`, false},
	{rulerCode + "CIDR.java", `{"ip":[{"cidr":"0.0.0.0/0"}]}`, `{"ip":"255.255.255.255"}`, true},
	{rulerCode + "CIDR.java", `{"ip":["::1"]}`, `{"ip":"0:0:0:0:0:0:0:1"}`, true},
	{rulerCode + "CIDR.java", `{"ip":[{"exactly":"::1"}]}`, `{"ip":"0:0:0:0:0:0:0:1"}`, false},

	// Exists looks at leaves.
	{operators + "#eb-filtering-exists-matching", `{"detail":{"state":[{"exists":true}]}}`, `{"detail":{"state":"x"}}`, true},
	{recorded + "content_exists_NEG.json5", `{"detail":{"state":[{"exists":true}]}}`, `{"detail":{"c-count":{"c1":100}}}`, false},
	{operators + "#eb-filtering-exists-matching", `{"detail":{"c-count":[{"exists":false}]}}`, `{"detail":{"state":["initializing","running"]}}`, true},
	{operators + "#eb-filtering-exists-matching", `{"detail":{"c-count":[{"exists":false}]}}`, `{"detail":{"state":["initializing","running"],"c-count":{"c1":100}}}`, true},
	{recorded + "content_exists_false_NEG.json5", `{"detail":{"level1":{"level2":{"level3":{"level4":[{"exists":false}]}}}}}`, `{"detail":{"level1":{"level2":{"level3":{"level4":"l4 value"}}}}}`, false},
	{recorded + "or-exists.json5", `{"dynamodb":{"NewImage":{"homemade":{"S":[{"anything-but":["roses"]},{"exists":false}]}}}}`, `{"dynamodb":{"NewImage":{"homemade":{"N":"789"}}}}`, true},
	{recorded + "or-exists-parent.json5", `{"dynamodb":{"NewImage":{"homemade":{"S":[{"anything-but":["roses"]},{"exists":false}]}}}}`, `{"dynamodb":{"NewImage":{"purchased":{"N":"789"}}}}`, true},
	{recorded + "or-anything-but.json5", `{"dynamodb":{"NewImage":{"homemade":{"S":[{"anything-but":["roses"]},{"exists":false}]}}}}`, `{"dynamodb":{"NewImage":{"homemade":{"S":"ABCD","N":"1234"}}}}`, true},

	{recorded + "exists_dynamodb.json5", `{"dynamodb":{"presentKey":{"S":[{"exists":true}]}}}`, `{"dynamodb":{"presentKey":{"S":"test123"}}}`, true},
	{recorded + "exists_dynamodb_NEG.json5", `{"dynamodb":{"presentKey":[{"exists":true}]}}`, `{"dynamodb":{"presentKey":{"S":"test123"}}}`, false},
	{recorded + "exists_list_empty_NEG.json5", `{"resources":[{"exists":true}]}`, `{"resources":[]}`, false},

	// Wildcards.
	{operators + "#eb-filtering-wildcard-matching", `{"EventBusArn":[{"wildcard":"arn:aws:events:us-east-1:*:event-bus/*"}]}`, `{"EventBusArn":"arn:aws:events:us-east-1:123456789012:event-bus/myEventBus"}`, true},
	{recorded + "content_wildcard_repeating.json5", `{"FileName":[{"wildcard":"/Users/*/dir/dir/dir/dir/dir/doc.txt"}]}`, `{"FileName":"/Users/ls_user/dir/dir/dir/dir/dir/doc.txt"}`, true},
	{recorded + "content_wildcard_repeating_NEG.json5", `{"FileName":[{"wildcard":"/Users/*/dir/dir/dir/dir/dir/doc.txt"}]}`, `{"FileName":"/Users/ls_user/dir/dir/dir/doc.txt"}`, false},
	{recorded + "content_wildcard_nonrepeating.json5", `{"FileName":[{"wildcard":"/Users/*/doc.txt"}]}`, `{"FileName":"/Users/ls_user/dir/dir/dir/dir/dir/doc.txt"}`, true},
	{recorded + "content_wildcard_nonrepeating_NEG.json5", `{"FileName":[{"wildcard":"/Users/*/doc.txt"}]}`, `{"FileName":"/Users/ls_user/dir/dir/dir/dir/dir/doc.txt.bak"}`, false},
	{ruler + "#wildcard-matching", `{"s":[{"wildcard":"Simple*Service"}]}`, `{"s":"SimpleService"}`, true},
	{ruler + "#wildcard-matching", `{"s":[{"wildcard":"a\\*b"}]}`, `{"s":"a*b"}`, true},
	{ruler + "#wildcard-matching", `{"s":[{"wildcard":"a\\*b"}]}`, `{"s":"axb"}`, false},
	{ruler + "#wildcard-matching", `{"s":[{"wildcard":"a\\\\*"}]}`, `{"s":"a\\bc"}`, true},
	{ruler + "#wildcard-matching", `{"n":[{"wildcard":"1*"}]}`, `{"n":12}`, false},

	// $or.
	{operators + "#eb-filtering-complex-example-or", `{"detail":{"$or":[{"c-count":[{"numeric":[">",0,"<=",5]}]},{"d-count":[{"numeric":["<",10]}]},{"x-limit":[{"numeric":["=",3.018e2]}]}]}}`, `{"detail":{"c-count":9,"d-count":3}}`, true},
	{recorded + "complex_or_NEG.json5", `{"detail":{"$or":[{"c-count":[{"numeric":[">",0,"<=",5]}]},{"d-count":[{"numeric":["<",10]}]},{"x-limit":[{"numeric":["=",3.018e2]}]}]}}`, `{"detail":{"c-count":0,"d-count":10,"x-limit":9.018e2}}`, false},
	{ruler + "#rule-examples-with-or-primitive", `{"source":["aws.cloudwatch"],"$or":[{"metricName":["CPUUtilization","ReadLatency"]},{"namespace":["AWS/EC2","AWS/ES"]}]}`, `{"source":"aws.cloudwatch","namespace":"AWS/ES"}`, true},
	{ruler + "#rule-examples-with-or-primitive", `{"source":["aws.cloudwatch"],"$or":[{"metricName":["CPUUtilization"]},{"namespace":["AWS/EC2"]}]}`, `{"source":"aws.s3","namespace":"AWS/EC2"}`, false},
	{ruler + "#rule-examples-with-or-primitive", `{"$or":[{"metricName":["A"]},{"namespace":["B"]}],"detail":{"$or":[{"source":["C"]},{"detail-type":["D"]}]}}`, `{"namespace":"B","detail":{"source":"C"}}`, true},
	{ruler + "#rule-examples-with-or-primitive", `{"$or":[{"metricName":["A"]},{"namespace":["B"]}],"detail":{"$or":[{"source":["C"]},{"detail-type":["D"]}]}}`, `{"namespace":"B","detail":{"source":"D"}}`, false},
	{ruler + "#rule-examples-with-or-primitive", `{"source":["S"],"$or":[{"m":["A"]},{"t":["T"],"n":["N"],"$or":[{"metricId":[1234]},{"spaceId":[1000]}]},{"scope":["Service"]}]}`, `{"source":"S","t":"T","n":"N","spaceId":1000}`, true},
	{ruler + "#rule-examples-with-or-primitive", `{"source":["S"],"$or":[{"m":["A"]},{"t":["T"],"n":["N"],"$or":[{"metricId":[1234]},{"spaceId":[1000]}]},{"scope":["Service"]}]}`, `{"source":"S","t":"T","n":"N"}`, false},
}

func TestConformanceMatching(t *testing.T) {
	for i, tc := range matching {
		t.Run(fmt.Sprintf("%d %s", i, tc.source[strings.LastIndexByte(tc.source, '/')+1:]), func(t *testing.T) {
			require.Equal(t, tc.want, matches(t, tc.pattern, tc.event), "%s\npattern %s\nevent %s", tc.source, tc.pattern, tc.event)
		})
	}
}

// refused are patterns that the service refuses, with what it says; messages of the parser itself (bad JSON) are its own.
var refused = []struct{ source, pattern, message string }{
	{recorded + "arrays_empty_EXC.json5", `{"resources":[]}`, "Empty arrays are not allowed"},
	{rulerCode + "JsonRuleCompiler.java", `{"detail":{}}`, "Empty objects are not allowed"},
	{rulerCode + "JsonRuleCompiler.java", `"source"`, "Filter is not an object"},
	{recorded + "int_nolist_EXC.json5", `{"int":42}`, `"int" must be an object or an array`},
	{recorded + "string_nolist_EXC.json5", `{"string":"my-value"}`, `"string" must be an object or an array`},
	{recorded + "content_wildcard_repeating_star_EXC.json5", `{"EventBusArn":[{"wildcard":"arn:aws:events:us-east-1:**:event-bus/*"}]}`, "Consecutive wildcard characters at pos 26"},
	{recorded + "content_wildcard_list_EXC.json5", `{"EventBusArn":[{"wildcard":["arn:aws:events:us-east-1:**:event-bus/*"]}]}`, "wildcard match pattern must be a string"},
	{recorded + "content_suffix_list_EXC.json5", `{"FileName":[{"suffix":[".png"]}]}`, "suffix match pattern must be a string"},
	{recorded + "content_anything_suffix_int_EXC.json5", `{"a":[{"anything-but":{"suffix":123}}]}`, "prefix/suffix match pattern must be a string"},
	{recordedTests + "test_events_patterns.py (test_invalid_json_event_pattern)", `["not", "a", "dict", "but valid json"]`, "Filter is not an object"},
	{creating, `{"lenderId":"LenderA"}`, `"lenderId" must be an object or an array`},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[["x"]]}`, "Match value must be String, number, true, false, or null"},
	{recorded + "operator_case_sensitive_EXC.json5", `{"my_key":[{"EXISTS":true}]}`, "Unrecognized match type EXISTS"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"prefix":"x","suffix":"y"}]}`, "Only one key allowed in match expression"},
	{recorded + "content_prefix_int_EXC.json5", `{"a":[{"prefix":1}]}`, "prefix match pattern must be a string"},
	{recorded + "content_prefix_list_EXC.json5", `{"a":[{"prefix":["x"]}]}`, "prefix match pattern must be a string"},
	{recorded + "content_suffix_int_EXC.json5", `{"a":[{"suffix":1}]}`, "suffix match pattern must be a string"},
	{recorded + "content_ignorecase_EXC.json5", `{"a":[{"equals-ignore-case":["ec2 instance state-change notification"]}]}`, "equals-ignore-case match pattern must be a string"},
	{recorded + "content_ignorecase_list_EXC.json5", `{"a":[{"equals-ignore-case":{"prefix":"ec2"}}]}`, "equals-ignore-case match pattern must be a string"},
	{recorded + "content_anything_but_ignorecase_EXC.json5", `{"a":[{"anything-but":{"equals-ignore-case":123}}]}`, "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."},
	{recorded + "content_anything_but_ignorecase_list_EXC.json5", `{"a":[{"anything-but":{"equals-ignore-case":[123,456]}}]}`, "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."},
	{recorded + "content_anything_but_string_null_type_EXC.json5", `{"a":[{"anything-but":null}]}`, "Value of anything-but must be an array or single string/number value."},
	{recorded + "content_anything_but_string_list_null_type_EXC.json5", `{"a":[{"anything-but":[null]}]}`, "Inside anything but list, start|null|boolean is not supported."},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"anything-but":["x",1]}]}`, "Inside anything but list, either all values are number or string, mixed type is not supported"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"anything-but":{"numeric":["=",1]}}]}`, "Unsupported anything-but pattern: numeric"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"anything-but":{}}]}`, "Anything-But expression name not found"},
	{recorded + "content_anything_prefix_empty_EXC.json5", `{"a":[{"anything-but":{"prefix":""}}]}`, "Null prefix/suffix not allowed"},
	{recorded + "content_anything_prefix_ignorecase_EXC.json5", `{"a":[{"anything-but":{"prefix":{"equals-ignore-case":"file"}}}]}`, "Value of anything-but must be an array or single string/number value."},
	{recorded + "content_anything_prefix_int_EXC.json5", `{"a":[{"anything-but":{"prefix":123}}]}`, "prefix/suffix match pattern must be a string"},
	{recorded + "content_anything_prefix_list_type_EXC.json5", `{"a":[{"anything-but":{"prefix":[123,"test"]}}]}`, "prefix/suffix match pattern must be a string"},
	{recorded + "content_anything_suffix_empty_EXC.json5", `{"a":[{"anything-but":{"suffix":""}}]}`, "Null prefix/suffix not allowed"},
	{recorded + "content_anything_suffix_ignorecase_EXC.json5", `{"a":[{"anything-but":{"suffix":{"equals-ignore-case":".png"}}}]}`, "Value of anything-but must be an array or single string/number value."},
	{recorded + "content_anything_suffix_list_type_EXC.json5", `{"a":[{"anything-but":{"suffix":[123]}}]}`, "prefix/suffix match pattern must be a string"},
	{recorded + "content_anything_wildcard_type_EXC.json5", `{"a":[{"anything-but":{"wildcard":123}}]}`, "wildcard match pattern must be a string"},
	{recorded + "content_anything_wildcard_list_type_EXC.json5", `{"a":[{"anything-but":{"wildcard":[123,"*/dir/*"]}}]}`, "wildcard match pattern must be a string"},
	{recorded + "content_ip_address_type_EXC.json5", `{"a":[{"cidr":["bad-type"]}]}`, "prefix match pattern must be a string"},
	{recorded + "content_ip_address_EXC.json5", `{"a":[{"cidr":"bad-filter"}]}`, "Malformed CIDR, one '/' required"},
	{recorded + "content_ip_address_bad_mask_EXC.json5", `{"a":[{"cidr":"bad-/64filter"}]}`, "Malformed CIDR, mask bits must be an integer"},
	{recorded + "content_ip_address_bad_ip_EXC.json5", `{"a":[{"cidr":"xx.11.xx/8"}]}`, "Nonstandard IP address: xx.11.xx"},
	{recorded + "content_ip_address_v6_bad_ip_EXC.json5", `{"a":[{"cidr":"xxxx:db8:1234:1a00::/64"}]}`, "Nonstandard IP address: xxxx:db8:1234:1a00::"},
	{rulerCode + "CIDR.java", `{"a":[{"cidr":"10.0.0.1/32"}]}`, "IPv4 mask bits must be < 32"},
	{rulerCode + "CIDR.java", `{"a":[{"cidr":"::1/128"}]}`, "IPv6 mask bits must be < 128"},
	{rulerCode + "CIDR.java", `{"a":[{"cidr":"10.0.0.0/-1"}]}`, "Malformed CIDR, mask bits must not be negative"},
	{recorded + "content_numeric_EXC.json5", `{"a":[{"numeric":[">",0,">",0]}]}`, "Bad numeric range operator: >"},
	{recorded + "content_numeric_operatorcasing_EXC.json5", `{"a":[{"NUMERIC":["=",5]}]}`, "Unrecognized match type NUMERIC"},
	{recorded + "content_numeric_syntax_EXC.json5", `{"a":[{"numeric":[">",0,"<"]}]}`, "Value of < must be numeric"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"numeric":5}]}`, "Value of numeric must be an array."},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"numeric":[]}]}`, "Invalid member in numeric match: ]"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"numeric":[5]}]}`, "Invalid member in numeric match: 5"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"numeric":["=","5"]}]}`, "Value of equals must be numeric"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"numeric":["=",1,"<",2]}]}`, "Too many elements in numeric expression"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"numeric":["<",1,">",0]}]}`, "Too many elements in numeric expression"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"numeric":[">",1,2]}]}`, "Bad value in numeric range: 2"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"numeric":[">",1,"<",2,"<",3]}]}`, "Too many terms in numeric range expression"},
	{rulerCode + "Range.java", `{"a":[{"numeric":[">=",5,"<=",5]}]}`, "Bottom must be less than top"},
	{rulerCode + "Range.java", `{"a":[{"numeric":[">",5e9]}]}`, "Bottom must be less than top"},
	{rulerCode + "Range.java", `{"a":[{"numeric":["<=",-5e9]}]}`, "Bottom must be less than top"},
	{operators + "#filtering-numeric-matching", `{"a":[{"numeric":["=",5000000001]}]}`, "must be between -5.0E9 and 5.0E9, inclusive"},
	{rulerCode + "JsonRuleCompiler.java", `{"a":[{"exists":"true"}]}`, "exists match pattern must be either true or false."},
	{rulerCode + "input/WildcardParser.java", `{"a":[{"wildcard":"x**y"}]}`, "Consecutive wildcard characters at pos 2"},
	{rulerCode + "input/WildcardParser.java", `{"a":[{"wildcard":"x\\y"}]}`, "Invalid escape character at pos 2"},
	{recorded + "content_wildcard_int_EXC.json5", `{"a":[{"wildcard":123}]}`, "wildcard match pattern must be a string"},
	{recorded + "content_wildcard_complex_EXC.json5", `{"EventBusArn":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}`, "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"},
	{rulerCode + "JsonRuleCompiler.java", `{"$or":[{"a":[1]}]}`, "There must have at least 2 Objects in $or relationship."},
	{rulerCode + "JsonRuleCompiler.java", `{"$or":[{"numeric":[1]},{"a":[1]}]}`, "numeric is Ruler reserved fieldName which cannot be used inside $or."},
}

func TestConformanceRefusedPatterns(t *testing.T) {
	for i, tc := range refused {
		t.Run(fmt.Sprintf("%d %s", i, tc.source[strings.LastIndexByte(tc.source, '/')+1:]), func(t *testing.T) {
			_, err := Compile([]byte(tc.pattern))
			require.ErrorContains(t, err, tc.message, "%s\npattern %s", tc.source, tc.pattern)
		})
	}
}

// A pipe takes fewer operators. Source: the table of comparison operators, column "Pipe support".
func TestConformanceOperatorsOfPipes(t *testing.T) {
	for expression, supported := range map[string]bool{
		`"New York"`: true, `{"anything-but":"initializing"}`: true, `{"anything-but":{"prefix":"us-"}}`: false,
		`{"anything-but":{"suffix":".png"}}`: false, `{"anything-but":{"equals-ignore-case":"initializing"}}`: false,
		`{"anything-but":{"wildcard":"*/lib/*"}}`: false, `{"prefix":"us-"}`: true, `{"prefix":{"equals-ignore-case":"eventb"}}`: true,
		`""`: true, `{"equals-ignore-case":"alice"}`: true, `{"suffix":".png"}`: true, `{"suffix":{"equals-ignore-case":"tbridge"}}`: true,
		`{"exists":true}`: true, `{"exists":false}`: true, `{"anything-but":["Raining"]}`: true, `null`: true, `{"numeric":["=",100]}`: true,
		`{"numeric":[">",10,"<=",20]}`: true, `{"wildcard":"dir/*.png"}`: false,
	} {
		_, err := CompileFilter([]byte(`{"a":[` + expression + `]}`))
		require.Equal(t, supported, err == nil, "%s: %s", operators, expression)
	}
	_, err := CompileFilter([]byte(`{"$or":[{"Location":["New York"]},{"Day":["Monday"]}]}`))
	require.NoError(t, err, operators)
}

// anyEvent makes an event of nested objects and arrays, and lists its leaves.
func anyEvent(t *rapid.T, depth int) map[string]any {
	event := map[string]any{}
	for range rapid.IntRange(1, 3).Draw(t, "members") {
		event[rapid.SampledFrom([]string{"a", "b", "c", "d e", "é"}).Draw(t, "name")] = anyValue(t, depth)
	}
	return event
}

func anyValue(t *rapid.T, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return rapid.String().Draw(t, "text")
	case 1:
		return json.Number(fmt.Sprintf("%d.%06d", rapid.IntRange(-4_999_999_999, 4_999_999_999).Draw(t, "whole"), rapid.IntRange(0, 999_999).Draw(t, "millionths")))
	case 2:
		return rapid.Bool().Draw(t, "flag")
	case 3:
		return nil
	case 4:
		return rapid.SampledFrom([]string{"", "10.0.0.1", "::1", "A", "a", "*", `\`}).Draw(t, "special")
	case 5:
		return anyEvent(t, depth-1)
	}
	var items []any
	for range rapid.IntRange(1, 3).Draw(t, "items") {
		items = append(items, anyValue(t, depth-1))
	}
	return items
}

// patternOf makes a pattern that asks for one leaf on every path of a part of the event; ok is false where it has no leaf.
func patternOf(t *rapid.T, value any) (pattern any, ok bool) {
	switch v := value.(type) {
	case map[string]any:
		made := map[string]any{}
		for name, member := range v {
			if p, ok := patternOf(t, member); ok {
				made[name] = p
			}
		}
		return made, len(made) > 0
	case []any:
		return patternOf(t, v[rapid.IntRange(0, len(v)-1).Draw(t, "item")])
	case string:
		switch rapid.IntRange(0, 5).Draw(t, "operator") {
		case 0:
			return []any{map[string]any{"prefix": v[:len(v)/2]}}, validCut(v, len(v)/2)
		case 1:
			return []any{map[string]any{"suffix": v[len(v)/2:]}}, validCut(v, len(v)/2)
		case 2:
			return []any{map[string]any{"equals-ignore-case": strings.ToUpper(v)}}, true
		case 3:
			return []any{map[string]any{"wildcard": escapeWildcard(v) + "*"}}, true
		case 4:
			return []any{map[string]any{"anything-but": v + "x"}}, true
		}
		return []any{"other", v}, true
	case json.Number:
		switch rapid.IntRange(0, 2).Draw(t, "operator") {
		case 0:
			return []any{map[string]any{"numeric": []any{"=", v}}}, true
		case 1:
			return []any{map[string]any{"numeric": []any{">=", v}}}, true
		}
		return []any{v}, true
	}
	return []any{map[string]any{"exists": true}, value}, true
}

// validCut tells whether a text cut at a place is still UTF-8 on both sides.
func validCut(text string, at int) bool {
	return strings.ToValidUTF8(text[:at], "") == text[:at] && strings.ToValidUTF8(text[at:], "") == text[at:]
}

func escapeWildcard(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(text)
}

func compiled(t require.TestingT, pattern any) *Pattern {
	text, err := json.Marshal(pattern)
	require.NoError(t, err)
	p, err := Compile(text)
	require.NoError(t, err, string(text))
	return p
}

func matchesJSON(t require.TestingT, p *Pattern, event any) bool {
	text, err := json.Marshal(event)
	require.NoError(t, err)
	ok, err := p.MatchJSON(text)
	require.NoError(t, err)
	return ok
}

// A pattern made from an event matches the event.
func TestPatternMadeFromAnEventMatchesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := anyEvent(t, 3)
		pattern, ok := patternOf(t, event)
		if !ok {
			t.Skip("the event has no leaf")
		}
		require.True(t, matchesJSON(t, compiled(t, pattern), event), "%v", pattern)
	})
}

// Where the field has one value, anything-but is the complement of what it forbids; where there is none neither matches.
func TestAnythingButIsTheComplement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", "a", "A", "ab", "b", "ba"})
		forbidden := rapid.SliceOfNDistinct(text, 1, 3, rapid.ID[string]).Draw(t, "forbidden")
		value := rapid.OneOf(rapid.Map(text, func(s string) any { return s }), rapid.SampledFrom([]any{nil, true, 7})).Draw(t, "value")
		name := rapid.SampledFrom([]string{"", "prefix", "suffix", "equals-ignore-case", "wildcard"}).Draw(t, "operator")
		var positive []any
		var operand any = forbidden
		for _, f := range forbidden {
			if name == "" {
				positive = append(positive, f)
				continue
			}
			if f == "" && (name == "prefix" || name == "suffix") {
				t.Skip("refused")
			}
			positive = append(positive, map[string]any{name: f})
			operand = map[string]any{name: forbidden}
		}
		is := compiled(t, map[string]any{"f": positive})
		isNot := compiled(t, map[string]any{"f": []any{map[string]any{"anything-but": operand}}})
		event := map[string]any{"f": value}
		require.NotEqual(t, matchesJSON(t, is, event), matchesJSON(t, isNot, event))
		require.False(t, matchesJSON(t, is, map[string]any{"g": value}) || matchesJSON(t, isNot, map[string]any{"g": value}))
	})
}

// $or matches what one of its branches matches together with the rest of the pattern.
func TestOrIsTheUnionOfItsBranches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		field := func(label string) map[string]any {
			made := map[string]any{}
			for range rapid.IntRange(1, 2).Draw(t, label) {
				made[rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")] = []any{rapid.IntRange(0, 2).Draw(t, "wanted")}
			}
			return made
		}
		branches := []any{field("first"), field("second")}
		for range rapid.IntRange(0, 1).Draw(t, "more") {
			branches = append(branches, map[string]any{"$or": []any{field("inner first"), field("inner second")}})
		}
		event := map[string]any{"d": 1}
		for _, name := range []string{"a", "b", "c"} {
			event[name] = rapid.IntRange(0, 2).Draw(t, "value")
		}
		want := false
		for _, b := range branches {
			want = want || matchesJSON(t, compiled(t, b), event)
		}
		require.Equal(t, want, matchesJSON(t, compiled(t, map[string]any{"d": []any{1}, "$or": branches}), event))
		require.False(t, matchesJSON(t, compiled(t, map[string]any{"d": []any{2}, "$or": branches}), event))
	})
}
