package firehose

import (
	"fmt"
	"strings"
	"time"
)

// Bounds and defaults of BufferingHints for a destination in S3.
const (
	defaultBufferMiB      = 5
	maxBufferMiB          = 128
	defaultBufferInterval = 300 * time.Second
	maxBufferInterval     = 900 * time.Second
)

// Spec describes a delivery stream in the words of AWS::KinesisFirehose::DeliveryStream. Members that only protect or log
// (encryption, CloudWatch logging, the role) are accepted and have no effect here.
type Spec struct {
	DeliveryStreamName                         string
	DeliveryStreamType                         string
	DeliveryStreamEncryptionConfigurationInput any
	ExtendedS3DestinationConfiguration         *S3Destination
	Tags                                       []Tag
}

// Tag is a tag of a resource.
type Tag struct{ Key, Value string }

// S3Destination is where and how a stream writes.
type S3Destination struct {
	BucketARN                         string
	RoleARN                           string
	Prefix                            string
	ErrorOutputPrefix                 string
	BufferingHints                    BufferingHints
	CompressionFormat                 string
	CustomTimeZone                    string
	FileExtension                     string
	S3BackupMode                      string
	CloudWatchLoggingOptions          LoggingOptions
	EncryptionConfiguration           any
	DynamicPartitioningConfiguration  *Switch
	DataFormatConversionConfiguration *Switch
	ProcessingConfiguration           *ProcessingConfiguration
}

// BufferingHints say when a buffer is written: at its size or age, whichever comes first.
type BufferingHints struct {
	SizeInMBs         *int
	IntervalInSeconds *int
}

// LoggingOptions say where errors are logged; here they only are counted as the log group's.
type LoggingOptions struct {
	Enabled                     bool
	LogGroupName, LogStreamName string
}

// Switch is a feature with its on/off member.
type Switch struct{ Enabled bool }

// ProcessingConfiguration lists what happens to records before they are written.
type ProcessingConfiguration struct {
	Enabled    bool
	Processors []Processor
}

// Processor is one step of processing.
type Processor struct {
	Type       string
	Parameters []struct{ ParameterName, ParameterValue string }
}

// destination is a checked S3Destination.
type destination struct {
	bucket      string
	prefix      prefix
	errorPrefix prefix
	query       partitionQuery // nil without dynamic partitioning.
	bytes       int
	interval    time.Duration
	gzip        bool
	extension   string
	delimiter   string
	logGroup    string // Empty where errors are not logged.
}

func (s Spec) check() (destination, error) {
	c := s.ExtendedS3DestinationConfiguration
	switch {
	case s.DeliveryStreamName == "":
		return destination{}, fmt.Errorf("a delivery stream needs a DeliveryStreamName")
	case !nameForm.MatchString(s.DeliveryStreamName):
		return destination{}, fmt.Errorf("DeliveryStreamName is %q, want 1 to 64 of letters, digits, '_', '.' and '-'", s.DeliveryStreamName)
	case s.DeliveryStreamType != "" && s.DeliveryStreamType != "DirectPut":
		return destination{}, refused("DeliveryStreamType " + s.DeliveryStreamType)
	case c == nil:
		return destination{}, refused("a destination other than ExtendedS3DestinationConfiguration")
	case c.DataFormatConversionConfiguration != nil && c.DataFormatConversionConfiguration.Enabled:
		return destination{}, refused("DataFormatConversionConfiguration")
	case c.S3BackupMode != "" && c.S3BackupMode != "Disabled":
		return destination{}, refused("S3BackupMode " + c.S3BackupMode)
	case c.CustomTimeZone != "" && c.CustomTimeZone != "UTC":
		return destination{}, refused("CustomTimeZone " + c.CustomTimeZone)
	case c.FileExtension != "" && !strings.HasPrefix(c.FileExtension, "."):
		return destination{}, fmt.Errorf("FileExtension is %q and must begin with a dot", c.FileExtension)
	}
	bucket, ok := strings.CutPrefix(c.BucketARN, "arn:aws:s3:::")
	if !ok || bucket == "" {
		return destination{}, fmt.Errorf("BucketARN is %q, want arn:aws:s3:::bucket", c.BucketARN)
	}
	d := destination{bucket: bucket, extension: c.FileExtension, bytes: defaultBufferMiB << 20, interval: defaultBufferInterval}
	if c.CloudWatchLoggingOptions.Enabled {
		d.logGroup = c.CloudWatchLoggingOptions.LogGroupName
	}
	switch c.CompressionFormat {
	case "", "UNCOMPRESSED":
	case "GZIP":
		d.gzip = true
		if d.extension == "" {
			d.extension = ".gz"
		}
	default:
		return destination{}, refused("CompressionFormat " + c.CompressionFormat)
	}
	if err := d.hints(c.BufferingHints); err != nil {
		return destination{}, err
	}
	if err := d.processors(c.ProcessingConfiguration); err != nil {
		return destination{}, err
	}
	if err := d.prefixes(c.Prefix, c.ErrorOutputPrefix); err != nil {
		return destination{}, err
	}
	return d, d.partitioning(c)
}

