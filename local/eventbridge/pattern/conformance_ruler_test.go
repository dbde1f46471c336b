package pattern

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Where the facts of this file are taken from: the tests of event-ruler, the open-source matcher of EventBridge, with names and values
// of our own where theirs do not matter.
const (
	rulerTests = "https://github.com/aws/event-ruler/blob/main/src/test/software/amazon/event/ruler/"
	rulerCases = "https://github.com/aws/event-ruler/blob/main/src/test/resources/correctness-cases.json"
)

const (
	songs = `{"Year":1966,"Genres":[{"Pop":true},{"Classical":false}],"Songs":[
		{"Name":"Paperback Writer","Writers":[{"First":"John","Last":"Lennon"},{"First":"Paul","Last":"McCartney"}]},
		{"Name":"Paint It Black","Writers":[{"First":"Mick","Last":"Jagger"},{"First":"Keith","Last":"Richards"}]}]}`
	// points has scalars beside an object in one array.
	points = `{"lines":[{"intensities":[[0.5]],"points":[[[{"pp":"index0"},483.3474497412421,287.48116291799363],[{"pp":"index1"},489.9999497412421,299.99996291799363]]]}]}`
	// tasks has an interface in the second task alone.
	tasks = `{"tasks":[{"state":"ACTIVE","provider":{"id":"a"},"resources":[{"kind":"x"}]},
		{"state":"INACTIVE","provider":{"id":"b"},"resources":[{"context":{"interfaces":[{"name":"n"}]}}]}]}`
	tasksBoth = `{"tasks":[{"state":"ACTIVE","provider":{"id":"a"},"resources":[{"context":{"interfaces":[{"name":"n"}]}}]},
		{"state":"INACTIVE","provider":{"id":"b"},"resources":[{"context":{"interfaces":[{"name":"n"}]}}]}]}`
)

