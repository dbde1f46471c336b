package lambda

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// latestVersion is the one version every function here has.
const latestVersion = "$LATEST"

// FunctionSpec describes a function to create.
type FunctionSpec struct {
	Name string
	// Dir is the folder with the executable "bootstrap": the content of the function's zip.
	Dir            string
	Handler        string
	Environment    map[string]string
	TimeoutSeconds int // 0 means AWS's default of 3
	MemoryMB       int // 0 means AWS's default of 128; reported to the function, not enforced
	// Architecture is "x86_64" or "arm64"; "" means this machine's. It is reported, the binary must run here.
	Architecture string
	Description  string
	Role         string
	// ReservedConcurrency nil means none reserved; 0 throttles every invocation.
	ReservedConcurrency *int
	// DeadLetterARN is the queue or topic that gets the events of asynchronous invocations that failed for good.
	DeadLetterARN string
	EventInvokeConfig
}

// Limits of function settings, from the CreateFunction API reference.
const (
	defaultTimeoutSeconds = 3
	maxTimeoutSeconds     = 900
	defaultMemoryMB       = 128
	maxMemoryMB           = 10240
	maxEnvironmentBytes   = 4096
	// oneCPUMemoryMB is the memory with which AWS gives a function the time of one whole CPU. Functions with no more run
	// on one thread here: many Go processes with a thread per CPU spend much of a small machine waking each other's up.
	// AWS does not do this: it shows two CPUs to such a function and rations their time, so that there GOMAXPROCS is 2, is
	// not in the environment, and goroutines of one invocation may run at the same instant. A data race within an invocation
	// therefore shows on AWS and under `go test -race`, seldom here. A function that sets GOMAXPROCS itself keeps its value.
	oneCPUMemoryMB = 1769
)

var functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// reservedVariables cannot be set by a function's configuration: the runtime sets them.
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API",
	"AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
}

func (spec *FunctionSpec) setDefaults() {
	if spec.TimeoutSeconds == 0 {
		spec.TimeoutSeconds = defaultTimeoutSeconds
	}
	if spec.MemoryMB == 0 {
		spec.MemoryMB = defaultMemoryMB
	}
	if spec.Handler == "" {
		spec.Handler = "bootstrap"
	}
	if spec.Architecture == "" {
		spec.Architecture = map[string]string{"amd64": "x86_64"}[runtime.GOARCH]
		if spec.Architecture == "" {
			spec.Architecture = runtime.GOARCH
		}
	}
}

func (spec *FunctionSpec) validate() error {
	switch {
	case !functionName.MatchString(spec.Name):
		return invalid("function name %q does not match %s", spec.Name, functionName)
	case spec.TimeoutSeconds < 1 || spec.TimeoutSeconds > maxTimeoutSeconds:
		return invalid("function %s: timeout %d s is not between 1 and %d", spec.Name, spec.TimeoutSeconds, maxTimeoutSeconds)
	case spec.MemoryMB < defaultMemoryMB || spec.MemoryMB > maxMemoryMB:
		return invalid("function %s: memory %d MB is not between %d and %d", spec.Name, spec.MemoryMB, defaultMemoryMB, maxMemoryMB)
	case spec.ReservedConcurrency != nil && *spec.ReservedConcurrency < 0:
		return invalid("function %s: reserved concurrency %d is negative", spec.Name, *spec.ReservedConcurrency)
	}
	if err := spec.EventInvokeConfig.validate(); err != nil {
		return err
	}
	if spec.DeadLetterARN != "" && !oneOf(serviceOf(spec.DeadLetterARN), "sqs", "sns") {
		return invalid("function %s: the dead-letter target %s is neither a queue nor a topic", spec.Name, spec.DeadLetterARN)
	}
	if err := spec.validateEnvironment(); err != nil {
		return err
	}
	return validateBootstrap(spec.Dir)
}

func (spec *FunctionSpec) validateEnvironment() error {
	size := 0
	for name, value := range spec.Environment {
		if slices.Contains(reservedVariables, name) {
			return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", name)
		}
		size += len(name) + len(value)
	}
	if size > maxEnvironmentBytes {
		return invalid("function %s: environment variables have %d bytes, more than %d", spec.Name, size, maxEnvironmentBytes)
	}
	return nil
}

func validateBootstrap(dir string) error {
	path := filepath.Join(dir, "bootstrap")
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("looking for the function's binary: %w", err)
	}
	if info.IsDir() || runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
		return fmt.Errorf("looking for the function's binary: %s is not an executable file", path)
	}
	return nil
}

func (spec *FunctionSpec) timeout() time.Duration {
	return time.Duration(spec.TimeoutSeconds) * time.Second
}

// CreateFunction adds a function and returns its ARN. No process starts before the first invocation.
func (s *Service) CreateFunction(spec FunctionSpec) (arn string, err error) {
	spec.setDefaults()
	if err := spec.validate(); err != nil {
		return "", err
	}
	if (spec.OnFailureARN != "" || spec.OnSuccessARN != "" || spec.DeadLetterARN != "") && s.Destinations == nil {
		return "", fmt.Errorf("creating function %s: it has a destination but the service has no Destinations", spec.Name)
	}
	dir, err := filepath.Abs(spec.Dir)
	if err != nil {
		return "", fmt.Errorf("creating function %s: %w", spec.Name, err)
	}
	spec.Dir = dir
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.functions[spec.Name] != nil {
		return "", conflict("Function already exist: %s", spec.Name)
	}
	f := newFunction(s, spec)
	s.functions[spec.Name] = f
	return f.arn, nil
}

// variables is the whole environment of a process: nothing is inherited, so that no profile or credential of the user's
// reaches a function. AWS_EXECUTION_ENV is missing because AWS does not set it for provided.al2023.
func (f *function) variables(envID string) []string {
	now := f.service.Clock.Now().UTC()
	v := []string{
		"_HANDLER=" + f.spec.Handler,
		"LAMBDA_TASK_ROOT=" + f.spec.Dir,
		"LAMBDA_RUNTIME_DIR=/var/runtime",
		"AWS_REGION=" + f.service.Region,
		"AWS_DEFAULT_REGION=" + f.service.Region,
		"AWS_LAMBDA_FUNCTION_NAME=" + f.spec.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.spec.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION=" + latestVersion,
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.spec.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=" + now.Format("2006/01/02") + "/[" + latestVersion + "]" + envID,
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_RUNTIME_API=" + f.service.address + "/" + envID,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_SESSION_TOKEN=local",
		// The SDKs look for the user's files in the account's home even without HOME.
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + f.service.EndpointURL(),
		"LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin",
	}
	if f.spec.MemoryMB <= oneCPUMemoryMB && f.spec.Environment["GOMAXPROCS"] == "" {
		v = append(v, "GOMAXPROCS=1")
	}
	for name, value := range f.spec.Environment {
		v = append(v, name+"="+value)
	}
	return v
}
