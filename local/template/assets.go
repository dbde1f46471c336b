package template

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// Packaging says what an asset's path is.
const (
	// PackagingZip is a folder that is zipped when it is published.
	PackagingZip = "zip"
	// PackagingFile is a file published as it is.
	PackagingFile = "file"
)

// Asset is a file or folder of the cloud assembly that a resource refers to by bucket and key.
type Asset struct {
	// Path is absolute.
	Path      string
	Packaging string
}

type asset struct{ bucket, key, path, packaging string }

func parseManifest(data []byte, o Options) ([]asset, error) {
	var manifest struct {
		Files map[string]struct {
			Source       struct{ Path, Packaging, Executable any }
			Destinations map[string]struct{ BucketName, ObjectKey string }
		} `json:"files"`
		DockerImages map[string]any `json:"dockerImages"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, fmt.Errorf("decoding asset manifest: %w", err)
	}
	for id := range manifest.DockerImages {
		return nil, fmt.Errorf("reading asset manifest: the local runtime does not do the docker image asset %s", id)
	}
	values := strings.NewReplacer("${AWS::AccountId}", o.Account, "${AWS::Region}", o.Region, "${AWS::Partition}", "aws")
	var assets []asset
	for _, hash := range sortedKeys(manifest.Files) {
		file := manifest.Files[hash]
		path, isPath := file.Source.Path.(string)
		packaging, _ := file.Source.Packaging.(string)
		if !isPath || (packaging != PackagingZip && packaging != PackagingFile) {
			return nil, fmt.Errorf("reading asset manifest: asset %s has no path, or a packaging other than zip and file", hash)
		}
		for _, name := range sortedKeys(file.Destinations) {
			d := file.Destinations[name]
			assets = append(assets, asset{
				bucket: values.Replace(d.BucketName), key: values.Replace(d.ObjectKey), path: path, packaging: packaging,
			})
		}
	}
	return assets, nil
}

// Asset finds the asset published at key in bucket, both resolved.
func (t *Template) Asset(bucket, key string) (Asset, error) {
	for _, a := range t.assets {
		if a.bucket == bucket && a.key == key {
			path := a.path
			if !filepath.IsAbs(path) {
				path = filepath.Join(t.folder, path)
			}
			return Asset{Path: path, Packaging: a.packaging}, nil
		}
	}
	return Asset{}, fmt.Errorf("finding asset: the manifest has none at s3://%s/%s", bucket, key)
}

// CodeFolder finds the folder that a function's resolved Code property names.
func (t *Template) CodeFolder(code any) (string, error) {
	var location struct{ S3Bucket, S3Key string }
	if err := Decode(code, &location); err != nil {
		return "", fmt.Errorf("reading function code: %w", err)
	}
	a, err := t.Asset(location.S3Bucket, location.S3Key)
	if err != nil {
		return "", err
	}
	if a.Packaging != PackagingZip {
		return "", fmt.Errorf("finding function code: the asset %s is a %s, want a folder", a.Path, a.Packaging)
	}
	return a.Path, nil
}
