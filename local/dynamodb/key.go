package dynamodb

import (
	"encoding/binary"
	"hash/fnv"

	"github.com/payrail/payrail/local/wire"
)

// Size limits of key attributes in bytes.
const (
	maxHashKeyBytes = 2048
	maxSortKeyBytes = 1024
)

// keyAttribute is an attribute of a primary key or index key.
type keyAttribute struct {
	name string
	kind kind
}

// keySchema is the partition key and, where sort has a name, the sort key of a table or index.
type keySchema struct{ hash, sort keyAttribute }

func (k keySchema) hasSort() bool { return k.sort.name != "" }

func (k keySchema) has(name string) bool {
	return name == k.hash.name || (k.hasSort() && name == k.sort.name)
}

func (k keySchema) attributes() []keyAttribute {
	if k.hasSort() {
		return []keyAttribute{k.hash, k.sort}
	}
	return []keyAttribute{k.hash}
}

// pick returns the key attributes of item.
func (k keySchema) pick(item attrs) attrs {
	out := make(attrs, 0, 2)
	for _, a := range k.attributes() {
		if v, ok := item.get(a.name); ok {
			out = append(out, attr{a.name, v})
		}
	}
	return out.sorted()
}

func wrongKey() *wire.Error { return invalid("The provided key element does not match the schema") }

// isIn tells whether item has every key attribute, of the right type.
func (k keySchema) isIn(item attrs) bool {
	for _, a := range k.attributes() {
		if v, ok := item.get(a.name); !ok || v.kind != a.kind {
			return false
		}
	}
	return true
}

// checkKey is the check of a Key parameter: exactly the key attributes, of the right types.
func (k keySchema) checkKey(key attrs) error {
	if len(key) != len(k.attributes()) || !k.isIn(key) {
		return wrongKey()
	}
	return k.checkSizes(key)
}

// checkItem is the check of the key attributes of an item to put.
func (k keySchema) checkItem(item attrs) error {
	for _, a := range k.attributes() {
		v, ok := item.get(a.name)
		if !ok {
			return invalidParameter("Missing the key %s in the item", a.name)
		}
		if v.kind != a.kind {
			return invalidParameter("Type mismatch for key %s expected: %s actual: %s", a.name, a.kind, v.kind)
		}
	}
	return k.checkSizes(item)
}

func emptyKeyText(k kind) string {
	if k == kindB {
		return "The AttributeValue for a key attribute cannot contain an empty binary value."
	}
	return "The AttributeValue for a key attribute cannot contain an empty string value."
}

// checkEmpty refuses empty key attributes; others it leaves to checkKey and checkItem.
func (k keySchema) checkEmpty(item attrs) error {
	for _, a := range k.attributes() {
		if v, _ := item.get(a.name); v.kind == a.kind && v.text == "" {
			return invalid("One or more parameter values are not valid. %s Key: %s", emptyKeyText(a.kind), a.name)
		}
	}
	return nil
}

func (k keySchema) checkSizes(item attrs) error {
	if err := k.checkEmpty(item); err != nil {
		return err
	}
	return k.checkLengths(item)
}

func (k keySchema) checkLengths(item attrs) error {
	if v, _ := item.get(k.hash.name); len(v.text) > maxHashKeyBytes {
		return invalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}
	if v, _ := item.get(k.sort.name); k.hasSort() && len(v.text) > maxSortKeyBytes {
		return invalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// encode is the store's key of an item that has passed a check: the partition (a hash and the partition key), then the sort
// key, so that one partition is one range in sort order and partitions lie scattered, as the service scans them.
func (k keySchema) encode(item attrs) []byte {
	hash, _ := item.get(k.hash.name)
	out := appendPartition(make([]byte, 0, 64), hash)
	if k.hasSort() {
		sort, _ := item.get(k.sort.name)
		out = appendKey(out, sort)
	}
	return out
}

// appendPartition writes four bytes of hash, which scan segments divide, and the partition key.
func appendPartition(out []byte, hash value) []byte {
	at := len(out)
	out = append(out, 0, 0, 0, 0)
	out = appendKey(out, hash)
	binary.BigEndian.PutUint32(out[at:], scatter(out[at+4:]))
	return out
}

// scatter hashes so that also the high bits differ between similar keys (the last steps of MurmurHash3).
func scatter(key []byte) uint32 {
	f := fnv.New32a()
	_, _ = f.Write(key) // a hash never fails
	h := f.Sum32()
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

// appendKey writes a key value so that encodings order as the values do and none is the beginning of another.
func appendKey(out []byte, v value) []byte {
	if v.kind == kindN {
		return appendNumberKey(out, mustNumber(v.text))
	}
	return append(appendKeyPrefix(out, v.text), 0, 1)
}

// appendKeyPrefix writes a zero byte as 0x00 0xff, because 0x00 0x01 ends a key.
func appendKeyPrefix(out []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		out = append(out, text[i])
		if text[i] == 0 {
			out = append(out, 0xff)
		}
	}
	return out
}

// appendNumberKey writes class (negative, zero, positive), exponent, digits, end; of a negative number all inverted. The
// exponents of the supported range fill one byte.
func appendNumberKey(out []byte, n number) []byte {
	switch n.sign() {
	case 0:
		return append(out, 2)
	case 1:
		out = append(out, 3, byte(n.exponent-minExponent))
		return append(append(out, n.digits...), 0)
	}
	out = append(out, 1, ^byte(n.exponent-minExponent))
	for i := 0; i < len(n.digits); i++ {
		out = append(out, ^n.digits[i])
	}
	return append(out, 0xff)
}

// after is the first key behind every key that begins with prefix; nil is the end of the space.
func after(prefix []byte) []byte {
	out := append([]byte(nil), prefix...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != 0xff {
			out[i]++
			return out[:i+1]
		}
	}
	return nil
}
