// Package kms is the part of the Key Management Service that tokens are made with: HMAC keys, GenerateMac and VerifyMac. The
// key material is injected; it never leaves the package.
package kms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

const (
	// maxMessageBytes is the longest message of GenerateMac and VerifyMac, maxMacBytes the longest MAC of the latter.
	maxMessageBytes = 4096
	maxMacBytes     = 6144
	keySpec         = "HMAC_256"
	keyUsage        = "GENERATE_VERIFY_MAC"
	macAlgorithm    = "HMAC_SHA_256"
)

// macAlgorithms are those that KMS knows, of which only one goes with the keys here. Their order is the service's in its errors.
var macAlgorithms = []string{"HMAC_SHA_384", macAlgorithm, "HMAC_SHA_224", "HMAC_SHA_512"}

// Options are what a Service needs.
type Options struct {
	// KeyMaterial gives the secret of a key; it is called once per key, when the key is created.
	KeyMaterial func(keyID string) []byte
	Clock       clock.Clock
	Faults      *faults.Injector
	Region      string
	Account     string
}

// KeySpec describes a key in the words of AWS::KMS::Key.
type KeySpec struct {
	// ID is the key's id, a UUID on AWS.
	ID string
	// Spec and Usage must be HMAC_256 and GENERATE_VERIFY_MAC.
	Spec        string
	Usage       string
	Description string
}

// Service holds the keys. It is safe for concurrent use.
type Service struct {
	options Options
	mu      sync.RWMutex
	keys    map[string]*key
	aliases map[string]string // Alias to key id.
	*wire.JSON
}

type key struct {
	id, arn, description string
	created              time.Time
	material             []byte
}

// New makes a Service without keys.
func New(o Options) *Service {
	s := &Service{options: o, keys: map[string]*key{}, aliases: map[string]string{}}
	s.JSON = &wire.JSON{
		Name: "kms", TargetPrefix: "TrentService", Version: "1.1", Faults: o.Faults,
		Operations: map[string]wire.Operation{
			"GenerateMac": wire.Op(s.generateMac),
			"VerifyMac":   wire.Op(s.verifyMac),
			"DescribeKey": wire.Op(s.describeKey),
			"ListAliases": wire.Op(s.listAliases),
		},
	}
	return s
}

