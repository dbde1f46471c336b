package firehose

import (
	"context"

	"github.com/payrail/payrail/local/wire"
)

type record struct{ Data []byte }

type putRecordInput struct {
	DeliveryStreamName string
	Record             record
}

type putRecordOutput struct {
	RecordId  string
	Encrypted bool
}

type putRecordBatchInput struct {
	DeliveryStreamName string
	Records            []record
}

type batchEntry struct {
	RecordId     string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putRecordBatchOutput struct {
	FailedPutCount   int
	Encrypted        bool
	RequestResponses []batchEntry
}

type describeInput struct{ DeliveryStreamName string }

type describeOutput struct {
	DeliveryStreamDescription description
}

type description struct {
	DeliveryStreamName   string
	DeliveryStreamARN    string
	DeliveryStreamStatus string
	DeliveryStreamType   string
	VersionId            string
	CreateTimestamp      float64 // Seconds since the epoch: the JSON protocol's form of a time.
	HasMoreDestinations  bool
	Destinations         []destinationDescription
}

type destinationDescription struct {
	DestinationId                    string
	ExtendedS3DestinationDescription struct {
		BucketARN         string
		CompressionFormat string
		BufferingHints    struct{ SizeInMBs, IntervalInSeconds int }
	}
}

func (s *Service) protocol() *wire.JSON {
	return &wire.JSON{
		Name: "firehose", TargetPrefix: "Firehose_20150804", Version: "1.1", Faults: s.options.Faults,
		Operations: map[string]wire.Operation{
			"PutRecord":              wire.Op(s.putRecord),
			"PutRecordBatch":         wire.Op(s.putRecordBatch),
			"DescribeDeliveryStream": wire.Op(s.describe),
		},
	}
}

func (s *Service) putRecord(_ context.Context, in *putRecordInput) (*putRecordOutput, error) {
	st, err := s.named(in.DeliveryStreamName)
	if err != nil {
		return nil, err
	}
	records := [][]byte{in.Record.Data}
	if err := checkBatch(records); err != nil {
		return nil, err
	}
	id, err := s.id()
	if err != nil {
		return nil, err
	}
	if err := st.add(records); err != nil {
		return nil, err
	}
	return &putRecordOutput{RecordId: id}, nil
}

func (s *Service) putRecordBatch(_ context.Context, in *putRecordBatchInput) (*putRecordBatchOutput, error) {
	st, err := s.named(in.DeliveryStreamName)
	if err != nil {
		return nil, err
	}
	records := make([][]byte, len(in.Records))
	for i, r := range in.Records {
		records[i] = r.Data
	}
	if err := checkBatch(records); err != nil {
		return nil, err
	}
	out := &putRecordBatchOutput{RequestResponses: make([]batchEntry, len(records))}
	for i, r := range records {
		id, err := s.id()
		if err != nil {
			return nil, err
		}
		out.RequestResponses[i] = batchEntry{RecordId: id}
		// The call succeeds although records fail: a client has to look at each.
		if err := st.add([][]byte{r}); err != nil {
			e := wire.AsError(err)
			out.RequestResponses[i] = batchEntry{ErrorCode: e.Code, ErrorMessage: e.Message}
			out.FailedPutCount++
		}
	}
	return out, nil
}

func (s *Service) describe(_ context.Context, in *describeInput) (*describeOutput, error) {
	st, err := s.named(in.DeliveryStreamName)
	if err != nil {
		return nil, err
	}
	d := destinationDescription{DestinationId: "destinationId-000000000001"}
	to := &d.ExtendedS3DestinationDescription
	to.BucketARN, to.CompressionFormat = "arn:aws:s3:::"+st.to.bucket, "UNCOMPRESSED"
	if st.to.gzip {
		to.CompressionFormat = "GZIP"
	}
	to.BufferingHints.SizeInMBs, to.BufferingHints.IntervalInSeconds = st.to.bytes>>20, int(st.to.interval.Seconds())
	return &describeOutput{description{
		DeliveryStreamName: st.name, DeliveryStreamARN: st.arn, DeliveryStreamStatus: "ACTIVE", DeliveryStreamType: "DirectPut",
		VersionId: "1", CreateTimestamp: float64(st.created.Unix()), Destinations: []destinationDescription{d},
	}}, nil
}
