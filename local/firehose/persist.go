package firehose

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/payrail/payrail/local/storage"
)

// keeper keeps the records of one stream in the store from their acceptance until their object is written or given up. It is used
// under its stream's lock, but for remove. A nil keeper keeps nothing.
type keeper struct {
	store  storage.Store
	logger *slog.Logger
	space  string
	next   uint64 // number of a record
}

// numbers are records, as ranges: the records of a buffer come one after the other as long as there is one partition.
type numbers []span

// span is from, and what follows up to but not including to.
type span struct{ from, to uint64 }

func (n *numbers) add(number uint64) {
	if last := len(*n) - 1; last >= 0 && (*n)[last].to == number {
		(*n)[last].to++
		return
	}
	*n = append(*n, span{number, number + 1})
}

func (s *Service) keeperOf(stream string) *keeper {
	if s.options.Store == nil {
		return nil
	}
	return &keeper{store: s.options.Store, logger: s.options.Logger, space: "firehose/" + stream}
}

func recordKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), number)
}

// put keeps records with the time of their arrival and returns the number of the first.
func (k *keeper) put(records [][]byte, now time.Time) (first uint64, err error) {
	if k == nil {
		return 0, nil
	}
	first = k.next
	var b storage.Batch
	for i, r := range records {
		value := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(r)), uint64(now.UnixNano()))
		b.Put(k.space, recordKey(first+uint64(i)), append(value, r...))
	}
	if err := k.store.Apply(&b); err != nil {
		return 0, fmt.Errorf("keeping records: %w", err)
	}
	k.next += uint64(len(records))
	return first, nil
}

// remove forgets records. Where that fails they are written once more after a restart.
func (k *keeper) remove(written numbers) {
	if k == nil || len(written) == 0 {
		return
	}
	var b storage.Batch
	for _, s := range written {
		b.DeleteRange(k.space, storage.Range{From: recordKey(s.from), To: recordKey(s.to)})
	}
	if err := k.store.Apply(&b); err != nil {
		k.logger.Error("forgetting written records", "space", k.space, "error", err)
	}
}

// restore buffers the records again that an earlier process had accepted. Their intervals begin anew.
func (s *stream) restore() error {
	if s.kept == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var failure error
	err := s.kept.store.Scan(s.kept.space, storage.Range{}, func(key, value []byte) bool {
		number := binary.BigEndian.Uint64(key)
		s.kept.next = number + 1
		if len(value) < 8 {
			failure = fmt.Errorf("record %d is not whole", number)
			return false
		}
		arrived := time.Unix(0, int64(binary.BigEndian.Uint64(value))).UTC()
		failure = s.buffer(number, value[8:], arrived)
		return failure == nil
	})
	if err == nil {
		err = failure
	}
	if err != nil {
		return fmt.Errorf("reading kept records of %s: %w", s.name, err)
	}
	return nil
}
