package firehose

import (
	"context"
	"log/slog"
	"time"

	"github.com/payrail/payrail/local/faults"
)

// deliverOperation of the fault injector has the stream's name behind it.
const deliverOperation = "firehose:Deliver"

// late waits as long as a delivery is to come late.
func (s *stream) late(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-s.service.options.Clock.After(d):
	case <-ctx.Done():
	}
}

// put writes an object, unless the attempt is to fail.
func (s *stream) put(ctx context.Context, key string, body []byte) error {
	if err := s.service.options.Faults.Drop(deliverOperation, s.name); err != nil {
		return err
	}
	return s.service.options.Objects.PutObject(ctx, s.to.bucket, key, body)
}

// again writes a batch that is in the bucket already as another object: Firehose delivers at least once.
// https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
func (s *stream) again(ctx context.Context, b *batch, body []byte) {
	key, err := s.key(b)
	if err == nil {
		err = s.service.options.Objects.PutObject(ctx, s.to.bucket, key, body)
	}
	if err != nil { // Nothing is lost: it is there once.
		s.service.options.Logger.Warn("a batch is not written twice", slog.String("stream", s.name), slog.Any("error", err))
	}
}

func (s *stream) drawDelivery() faults.Delivery {
	return s.service.options.Faults.Delivery(deliverOperation, s.name)
}
