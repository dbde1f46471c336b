// Package s3 is the local runtime's object store: buckets and whole objects, over S3's REST protocol (path style) and
// through Go. It keeps the latest version of an object only, also in versioned buckets, and refuses every call that
// would have to know of earlier ones.
package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // ETags are MD5 by definition.
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// maxKeyBytes is S3's limit on the length of a key in UTF-8.
const maxKeyBytes = 1024

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Options are what a Service needs.
type Options struct {
	Store   storage.Store
	Clock   clock.Clock
	Faults  *faults.Injector
	Region  string
	Account string
}

// BucketSpec describes a bucket.
type BucketSpec struct {
	Name string
	// ObjectLock says that the bucket has object lock with a default retention: nothing in it can be deleted.
	ObjectLock bool
	// Versioned says that the bucket has versioning enabled; object lock implies it.
	Versioned bool
}

// Service holds the buckets. It is safe for concurrent use.
type Service struct {
	options Options
	mu      sync.RWMutex
	buckets map[string]*bucket
}

type bucket struct {
	spec    BucketSpec
	created time.Time
	// writing makes the check of a conditional put and its write one step.
	writing sync.Mutex
}

// Info is what is known of an object without its body.
type Info struct {
	Key          string            `json:"key"`
	Size         int64             `json:"size"`
	ETag         string            `json:"etag"` // Hex MD5, without quotes.
	LastModified time.Time         `json:"lastModified"`
	Headers      map[string]string `json:"headers,omitempty"`   // Content-Type and the like, X-Amz-Meta-…
	Checksums    map[string]string `json:"checksums,omitempty"` // By algorithm, in base64.
}

// Object is an object with its body, which must not be changed.
type Object struct {
	Info
	Body []byte
}

// PutInput is an object to store.
type PutInput struct {
	Bucket, Key string
	Body        []byte
	// Headers are stored with the object and come back with it, in canonical form.
	Headers map[string]string
	// IfNoneMatch "*" makes the put fail with PreconditionFailed where the key exists.
	IfNoneMatch string
	// IfMatch makes it fail where the object's ETag is another one.
	IfMatch string

	checksums map[string]string
}

// New makes a Service without buckets.
func New(o Options) *Service { return &Service{options: o, buckets: map[string]*bucket{}} }

// CreateBucket adds a bucket.
func (s *Service) CreateBucket(spec BucketSpec) error {
	if !bucketName.MatchString(spec.Name) {
		return wire.Errorf("InvalidBucketName", "The specified bucket is not valid: %s", spec.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.buckets[spec.Name]; exists {
		return &wire.Error{Status: http.StatusConflict, Code: "BucketAlreadyOwnedByYou", Message: "the bucket " + spec.Name + " exists already"}
	}
	s.buckets[spec.Name] = &bucket{spec: spec, created: s.options.Clock.Now().UTC()}
	return nil
}

// Buckets are the names of all buckets, sorted.
func (s *Service) Buckets() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, 0, len(s.buckets))
	for name := range s.buckets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// serviceContentType is the type of the objects that Firehose writes.
const serviceContentType = "application/octet-stream"

// PutObject stores body at key, as another service of the runtime does (Firehose).
func (s *Service) PutObject(ctx context.Context, bucket, key string, body []byte) error {
	_, err := s.Put(ctx, PutInput{Bucket: bucket, Key: key, Body: body, Headers: map[string]string{"Content-Type": serviceContentType}})
	return err
}

// Put stores an object. The body must not be changed afterwards.
func (s *Service) Put(_ context.Context, in PutInput) (Info, error) {
	return wire.WithFaultsOn(s.options.Faults, "s3:PutObject", in.Bucket, func() (Info, error) { return s.put(in) })
}

func (s *Service) put(in PutInput) (Info, error) {
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return Info{}, err
	}
	if in.Key == "" || len(in.Key) > maxKeyBytes {
		return Info{}, &wire.Error{Code: "KeyTooLongError", Message: "Your key is too long", Members: map[string]any{"Size": len(in.Key), "MaxSizeAllowed": maxKeyBytes}}
	}
	if err := checkConditions(in); err != nil {
		return Info{}, err
	}
	sum := md5.Sum(in.Body) //nolint:gosec // As above.
	info := Info{
		Key: in.Key, Size: int64(len(in.Body)), ETag: hex.EncodeToString(sum[:]),
		LastModified: s.options.Clock.Now().UTC().Truncate(time.Second), Headers: in.Headers, Checksums: in.checksums,
	}
	if len(info.Checksums) == 0 {
		info.Checksums = map[string]string{defaultChecksum: checksum(defaultChecksum, in.Body)}
	}
	record, err := json.Marshal(info)
	if err != nil {
		return Info{}, fmt.Errorf("encoding object info: %w", err)
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	if in.IfNoneMatch != "" || in.IfMatch != "" {
		if err := s.precondition(in); err != nil {
			return Info{}, err
		}
	}
	var batch storage.Batch
	batch.Put(infoSpace(in.Bucket), []byte(in.Key), record)
	batch.Put(bodySpace(in.Bucket), []byte(in.Key), in.Body)
	if err := s.options.Store.Apply(&batch); err != nil {
		return Info{}, fmt.Errorf("storing object: %w", err)
	}
	return info, nil
}

// checkConditions refuses the conditions of a put that S3 does not do either.
func checkConditions(in PutInput) error {
	header, why := "", "We don't accept the provided value of %s header for this API"
	switch {
	case in.IfMatch != "" && in.IfNoneMatch != "":
		header, why = "If-Match,If-None-Match", "Multiple conditional request headers present in the request"
	case in.IfNoneMatch != "" && in.IfNoneMatch != "*":
		header, why = "If-None-Match", fmt.Sprintf(why, "If-None-Match")
	case in.IfMatch == "*":
		header, why = "If-Match", fmt.Sprintf(why, "If-Match")
	default:
		return nil
	}
	return &wire.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "A header you provided implies functionality that is not implemented",
		Members: map[string]any{"Header": header, "additionalMessage": why}}
}

