// Package kms is the part of the Key Management Service that tokens are made with: HMAC keys, GenerateMac and VerifyMac. The
// key material is injected; it never leaves the package.
package kms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/wire"
)

const (
	// maxMessageBytes is the longest message of GenerateMac and VerifyMac.
	maxMessageBytes = 4096
	keySpec         = "HMAC_256"
	keyUsage        = "GENERATE_VERIFY_MAC"
	macAlgorithm    = "HMAC_SHA_256"
)

// Options are what a Service needs.
type Options struct {
	// KeyMaterial gives the secret of a key; it is called once per key, when the key is created.
	KeyMaterial func(keyID string) []byte
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
		id: spec.ID, arn: fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", s.options.Region, s.options.Account, spec.ID),
		description: spec.Description, material: slices.Clone(material),
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

// find takes what KeyId may be: an id, an alias, or the ARN of either.
func (s *Service) find(name string) (*key, error) {
	if prefix := fmt.Sprintf("arn:aws:kms:%s:%s:", s.options.Region, s.options.Account); strings.HasPrefix(name, prefix) {
		name = strings.TrimPrefix(strings.TrimPrefix(name, prefix), "key/")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	id := name
	if target, ok := s.aliases[name]; ok {
		id = target
	}
	k, ok := s.keys[id]
	if !ok {
		return nil, wire.Errorf("NotFoundException", "Key '%s' does not exist", name)
	}
	return k, nil
}

type macInput struct {
	KeyId        string
	MacAlgorithm string
	Message      []byte
	Mac          []byte
	GrantTokens  []string
	DryRun       bool
}

func (s *Service) check(in *macInput) (*key, error) {
	k, err := s.find(in.KeyId)
	switch {
	case err != nil:
		return nil, err
	case in.MacAlgorithm != macAlgorithm:
		return nil, wire.Errorf("InvalidKeyUsageException", "algorithm %s is not valid for a key of spec %s", in.MacAlgorithm, keySpec)
	case len(in.Message) == 0 || len(in.Message) > maxMessageBytes:
		return nil, wire.Errorf("ValidationException", "a message has 1 to %d bytes, this one %d", maxMessageBytes, len(in.Message))
	case in.DryRun:
		return nil, wire.NotImplemented("kms with DryRun")
	case len(in.GrantTokens) > 0:
		return nil, wire.NotImplemented("kms with GrantTokens")
	}
	return k, nil
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

func (s *Service) verifyMac(_ context.Context, in *macInput) (*verifyMacOutput, error) {
	k, err := s.check(in)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(k.mac(in.Message), in.Mac) {
		return nil, &wire.Error{Status: http.StatusBadRequest, Code: "KMSInvalidMacException", Message: "the MAC is not that of the message"}
	}
	return &verifyMacOutput{KeyId: k.arn, MacValid: true, MacAlgorithm: macAlgorithm}, nil
}

type describeKeyOutput struct{ KeyMetadata keyMetadata }

type keyMetadata struct {
	AWSAccountId  string
	KeyId         string
	Arn           string
	Description   string
	Enabled       bool
	KeyState      string
	KeySpec       string
	KeyUsage      string
	KeyManager    string
	MacAlgorithms []string
	Origin        string
}

func (s *Service) describeKey(_ context.Context, in *struct{ KeyId string }) (*describeKeyOutput, error) {
	k, err := s.find(in.KeyId)
	if err != nil {
		return nil, err
	}
	return &describeKeyOutput{keyMetadata{
		AWSAccountId: s.options.Account, KeyId: k.id, Arn: k.arn, Description: k.description, Enabled: true, KeyState: "Enabled",
		KeySpec: keySpec, KeyUsage: keyUsage, KeyManager: "CUSTOMER", MacAlgorithms: []string{macAlgorithm}, Origin: "AWS_KMS",
	}}, nil
}

type alias struct{ AliasName, AliasArn, TargetKeyId string }

type listAliasesOutput struct {
	Aliases   []alias
	Truncated bool
}

func (s *Service) listAliases(_ context.Context, in *struct {
	KeyId  string
	Limit  int
	Marker string
}) (*listAliasesOutput, error) {
	if in.Limit != 0 || in.Marker != "" {
		return nil, wire.NotImplemented("kms:ListAliases in pages")
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
	for name, id := range s.aliases {
		if only == "" || only == id {
			arn := fmt.Sprintf("arn:aws:kms:%s:%s:%s", s.options.Region, s.options.Account, name)
			out.Aliases = append(out.Aliases, alias{AliasName: name, AliasArn: arn, TargetKeyId: id})
		}
	}
	slices.SortFunc(out.Aliases, func(a, b alias) int { return strings.Compare(a.AliasName, b.AliasName) })
	return out, nil
}
