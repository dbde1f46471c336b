package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Folder is a copy of an audit bucket in a folder, as `aws s3 sync` makes it: the part of S3's API that a Reader needs. The bucket's
// name does not matter.
type Folder struct{ files fs.FS }

var _ Bucket = (*Folder)(nil)

// NewFolder opens a copy of an audit bucket. The folder is closed with the process.
func NewFolder(name string) (*Folder, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("opening the copy of an audit log: %w", err)
	}
	return &Folder{files: root.FS()}, nil
}

// ListObjectsV2 lists all files under a prefix in one page, or with the delimiter / what is directly under it.
func (f *Folder) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	prefix, delimiter := aws.ToString(in.Prefix), aws.ToString(in.Delimiter)
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(false)}
	common := ""
	err := fs.WalkDir(f.files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if entry.IsDir() {
			if inside := name + "/"; name != "." && !strings.HasPrefix(inside, prefix) && !strings.HasPrefix(prefix, inside) {
				return fs.SkipDir
			}
			return nil
		}
		rest, below := strings.CutPrefix(name, prefix)
		if !below {
			return nil
		}
		if folder, _, deeper := strings.Cut(rest, "/"); delimiter != "" && deeper {
			// Files are visited in order, so that those of one folder follow each other.
			if at := prefix + folder + "/"; at != common {
				common = at
				out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: aws.String(at)})
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		out.Contents = append(out.Contents, types.Object{Key: aws.String(name), Size: aws.Int64(info.Size()), LastModified: aws.Time(info.ModTime())})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the copy of an audit log: %w", err)
	}
	return out, nil
}

// GetObject opens a file.
func (f *Folder) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	file, err := f.files.Open(path.Clean(aws.ToString(in.Key)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &types.NoSuchKey{Message: in.Key}
	}
	if err != nil {
		return nil, err
	}
	return &s3.GetObjectOutput{Body: file}, nil
}
