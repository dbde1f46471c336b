package s3

import (
	"crypto/sha1" //nolint:gosec // One of the checksums S3 offers.
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
)

// defaultChecksum is what S3 computes for an object that was sent without a checksum.
const defaultChecksum = "crc64nvme"

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	// nvme is the reflected polynomial of the NVM Express specification.
	nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)
)

// newHash gives the hash of one of S3's checksum algorithms; nil where it is not one.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(castagnoli)
	case "crc64nvme":
		return crc64.New(nvme)
	case "sha1":
		return sha1.New() //nolint:gosec // As above.
	case "sha256":
		return sha256.New()
	default:
		return nil
	}
}

// checksum is the base64 text of body's checksum.
func checksum(algorithm string, body []byte) string {
	h := newHash(algorithm)
	_, _ = h.Write(body) // A hash does not fail.
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