// CreateKey adds a key and returns its ARN. Other kinds of key than HMAC_256 are refused.
func (s *Service) CreateKey(spec KeySpec) (arn string, err error) {
	if spec.Spec != keySpec || spec.Usage != keyUsage {
		return "", fmt.Errorf("creating key %s: %w", spec.ID, wire.NotImplemented(fmt.Sprintf("kms keys of spec %q and usage %q", spec.Spec, spec.Usage)))
	}
	material := s.options.KeyMaterial(spec.ID)
	if len(material) != sha256.Size {
		return "", fmt.Errorf("creating key %s: %s wants %d bytes of key material, got %d", spec.ID, keySpec, sha256.Size, len(material))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.keys[spec.ID]; exists || spec.ID == "" {
		return "", fmt.Errorf("creating key %q: the id is empty or taken", spec.ID)
	}
	k := &key{
		id: spec.ID, arn: s.arn("key/" + spec.ID),
		description: spec.Description, created: s.options.Clock.Now(), material: slices.Clone(material),
	}
	s.keys[spec.ID] = k
	return k.arn, nil
}

// CreateAlias gives a key, by id or ARN, a name that begins with "alias/".
func (s *Service) CreateAlias(name, keyID string) error {
	k, err := s.find(keyID)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.aliases[name]; exists || !strings.HasPrefix(name, "alias/") {
		return fmt.Errorf("creating alias %q: it is taken, or does not begin with alias/", name)
	}
	s.aliases[name] = k.id
	return nil
}

func (k *key) mac(message []byte) []byte {
	h := hmac.New(sha256.New, k.material)
	_, _ = h.Write(message) // A hash does not fail.
	return h.Sum(nil)
}

// keyIDForm is the form of key ids.
var keyIDForm = regexp.MustCompile(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)

// find takes what KeyId may be: an id, an alias, or the ARN of either.
func (s *Service) find(name string) (*key, error) {
	if name == "" {
		return nil, isNull("keyId")
	}
	id, _ := strings.CutPrefix(name, s.arn("key/"))
	alias, _ := strings.CutPrefix(name, s.arn(""))
	s.mu.RLock()
	defer s.mu.RUnlock()
	if strings.HasPrefix(alias, "alias/") {
		if k := s.keys[s.aliases[alias]]; k != nil {
			return k, nil
		}
		return nil, wire.Errorf("NotFoundException", "Alias %s is not found.", s.arn(alias))
	}
	switch k := s.keys[id]; {
	case k != nil:
		return k, nil
	case keyIDForm.MatchString(id):
		return nil, wire.Errorf("NotFoundException", "Key '%s' does not exist", s.arn("key/"+id))
	case strings.HasPrefix(name, "arn:"):
		return nil, wire.Errorf("NotFoundException", "Invalid arn %s", name)
	default:
		return nil, wire.Errorf("NotFoundException", "Invalid keyId '%s'", name)
	}
}

// arn is the ARN of a resource of this account and Region.
func (s *Service) arn(resource string) string {
	return "arn:aws:kms:" + s.options.Region + ":" + s.options.Account + ":" + resource
}

func isNull(parameter string) error {
	return wire.Errorf("ValidationException", "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", parameter)
}

// checkLength checks a blob that must be there, and must not be longer than most.
func checkLength(parameter string, value []byte, most int) error {
	bound, limit := "greater than or equal to", 1
	switch {
	case value == nil:
		return isNull(parameter)
	case len(value) > most:
		bound, limit = "less than or equal to", most
	case len(value) > 0:
		return nil
	}
	return wire.Errorf("ValidationException", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length %s %d", parameter, bound, limit)
}

type macInput struct {
	KeyId        string
	MacAlgorithm string
	Message      []byte
	GrantTokens  []string
	DryRun       bool
}

// check looks at the parameters before it looks for the key, as the service does.
func (s *Service) check(in *macInput) (*key, error) {
	if in.KeyId == "" {
		return nil, isNull("keyId")
	}
	if err := checkLength("message", in.Message, maxMessageBytes); err != nil {
		return nil, err
	}
	switch {
	case in.MacAlgorithm == "":
		return nil, isNull("macAlgorithm")
	case !slices.Contains(macAlgorithms, in.MacAlgorithm):
		return nil, wire.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'macAlgorithm' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [%s]", in.MacAlgorithm, strings.Join(macAlgorithms, ", "))
	case in.DryRun:
		return nil, wire.NotImplemented("kms with DryRun")
	case len(in.GrantTokens) > 0:
		return nil, wire.NotImplemented("kms with GrantTokens")
	}
	k, err := s.find(in.KeyId)
	if err == nil && in.MacAlgorithm != macAlgorithm {
		return nil, wire.Errorf("InvalidKeyUsageException", "Algorithm %s is incompatible with key spec %s.", in.MacAlgorithm, keySpec)
	}
	return k, err
}

type generateMacOutput struct {
	Mac          []byte
	MacAlgorithm string
	KeyId        string
}

func (s *Service) generateMac(_ context.Context, in *macInput) (*generateMacOutput, error) {
	k, err := s.check(in)
	if err != nil {
		return nil, err
	}
	return &generateMacOutput{Mac: k.mac(in.Message), MacAlgorithm: macAlgorithm, KeyId: k.arn}, nil
}

type verifyMacOutput struct {
	KeyId        string
	MacValid     bool
	MacAlgorithm string
}

type verifyMacInput struct {
	macInput
	Mac []byte
}

func (s *Service) verifyMac(_ context.Context, in *verifyMacInput) (*verifyMacOutput, error) {
	if err := checkLength("mac", in.Mac, maxMacBytes); err != nil {
		return nil, err
	}
	k, err := s.check(&in.macInput)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(k.mac(in.Message), in.Mac) {
		return nil, &wire.Error{Status: http.StatusBadRequest, Code: "KMSInvalidMacException"} // Without a message, as the service's.
	}
	return &verifyMacOutput{KeyId: k.arn, MacValid: true, MacAlgorithm: macAlgorithm}, nil
}

type describeKeyOutput struct{ KeyMetadata keyMetadata }

type keyMetadata struct {
	AWSAccountId          string
	KeyId                 string
	Arn                   string
	CreationDate          int64 // Seconds since 1970.
	Description           string
	Enabled               bool
	KeyState              string
	KeySpec               string
	CustomerMasterKeySpec string // KeySpec's former name.
	KeyUsage              string
	KeyManager            string
	MacAlgorithms         []string
	MultiRegion           bool
	Origin                string
}

type describeKeyInput struct {
	KeyId       string
	GrantTokens []string
}

func (s *Service) describeKey(_ context.Context, in *describeKeyInput) (*describeKeyOutput, error) {
	if len(in.GrantTokens) > 0 {
		return nil, wire.NotImplemented("kms with GrantTokens")
	}
	k, err := s.find(in.KeyId)
	if err != nil {
		return nil, err
	}
	return &describeKeyOutput{keyMetadata{
		AWSAccountId: s.options.Account, KeyId: k.id, Arn: k.arn, CreationDate: k.created.Unix(), Description: k.description, Enabled: true, KeyState: "Enabled",
		KeySpec: keySpec, CustomerMasterKeySpec: keySpec, KeyUsage: keyUsage, KeyManager: "CUSTOMER", MacAlgorithms: []string{macAlgorithm}, Origin: "AWS_KMS",
	}}, nil
}

type alias struct{ AliasName, AliasArn, TargetKeyId string }

type listAliasesOutput struct {
	Aliases    []alias
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

// Limits of a page of ListAliases, from the API reference.
const (
	aliasesPage    = 50
	maxAliasesPage = 100
)

type listAliasesInput struct {
	KeyId  string
	Limit  *int
	Marker string // The alias that the page before ended with.
}

func (s *Service) listAliases(_ context.Context, in *listAliasesInput) (*listAliasesOutput, error) {
	limit := aliasesPage
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > maxAliasesPage {
		return nil, wire.Errorf("ValidationException", "1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: a number from 1 to %d", limit, maxAliasesPage)
	}
	if in.Marker != "" && !strings.HasPrefix(in.Marker, "alias/") {
		return nil, wire.Errorf("InvalidMarkerException", "Could not deserialize marker '%s'", in.Marker)
	}
	only := ""
	if in.KeyId != "" {
		k, err := s.find(in.KeyId)
		if err != nil {
			return nil, err
		}
		only = k.id
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := &listAliasesOutput{Aliases: []alias{}}
	for _, name := range slices.Sorted(maps.Keys(s.aliases)) {
		id := s.aliases[name]
		if name <= in.Marker || only != "" && only != id {
			continue
		}
		if len(out.Aliases) == limit {
			out.Truncated, out.NextMarker = true, out.Aliases[limit-1].AliasName
			break
		}
		out.Aliases = append(out.Aliases, alias{AliasName: name, AliasArn: s.arn(name), TargetKeyId: id})
	}
	return out, nil
}