// rulerFacts are patterns with events that they match, and others that they do not.
var rulerFacts = []struct {
	source, pattern string
	matches, misses []string
}{
	// Blocks of addresses: bits behind the mask do not count, at either end.
	{rulerTests + "ACMachineTest.java (testIPAddressOfCIDRIsEqualToMaximumOfRange)", `{"ip":[{"cidr":"220.160.153.171/31"}]}`,
		[]string{`{"ip":"220.160.153.170"}`, `{"ip":"220.160.153.171"}`}, []string{`{"ip":"220.160.153.169"}`, `{"ip":"220.160.153.172"}`}},
	{rulerTests + "ACMachineTest.java (testIPAddressOfCIDRIsEqualToMaximumOfRange)", `{"ip":[{"cidr":"220.160.154.255/24"}]}`,
		[]string{`{"ip":"220.160.154.0"}`, `{"ip":"220.160.154.255"}`}, []string{`{"ip":"220.160.153.255"}`, `{"ip":"220.160.155.0"}`}},
	{rulerTests + "CIDRTest.java (TestCorrectRanges)", `{"ip":[{"cidr":"2001:db8::ff00:42:8329/24"}]}`,
		[]string{`{"ip":"2001:d00::"}`, `{"ip":"2001:dff:ffff:ffff:ffff:ffff:ffff:ffff"}`}, []string{`{"ip":"2001:cff::"}`, `{"ip":"2001:e00::"}`}},
	{rulerTests + "CIDRTest.java (TestCorrectRanges)", `{"ip":[{"cidr":"::1/24"}]}`, []string{`{"ip":"::"}`, `{"ip":"0:ff::"}`}, []string{`{"ip":"0:100::"}`}},
	{rulerTests + "CIDRTest.java (TestCorrectRanges)", `{"ip":[{"cidr":"13.32.0.0/15"}]}`, []string{`{"ip":"13.33.255.255"}`}, []string{`{"ip":"13.34.0.0"}`}},
	{rulerTests + "CIDRTest.java (TestCorrectRanges)", `{"ip":[{"cidr":"2400:6500:FF00::36FB:1F80/122"}]}`, []string{`{"ip":"2400:6500:ff00::36fb:1fbf"}`}, []string{`{"ip":"2400:6500:ff00::36fb:1fc0"}`}},
	{rulerTests + "CIDRTest.java (testInvalidIPMatchedByIPv6Regex)", `{"a":["08:23"]}`, []string{`{"a":["08:23"]}`}, []string{`{"a":"8:23"}`}},
	{rulerTests + "JsonRuleCompilerTest.java (testVariantForms)", `{"b":["192.0.2.0",{"cidr":"192.0.2.0/24"}],"a":[133.3,{"numeric":[">",120,"<=",140]}]}`,
		[]string{`{"a":133.3,"b":"192.0.2.0"}`, `{"a":121,"b":"192.0.2.7"}`}, []string{`{"a":120,"b":"192.0.2.0"}`}},
	{"https://github.com/aws/event-ruler/pull/131 (an address is still a text for anything-but)", `{"ip":[{"anything-but":"10.0.0.1"}]}`, []string{`{"ip":"10.0.0.2"}`}, []string{`{"ip":"10.0.0.1"}`}},

	// Fields of different elements of one array do not go together.
	{rulerTests + "ACMachineTest.java (songsACTest)", `{"Year":[1966],"Songs":{"Name":["Paperback Writer"],"Writers":{"First":["Paul"],"Last":["McCartney"]}}}`, []string{songs}, nil},
	{rulerTests + "ACMachineTest.java (songsACTest)", `{"Genres":{"Pop":[true]},"Songs":{"Name":["Paint It Black"]}}`, []string{songs}, nil},
	{rulerTests + "ACMachineTest.java (songsACTest)", `{"Year":[1966],"Songs":{"Name":["Paperback Writer"],"Writers":{"First":["Mick"]}}}`, nil, []string{songs}},
	{rulerTests + "ACMachineTest.java (songsACTest)", `{"Songs":{"Writers":{"First":["Mick"],"Last":["McCartney"]}}}`, nil, []string{songs}},
	{rulerTests + "ACMachineTest.java (songsACTest)", `{"Genres":{"Pop":[true]},"Songs":{"Writers":{"First":["Mick"],"Last":["McCartney"]}}}`, nil, []string{songs}},
	{rulerCases + " (objarray)", `{"d":{"a":[{"exists":true}],"b":[{"exists":true}]}}`,
		[]string{`{"d":[{"a":1,"b":2}]}`, `{"d":[{"a":1},{"b":2},{"a":3,"b":4}]}`, `{"d":[{"a":0},{"a":1},{"a":2},{"a":3},{"a":4,"b":5}]}`}, []string{`{"d":[{"a":1},{"b":2}]}`, `{"d":[{"a":1}]}`, `{"d":[]}`, `{}`}},
	{rulerCases + " (objarray)", `{"d":{"a":[{"exists":true}],"b":[{"exists":true}],"c":[{"exists":true}]}}`, []string{`{"d":[{"a":1,"b":2,"c":3}]}`}, []string{`{"d":[{"a":1},{"b":2},{"c":3}]}`}},
	{rulerCases + " (objarray)", `{"d":{"name":[{"prefix":"al"}],"status":[{"exists":true}]}}`, []string{`{"d":[{"name":"alice","status":"ok"}]}`}, []string{`{"d":[{"name":"alice"},{"status":"ok"}]}`}},
	{rulerCases + " (suffix match)", `{"d":{"name":[{"suffix":"ice"}],"type":[{"exists":true}]}}`, []string{`{"d":[{"name":"alice","type":"user"}]}`}, []string{`{"d":[{"name":"alice"},{"type":"user"}]}`}},
	{rulerCases + " (many elem one valid)", `{"d":{"a":["target"],"b":["found"]}}`, []string{`{"d":[{"a":"x"},{"a":"y"},{"a":"target","b":"found"},{"a":"z"}]}`}, []string{`{"d":[{"a":"target"},{"b":"found"}]}`}},
	{rulerCases + " (nested)", `{"u":{"t":{"k":["color"],"v":["blue"]}}}`, []string{`{"u":[{"t":[{"k":"color","v":"blue"}]}]}`}, []string{`{"u":[{"t":[{"k":"color"},{"v":"blue"}]}]}`}},
	{rulerCases + " (nested: outer)", `{"d":{"name":[{"exists":true}],"info":{"x":["1"]}}}`, []string{`{"d":[{"name":"alice","info":{"x":"1"}}]}`}, []string{`{"d":[{"name":"alice"},{"info":{"x":"1"}}]}`}},
	{rulerCases + " (nested2)", `{"a":{"b":{"x":[{"exists":true}],"y":[{"exists":true}]}}}`, []string{`{"a":[{"b":[{"x":1,"y":2}]}]}`}, []string{`{"a":[{"b":[{"x":1},{"y":2}]}]}`}},
	{rulerCases + " (numeric+exists array)", `{"i":{"p":[{"numeric":[">",0,"<",100]}],"n":[{"exists":true}]}}`, []string{`{"i":[{"n":"w","p":50},{"n":"g","p":200}]}`}, []string{`{"i":[{"p":50},{"n":"g","p":200}]}`}},
	{rulerCases + " (anything-but array)", `{"u":{"s":[{"anything-but":"banned"}],"n":[{"exists":true}]}}`, []string{`{"u":[{"n":"alice","s":"banned"},{"n":"bob","s":"active"}]}`}, []string{`{"u":[{"n":"alice","s":"banned"}]}`}},
	{rulerCases + " (mixed: array+scalar)", `{"users":{"name":[{"exists":true}]},"version":["1"]}`, []string{`{"users":[{"name":"alice"}],"version":"1"}`}, []string{`{"users":[{"name":"alice"}],"version":"2"}`}},
	{rulerCases + " (mixed: obj-array + prim-array)", `{"users":{"name":[{"exists":true}],"email":[{"exists":true}]},"tags":["admin"]}`,
		[]string{`{"users":[{"name":"alice","email":"b@x"}],"tags":["admin","user"]}`}, []string{`{"users":[{"name":"alice"},{"email":"b@x"}],"tags":["admin"]}`}},

	// Scalars in an array lie in none of its elements: they go with any object beside them, and with any other field.
	{rulerTests + "ACMachineTest.java (intensitiesACTest)", `{"lines":{"points":[287.48116291799363],"points":{"pp":["index0"]}}}`, []string{points}, nil},
	{rulerTests + "ACMachineTest.java (intensitiesACTest)", `{"lines":{"points":[287.48116291799363],"points":{"pp":["index1"]}}}`, nil, []string{points}},
	{rulerCases + " (primarray)", `{"d":{"tags":["target"],"type":["GROUP"]}}`, []string{`{"d":{"tags":["a","b","target","c"],"type":"GROUP"}}`}, []string{`{"d":{"tags":["a"],"type":"GROUP"}}`}},
	{rulerCases + " (primarray)", `{"d":{"vals":[{"numeric":[">",0,"<",10]}],"type":[{"exists":true}]}}`, []string{`{"d":{"vals":[100,5,200],"type":"ok"}}`}, []string{`{"d":{"vals":[100,200],"type":"ok"}}`}},
	{rulerCases + " (primarray)", `{"d":{"tags":[{"anything-but":"banned"}]}}`, []string{`{"d":{"tags":["banned","ok"]}}`}, []string{`{"d":{"tags":["banned"]}}`, `{"d":{"tags":[]}}`}},
	{rulerCases + " (primarray)", `{"d":{"name":[{"exists":true}],"type":[{"exists":true}]}}`, []string{`{"d":{"name":["only"],"type":"x"}}`}, []string{`{"d":{"name":[],"type":"x"}}`}},
	{rulerCases + " (deep prim)", `{"a":{"b":{"c":{"vals":[{"exists":true}],"type":[{"exists":true}]}}}}`, []string{`{"a":{"b":{"c":{"vals":["x","y"],"type":"ok"}}}}`}, nil},

	// A field is missing where the elements chosen so far, in the order of the names, do not have it.
	{rulerCases + " (exists-false)", `{"d":{"a":[{"exists":true}],"b":[{"exists":false}]}}`, []string{`{"d":[{"a":1}]}`}, []string{`{"d":[{"a":1,"b":2}]}`}},
	{rulerTests + "ACMachineTest.java (testACWithExistFalseRule)", `{"tasks":{"state":["ACTIVE"],"provider":{"id":["a"]},"resources":{"context":{"interfaces":{"name":[{"exists":false}]}}}}}`, []string{tasks}, []string{tasksBoth}},
	{rulerTests + "ACMachineTest.java (testACWithExistFalseRule)", `{"tasks":{"state":["ACTIVE"],"provider":{"id":["a"]},"resources":{"context":{"interfaces":{"other":[{"exists":false}]}}}}}`, []string{tasks, tasksBoth}, nil},

	// Numbers.
	{rulerTests + "ACMachineTest.java (testNumericMatch)", `{"a":[{"numeric":["=",0]}],"b":[{"numeric":["<",0]}],"c":[{"numeric":["<=",0]}],"x":[{"numeric":[">",0]}],"y":[{"numeric":[">=",0]}],"z":[{"numeric":[">",0,"<",1]}]}`,
		[]string{`{"a":[0],"b":[-0.1],"c":[0],"x":[1],"y":[0],"z":[0.1]}`}, []string{`{"a":[0],"b":[0],"c":[0],"x":[1],"y":[0],"z":[0.1]}`, `{"a":[0],"b":[-0.1],"c":[0],"x":[1],"y":[0],"z":[1]}`}},
	{rulerTests + "ComparableNumberTest.java (tinyNumberTest)", `{"a":[{"numeric":[">=",2.0e-6,"<=",4.0e-6]}]}`, []string{`{"a":2.0E-6}`, `{"a":0.000003}`, `{"a":4e-6}`}, []string{`{"a":1.0E-6}`, `{"a":5.0E-6}`}},
	{rulerTests + "ComparableNumberTest.java (tinyNumberTest)", `{"a":[{"numeric":[">",2.0e-6,"<",4.0e-6]}]}`, []string{`{"a":3.0E-6}`}, []string{`{"a":2.0E-6}`, `{"a":4.0E-6}`}},
	{rulerTests + "ComparableNumberTest.java (epocTimestampRangeTest)", `{"t":[{"numeric":[">=",1628872008,"<=",1629044808]}]}`, []string{`{"t":1.628872008E9}`, `{"t":1629044808}`}, []string{`{"t":1628872007}`, `{"t":1.629044809E9}`}},
	{rulerTests + "ACMachineTest.java (testRangeDeletion)", `{"m":["abc"],"x":[{"numeric":[">",0,"<",30]},{"numeric":[">",100,"<",120]}],"n":["efg"]}`,
		[]string{`{"m":"abc","n":"efg","x":23}`, `{"m":"abc","n":"efg","x":110}`}, []string{`{"m":"abc","n":"efg","x":50}`}},

	// Anything-but, of one type, takes values of every other type.
	{rulerTests + "ACMachineTest.java (testAnythingButDeletion)", `{"a":[{"anything-but":["dad0","dad1","dad2"]}],"b":[{"anything-but":[111,222,333]}],"c":[{"anything-but":"dad0"}],"d":[{"anything-but":111}]}`,
		[]string{`{"a":"child1","b":"444","c":"child1","d":"444"}`, `{"a":"dad4","b":444,"c":"child1","d":"444"}`, `{"a":"x","b":"111","c":7,"d":"111"}`}, []string{`{"a":"dad1","b":444,"c":"child1","d":"444"}`, `{"a":"x","b":222,"c":"x","d":1}`}},
	{rulerTests + "ACMachineTest.java (testAnythingButSuffix)", `{"a":[{"anything-but":{"suffix":"$"}}]}`, []string{`{"a":"notvalue"}`, `{"a":"$notvalue"}`}, []string{`{"a":"value$"}`}},
	{rulerTests + "ACMachineTest.java (testAnythingButEqualsIgnoreCase)", `{"a":[{"anything-but":{"equals-ignore-case":["yes","please"]}}],"b":[{"anything-but":{"equals-ignore-case":"no"}}]}`,
		[]string{`{"a":"value","b":"nothing"}`, `{"a":"value","b":"No!"}`}, []string{`{"a":"yEs","b":"nothing"}`, `{"a":"PLEASE","b":"nothing"}`, `{"a":"value","b":"No"}`}},

	// Texts beyond ASCII.
	{rulerTests + "ACMachineTest.java (testSuffixChineseMatch)", `{"status":{"weatherText":[{"suffix":"统治者"}]}}`, []string{`{"status":{"weatherText":"事件统治者","pm25":23}}`}, []string{`{"status":{"weatherText":"统治者事件"}}`}},
}

