package local

import (
	"fmt"
	"strings"

	"github.com/payrail/payrail/local/dynamodb"
	"github.com/payrail/payrail/local/kms"
	"github.com/payrail/payrail/local/s3"
)

func (s *stack) table(id string, properties map[string]any) (resource, error) {
	var p struct {
		TableName                 string
		DeletionProtectionEnabled bool
		AttributeDefinitions      []struct{ AttributeName, AttributeType string }
		KeySchema                 []struct{ AttributeName, KeyType string }
		StreamSpecification       struct{ StreamViewType string }
		TimeToLiveSpecification   struct {
			AttributeName string
			Enabled       bool
		}
		GlobalSecondaryIndexes []struct {
			IndexName  string
			KeySchema  []struct{ AttributeName, KeyType string }
			Projection struct {
				ProjectionType   string
				NonKeyAttributes []string
			}
		}
	}
	if err := s.decode(properties, &p, "BillingMode", "PointInTimeRecoverySpecification", "SSESpecification", "Tags"); err != nil {
		return resource{}, err
	}
	types, used := map[string]string{}, map[string]bool{}
	for _, a := range p.AttributeDefinitions {
		types[a.AttributeName] = a.AttributeType
	}
	keys := func(schema []struct{ AttributeName, KeyType string }) (partition, sort dynamodb.Key) {
		for _, k := range schema {
			used[k.AttributeName] = true
			key := dynamodb.Key{Name: k.AttributeName, Type: types[k.AttributeName]}
			if k.KeyType == "HASH" {
				partition = key
			} else {
				sort = key
			}
		}
		return partition, sort
	}
	spec := dynamodb.TableSpec{Name: p.TableName, StreamView: p.StreamSpecification.StreamViewType, DeletionProtection: p.DeletionProtectionEnabled}
	if spec.Name == "" {
		spec.Name = s.name(id)
	}
	if p.TimeToLiveSpecification.Enabled {
		spec.TTLAttribute = p.TimeToLiveSpecification.AttributeName
	}
	spec.PartitionKey, spec.SortKey = keys(p.KeySchema)
	for _, index := range p.GlobalSecondaryIndexes {
		i := dynamodb.IndexSpec{Name: index.IndexName, Projection: index.Projection.ProjectionType, Include: index.Projection.NonKeyAttributes}
		i.PartitionKey, i.SortKey = keys(index.KeySchema)
		spec.Indexes = append(spec.Indexes, i)
	}
	if len(used) != len(types) {
		return resource{}, fmt.Errorf("AttributeDefinitions has %d attributes and the keys of the table and its indexes %d: AWS wants the same ones", len(types), len(used))
	}
	info, err := s.dynamodb.CreateTable(spec)
	if err != nil {
		return resource{}, err
	}
	attributes := map[string]any{"Arn": info.ARN}
	if info.StreamARN != "" {
		attributes["StreamArn"] = info.StreamARN
	}
	return resource{info.Name, attributes}, nil
}

func (s *stack) bucket(id string, properties map[string]any) (resource, error) {
	var p struct {
		BucketName              string
		ObjectLockEnabled       bool
		VersioningConfiguration struct{ Status string }
	}
	if err := s.decode(properties, &p, "BucketEncryption", "ObjectLockConfiguration", "OwnershipControls", "PublicAccessBlockConfiguration", "LifecycleConfiguration", "Tags"); err != nil {
		return resource{}, err
	}
	spec := s3.BucketSpec{Name: p.BucketName, ObjectLock: p.ObjectLockEnabled, Versioned: p.VersioningConfiguration.Status == "Enabled"}
	if spec.Name == "" {
		spec.Name = strings.ToLower(s.name(id))
	}
	if err := s.s3.CreateBucket(spec); err != nil {
		return resource{}, err
	}
	return resource{spec.Name, map[string]any{"Arn": "arn:aws:s3:::" + spec.Name}}, nil
}

func (s *stack) key(id string, properties map[string]any) (resource, error) {
	var p struct{ Description, KeySpec, KeyUsage string }
	if err := s.decode(properties, &p, "KeyPolicy", "EnableKeyRotation", "PendingWindowInDays", "Tags"); err != nil {
		return resource{}, err
	}
	keyID := s.name(id)
	keyARN, err := s.kms.CreateKey(kms.KeySpec{ID: keyID, Spec: p.KeySpec, Usage: p.KeyUsage, Description: p.Description})
	if err != nil {
		return resource{}, err
	}
	return resource{keyID, map[string]any{"Arn": keyARN, "KeyId": keyID}}, nil
}
