package ledger

import (
	"crypto/sha256"
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
)

// sealLanes is how many 16-bit sums make a seal: the parameters of LtHash16 (Lewi, Kim, Maykov, Weis: "Securing Update Propagation
// with Homomorphic Hashing", 2019), for which about 200 bits of security against collisions are claimed.
const sealLanes = 1024

// Seal is a hash of a set of records that does not depend on their order: every record is expanded to 2,048 bytes, and these are
// added lane by lane. Records can be added one at a time, and seals of disjoint sets can be added, in constant memory: a journal of
// any size is sealed in whatever order a scan reads it. An exclusive-or of 32-byte hashes would have these properties too, but can
// be forged: with some hundred records of free choice anybody finds a set with a given exclusive-or by linear algebra.
//
// The zero value is the seal of nothing. It is not safe for concurrent use.
type Seal struct{ lanes [sealLanes]uint16 }

// add takes a record into the set.
func (s *Seal) add(record []byte) {
	expanded := sha3.SumSHAKE128(record, 2*sealLanes)
	for i := range s.lanes {
		s.lanes[i] += binary.LittleEndian.Uint16(expanded[2*i:])
	}
}

// merge takes in the records of another, disjoint set.
func (s *Seal) merge(other *Seal) {
	for i := range s.lanes {
		s.lanes[i] += other.lanes[i]
	}
}

// String is the hex SHA-256 of the sums: what is written down of a seal.
func (s *Seal) String() string {
	state := make([]byte, 0, 2*sealLanes)
	for _, lane := range s.lanes {
		state = binary.LittleEndian.AppendUint16(state, lane)
	}
	sum := sha256.Sum256(state)
	return hex.EncodeToString(sum[:])
}