func TestConformanceEventRuler(t *testing.T) {
	for i, fact := range rulerFacts {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			require.NotEmpty(t, append(fact.matches, fact.misses...))
			for _, event := range fact.matches {
				require.True(t, matches(t, fact.pattern, event), "%s\npattern %s\nevent %s", fact.source, fact.pattern, event)
			}
			for _, event := range fact.misses {
				require.True(t, json.Valid([]byte(event)), event)
				require.False(t, matches(t, fact.pattern, event), "%s\npattern %s\nevent %s", fact.source, fact.pattern, event)
			}
		})
	}
}

// Of n leading bits of 10.0.0.0 the block has 2^(32-n) addresses. Source: ACMachineTest.java (CIDRTest).
func TestConformanceSizesOfBlocks(t *testing.T) {
	for bits := 22; bits < 32; bits++ {
		p, err := Compile(fmt.Appendf(nil, `{"a":[{"cidr":"10.0.0.0/%d"}]}`, bits))
		require.NoError(t, err)
		size, count := 1<<(32-bits), 0
		for n := -16; n < size+16; n++ {
			at := 10<<24 + n
			ok, err := p.MatchJSON(fmt.Appendf(nil, `{"a":"%d.%d.%d.%d"}`, at>>24, at>>16&0xff, at>>8&0xff, at&0xff))
			require.NoError(t, err)
			if ok {
				count++
			}
		}
		require.Equal(t, size, count, "/%d", bits)
	}
}

