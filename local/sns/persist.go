package sns

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/payrail/payrail/local/storage"
)

// The spaces of what is kept, by a number that counts up: messages on their way to a queue, and the last ones of topics without
// subscribers.
const (
	pendingSpace = "sns/pending"
	shownSpace   = "sns/shown"
)

// keeper keeps published messages in the store until they are delivered or dropped. It is used under the service's lock, but for
// remove. A nil keeper keeps nothing.
type keeper struct {
	store  storage.Store
	logger *slog.Logger
	last   uint64
	broken error // of reading what is there
}

// addressed is a message for one subscription.
type addressed struct {
	Notification
	Endpoint string `json:",omitempty"`
	number   uint64
}

func newKeeper(o Options) *keeper {
	if o.Store == nil {
		return nil
	}
	k := &keeper{store: o.Store, logger: o.Logger}
	for _, space := range []string{pendingSpace, shownSpace} {
		err := o.Store.Scan(space, storage.Range{Reverse: true}, func(key, _ []byte) bool {
			k.last = max(k.last, binary.BigEndian.Uint64(key))
			return false
		})
		k.broken = errors.Join(k.broken, err)
	}
	return k
}

func messageKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), number)
}

// put keeps messages before their publishing is acknowledged, and forgets those before the oldest to keep.
func (k *keeper) put(space string, messages []addressed, keep int) error {
	if k == nil || k.broken != nil {
		return k.failure()
	}
	var b storage.Batch
	for i := range messages {
		k.last++
		messages[i].number = k.last
		value, err := json.Marshal(messages[i])
		if err != nil {
			return fmt.Errorf("keeping a message: %w", err)
		}
		b.Put(space, messageKey(k.last), value)
	}
	if keep > 0 && k.last > uint64(keep) {
		b.DeleteRange(space, storage.Range{To: messageKey(k.last - uint64(keep) + 1)})
	}
	if err := k.store.Apply(&b); err != nil {
		return fmt.Errorf("keeping a message: %w", err)
	}
	return nil
}

// failure is why nothing can be kept, if so.
func (k *keeper) failure() error {
	if k == nil || k.broken == nil {
		return nil
	}
	return fmt.Errorf("keeping a message: %w", k.broken)
}

// remove forgets a message that is delivered or dropped. Where that fails it is delivered again after a restart.
func (k *keeper) remove(m addressed) {
	if k == nil {
		return
	}
	var b storage.Batch
	b.Delete(pendingSpace, messageKey(m.number))
	if err := k.store.Apply(&b); err != nil {
		k.logger.Error("forgetting a delivered message", "message", m.MessageID, "error", err)
	}
}

func (k *keeper) read(space string) (all []addressed, err error) {
	var broken error
	err = k.store.Scan(space, storage.Range{}, func(key, value []byte) bool {
		m := addressed{number: binary.BigEndian.Uint64(key)}
		broken = json.Unmarshal(value, &m)
		all = append(all, m)
		return broken == nil
	})
	if err = errors.Join(err, broken); err != nil {
		return nil, fmt.Errorf("reading kept messages: %w", err)
	}
	return all, nil
}

// Resume goes on with the messages an earlier process has left. It is to be called once, when the subscriptions are there; what has
// none any more is dropped.
func (s *Service) Resume() error {
	if s.keeper == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shown, err := s.keeper.read(shownSpace)
	if err != nil {
		return err
	}
	for _, m := range shown {
		s.kept = append(s.kept, m.Notification)
	}
	s.kept = s.kept[max(0, len(s.kept)-keptNotifications):]
	pending, err := s.keeper.read(pendingSpace)
	if err != nil {
		return err
	}
	for _, m := range pending {
		if !s.resume(m) {
			s.options.Logger.Error("dropping a message of a topic: its subscription is no more", "topic", m.TopicARN, "endpoint", m.Endpoint)
			s.keeper.remove(m)
		}
	}
	return nil
}

// resume hands a message to its subscription. The caller holds s.mu.
func (s *Service) resume(m addressed) bool {
	t := s.topics[m.TopicARN]
	if t == nil {
		return false
	}
	i := slices.IndexFunc(t.subscriptions, func(sub *subscription) bool { return sub.endpoint == m.Endpoint })
	if i < 0 {
		return false
	}
	select {
	case t.subscriptions[i].pending <- m:
		return true
	default: // Not reached: there are as many as there was room for.
		return false
	}
}