// partitioning checks what Firehose demands of a stream with dynamic partitioning, and that nothing of it stands in a stream
// without.
func (d *destination) partitioning(c *S3Destination) error {
	enabled := c.DynamicPartitioningConfiguration != nil && c.DynamicPartitioningConfiguration.Enabled
	switch {
	case !enabled && d.query != nil:
		return fmt.Errorf("the processor MetadataExtraction needs DynamicPartitioningConfiguration.Enabled")
	case !enabled:
		return nil
	case d.query == nil:
		return fmt.Errorf("DynamicPartitioningConfiguration needs the processor MetadataExtraction")
	case d.bytes < minPartitionedMiB<<20:
		return fmt.Errorf("BufferingHints.SizeInMBs must be at least %d when Dynamic Partitioning is enabled", minPartitionedMiB)
	case d.interval < minPartitionedInterval*time.Second:
		return fmt.Errorf("BufferingHints.IntervalInSeconds must be at least %d when Dynamic Partitioning is enabled", minPartitionedInterval)
	case !strings.Contains(c.Prefix, "!{timestamp:") || strings.Contains(c.Prefix, "!{firehose:random-string}"):
		return refused("DynamicPartitioningConfiguration with a Prefix that has no !{timestamp:…} or has !{firehose:random-string}")
	case !strings.Contains(c.ErrorOutputPrefix, "!{firehose:error-output-type}") || !strings.Contains(c.ErrorOutputPrefix, "!{timestamp:"):
		return refused("DynamicPartitioningConfiguration with an ErrorOutputPrefix without !{firehose:error-output-type} and !{timestamp:…}")
	}
	return nil
}

func (d *destination) hints(h BufferingHints) error {
	if h.SizeInMBs != nil {
		if *h.SizeInMBs < 1 || *h.SizeInMBs > maxBufferMiB {
			return fmt.Errorf("BufferingHints.SizeInMBs is %d, want 1 to %d", *h.SizeInMBs, maxBufferMiB)
		}
		d.bytes = *h.SizeInMBs << 20
	}
	if h.IntervalInSeconds != nil {
		d.interval = time.Duration(*h.IntervalInSeconds) * time.Second
		if d.interval < 0 || d.interval > maxBufferInterval {
			return fmt.Errorf("BufferingHints.IntervalInSeconds is %d, want 0 to %d", *h.IntervalInSeconds, int(maxBufferInterval.Seconds()))
		}
	}
	if (h.SizeInMBs == nil) != (h.IntervalInSeconds == nil) {
		return fmt.Errorf("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither")
	}
	return nil
}

func (d *destination) processors(c *ProcessingConfiguration) error {
	if c == nil || !c.Enabled {
		return nil
	}
	for _, p := range c.Processors {
		var err error
		switch p.Type {
		case "AppendDelimiterToRecord":
			err = d.appendDelimiter(p)
		case "MetadataExtraction":
			err = d.metadataExtraction(p)
		default:
			err = refused("the processor " + p.Type)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *destination) appendDelimiter(p Processor) error {
	d.delimiter = "\n"
	for _, parameter := range p.Parameters {
		if parameter.ParameterName != "Delimiter" {
			return refused("the parameter " + parameter.ParameterName + " of AppendDelimiterToRecord")
		}
		// The value is written with an escape: backslash and n.
		d.delimiter = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(parameter.ParameterValue)
	}
	return nil
}

func (d *destination) metadataExtraction(p Processor) error {
	engine := ""
	var err error
	for _, parameter := range p.Parameters {
		switch parameter.ParameterName {
		case "JsonParsingEngine":
			engine = parameter.ParameterValue
		case "MetadataExtractionQuery":
			if d.query, err = parseQuery(parameter.ParameterValue); err != nil {
				return fmt.Errorf("reading MetadataExtractionQuery: %w", err)
			}
		default:
			return refused("the parameter " + parameter.ParameterName + " of MetadataExtraction")
		}
	}
	if engine != "JQ-1.6" {
		return fmt.Errorf("JsonParsingEngine of MetadataExtraction is %q, want JQ-1.6", engine)
	}
	if d.query == nil {
		return fmt.Errorf("MetadataExtraction needs a MetadataExtractionQuery")
	}
	return nil
}

func refused(what string) error { return fmt.Errorf("the local runtime does not do %s", what) }