// Patterns that event-ruler takes, and that it does not. Sources: JsonRuleCompilerTest.java, CIDRTest.java (SpotMalformedCIDRs),
// test/data/wrongOrRelationshipRules.json.
func TestConformanceSyntaxOfEventRuler(t *testing.T) {
	for _, leaf := range []string{
		`1`, `{"prefix":"child"}`, `{"suffix":"child"}`, `{"anything-but":"child"}`, `{"anything-but":["child0","child1","child2"]}`, `{"anything-but":[111,222,333]}`, `{"anything-but":111}`,
		`{"anything-but":{"prefix":"foo"}}`, `{"anything-but":{"suffix":"foo"}}`, `{"anything-but":{"equals-ignore-case":"rule"}}`, `{"anything-but":{"equals-ignore-case":["abc","123"]}}`,
		`{"exactly":"child"}`, `{"exists":true }`, `{"exists": false }`, `{"cidr":"10.0.0.0/8"}`, `{"equals-ignore-case":"abc"}`, `{"wildcard":"a*b*c"}`,
		`{"numeric":["=",3.8]}`, `{"numeric":["=",55555]}`, `{"numeric":["<",3.8]}`, `{"numeric":[">",55555]}`, `{"numeric":["<=",3.8]}`, `{"numeric":[">=",55555]}`,
		`{"numeric":[">",0,"<",1]}`, `{"numeric":[">=",0,"<",1]}`, `{"numeric":[">",0,"<=",1]}`, `{"numeric":[">=",0,"<=",1]}`,
	} {
		_, err := Compile([]byte(`{"a":[` + leaf + `]}`))
		require.NoError(t, err, leaf)
	}
	for _, leaf := range []string{
		`{"x":2}`, `{"exactly":33}`, `{"prefix":"child","foo":[]}`, `{"prefix":3}`, `{"prefix":[1,2,3]}`, `{"prefix":[1,2 3]}`, `{"suffix":"child","foo":[]}`, `{"suffix":3}`, `{"suffix":[1,2,3]}`, `{"foo":"child"}`,
		`{"anything-but":"child","foo":[]}`, `{"anything-but":["child0",111,"child2"]}`, `{"anything-but":{"foo":3}}`, `{"anything-but":{"prefix":27}}`, `{"anything-but":{"prefix":""}}`,
		`{"anything-but":{"prefix":"foo","a":1}}`, `{"anything-but":{"prefix":"foo"},"x":1}`, `{"anything-but":{"suffix":27}}`, `{"anything-but":{"suffix":""}}`, `{"anything-but":{"suffix":"foo","a":1}}`,
		`{"anything-but":{"suffix":"foo"},"x":1}`, `{"anything-but":{"equals-ignore-case":[1,2,3]}}`, `{"equals-ignore-case":5}`, `{"equals-ignore-case":["abc"]}`, `{"wildcard":5}`, `{"wildcard":["abc"]}`,
		`{"exists":"badString"}`, `{"exists":true,"extraKey":"extraValue"}`,
		`{"numeric":["=",true]}`, `{"numeric":["=",2.0e22]}`, `{"numeric":["=","-4e-8"]}`, `{"numeric":["="]}`, `{"numeric":["<",true]}`, `{"numeric":["<",2.0e22]}`, `{"numeric":["<"]}`,
		`{"numeric":[">=",true]}`, `{"numeric":[">=",2.0e22]}`, `{"numeric":["<=","-4e-8"]}`, `{"numeric":["<=",2.0e22]}`, `{"numeric":["<>",1,">",0]}`, `{"numeric":["==",1,">",0]}`,
		`{"numeric":["<",1,">",0]}`, `{"numeric":[">",1,"<",1]}`, `{"numeric":[">",30,"<",1]}`, `{"numeric":[">",1,"<",30,false]}`,
		`{"cidr":"192.168.0.1/33"}`, `{"cidr":"foo"}`, `{"cidr":"foo/bar/baz"}`, `{"cidr":"192.168.0.1/foo"}`, `{"cidr":"192.168.0.1/-3424"}`, `{"cidr":"snorkle/3"}`, `{"cidr":"10.10.10.10.10/3"}`, `{"cidr":"2.1.0.-1/3"}`,
		`{"cidr":"2400:6500:3:3:3:3:3:3:3:3FF00::36FB:1F80/122"}`, `{"cidr":"2400:6500:3:3:-5:3:3:3:3:3FF00::36FB:1F80/122"}`, `{"cidr":"2400:6500:FF00::36FB:1F80/222"}`,
	} {
		_, err := Compile([]byte(`{"a":[` + leaf + `]}`))
		require.Error(t, err, leaf)
	}
	for _, pattern := range []string{
		`[1,2,3]`, `{"a":1}`, `{"foo":{}}`, `{"foo":[]}`, `{"$or":[{"metricName":["CPUUtilization","ReadLatency"]}]}`,
		`{"detail":{"$or":[{"source":["aws.cloudwatch"]},{"detail-type":["CloudWatch Alarm State Change"]},[{"foo":["wrong"]}]]}}`,
	} {
		_, err := Compile([]byte(pattern))
		require.Error(t, err, pattern)
	}
}