func (s *Service) precondition(in PutInput) error {
	info, found, err := s.info(in.Bucket, in.Key)
	switch {
	case err != nil:
		return err
	case in.IfNoneMatch != "" && found:
		return preconditionFailed("If-None-Match")
	case in.IfMatch != "" && !found:
		return noSuchKey(in.Key)
	case in.IfMatch != "" && strings.Trim(in.IfMatch, `"`) != info.ETag:
		return preconditionFailed("If-Match")
	}
	return nil
}

// Get reads an object.
func (s *Service) Get(_ context.Context, bucket, key string) (Object, error) {
	return wire.WithFaultsOn(s.options.Faults, "s3:GetObject", bucket, func() (Object, error) { return s.get(bucket, key) })
}

func (s *Service) get(bucket, key string) (Object, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return Object{}, err
	}
	b.writing.Lock() // Info and body are two entries: both must be of the same put.
	defer b.writing.Unlock()
	info, found, err := s.info(bucket, key)
	if err != nil {
		return Object{}, err
	}
	if !found {
		return Object{}, noSuchKey(key)
	}
	body, found, err := s.options.Store.Get(bodySpace(bucket), []byte(key))
	if err != nil {
		return Object{}, fmt.Errorf("reading object: %w", err)
	}
	if !found {
		return Object{}, fmt.Errorf("reading object: %s/%s has no body", bucket, key)
	}
	return Object{Info: info, Body: body}, nil
}

// Head reads what is known of an object without its body.
func (s *Service) Head(_ context.Context, bucket, key string) (Info, error) {
	return wire.WithFaultsOn(s.options.Faults, "s3:HeadObject", bucket, func() (Info, error) {
		if _, err := s.bucket(bucket); err != nil {
			return Info{}, err
		}
		info, found, err := s.info(bucket, key)
		if err == nil && !found {
			err = noSuchKey(key)
		}
		return info, err
	})
}

// List gives all objects whose keys begin with prefix, in order of their keys.
func (s *Service) List(_ context.Context, bucket, prefix string) ([]Info, error) {
	return wire.WithFaultsOn(s.options.Faults, "s3:ListObjectsV2", bucket, func() ([]Info, error) {
		var list []Info
		err := s.scan(bucket, prefix, "", func(i Info) bool {
			list = append(list, i)
			return true
		})
		return list, err
	})
}

// Delete removes an object; there is no error where there is none. Where object lock would keep the version and put a
// delete marker before it, the call is refused: the local runtime has no markers.
func (s *Service) Delete(_ context.Context, bucket, key string) error {
	_, err := wire.WithFaultsOn(s.options.Faults, "s3:DeleteObject", bucket, func() (struct{}, error) {
		return struct{}{}, s.delete(bucket, key)
	})
	return err
}

func (s *Service) delete(bucket, key string) error {
	b, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	if b.spec.ObjectLock {
		return wire.NotImplemented("s3:DeleteObject by delete marker in a bucket with object lock")
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	var batch storage.Batch
	batch.Delete(infoSpace(bucket), []byte(key))
	batch.Delete(bodySpace(bucket), []byte(key))
	if err := s.options.Store.Apply(&batch); err != nil {
		return fmt.Errorf("deleting object: %w", err)
	}
	return nil
}

func (s *Service) bucket(name string) (*bucket, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buckets[name]
	if !ok {
		return nil, &wire.Error{Status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist", Members: map[string]any{"BucketName": name}}
	}
	return b, nil
}

func (s *Service) info(bucket, key string) (Info, bool, error) {
	record, found, err := s.options.Store.Get(infoSpace(bucket), []byte(key))
	if err != nil || !found {
		return Info{}, false, err
	}
	var info Info
	if err := json.Unmarshal(record, &info); err != nil {
		return Info{}, false, fmt.Errorf("decoding object info: %w", err)
	}
	return info, true, nil
}

// scan visits the objects whose keys begin with prefix and are not below from.
func (s *Service) scan(bucket, prefix, from string, visit func(Info) bool) error {
	if _, err := s.bucket(bucket); err != nil {
		return err
	}
	r := storage.Range{From: []byte(max(prefix, from)), To: after([]byte(prefix))}
	var broken error
	err := s.options.Store.Scan(infoSpace(bucket), r, func(_, record []byte) bool {
		var info Info
		if broken = json.Unmarshal(record, &info); broken != nil {
			return false
		}
		return visit(info)
	})
	if err != nil {
		return fmt.Errorf("listing objects: %w", err)
	}
	if broken != nil {
		return fmt.Errorf("decoding object info: %w", broken)
	}
	return nil
}

// after is the first key above all that begin with prefix; nil where there is none.
func after(prefix []byte) []byte {
	next := bytes.TrimRight(bytes.Clone(prefix), "\xff")
	if len(next) == 0 {
		return nil
	}
	next[len(next)-1]++
	return next
}

func infoSpace(bucket string) string { return "s3/" + bucket + "/info" }
func bodySpace(bucket string) string { return "s3/" + bucket + "/body" }

func noSuchKey(key string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist.", Members: map[string]any{"Key": key}}
}

func preconditionFailed(header string) error {
	return &wire.Error{
		Status: http.StatusPreconditionFailed, Code: "PreconditionFailed",
		Message: "At least one of the pre-conditions you specified did not hold", Members: map[string]any{"Condition": header},
	}
}
