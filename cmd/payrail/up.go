package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/alarms"
	"github.com/payrail/payrail/internal/assembly"
	"github.com/payrail/payrail/internal/telemetry"
	"github.com/payrail/payrail/internal/token"
	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/cloudwatch"
	"github.com/payrail/payrail/local/faults"
)

// tokenKeyVariable holds a phrase to make the token key from, where there is no KMS key to derive tokens with.
const tokenKeyVariable = "PAYRAIL_TOKEN_KEY"

type upOptions struct {
	port      int
	assembly  string
	context   []string
	timeScale float64
	data      string
	log       string
	seed      string
	smoke     bool
	chaos     string
	exit      bool
}

func (a *application) upCommand() *cobra.Command {
	var o upOptions
	command := &cobra.Command{
		Use:   "up",
		Short: "Run the whole system on this machine",
		Long: `up compiles the functions, synthesizes the CloudFormation template for this machine and runs it in this process: tables,
pipe, bus, queues, state machine and functions, behind the AWS protocols on one port. It needs Go and Node, no AWS account
and no Docker. It stays up until it is interrupted. It keeps nothing, unless --data names a folder: then everything is there on
disk, and the next ` + "`up`" + ` with the same folder goes on where this one was, also where it was killed.`,
		Example: "  payrail up\n  payrail up --port 0 --seed examples/reference\n  payrail up --data data      # goes on where it was, the next time\n  payrail up --smoke --exit   # what `make demo` does\n  payrail up --context timeline=off\n  payrail up --chaos rough,seed=7",
		Args:    atMost(0),
		RunE:    func(command *cobra.Command, _ []string) error { return a.up(command.Context(), o) },
	}
	flags := command.Flags()
	flags.IntVar(&o.port, "port", 4566, "port on 127.0.0.1; 0 takes any free one")
	flags.StringVar(&o.assembly, "assembly", "", "run this cloud assembly (a folder `cdk synth` wrote) instead of synthesizing one")
	flags.StringArrayVar(&o.context, "context", nil, "synthesize with this setting, `KEY=VALUE`, as with `cdk synth -c`; may be repeated")
	flags.Float64Var(&o.timeScale, "time-scale", 1, "how many times as fast delivery timers run (function deadlines stay real)")
	flags.StringVar(&o.data, "data", "", "keep everything in this folder, and go on with what is in it")
	flags.StringVar(&o.log, "log", "", "file for the logs of the functions and the runtime (default dist/payrail.log)")
	flags.StringVar(&o.seed, "seed", "", "load the reference data of this folder once up")
	flags.StringVar(&o.chaos, "chaos", "", "let things go wrong on purpose: `SPEC` is "+strings.Join(faults.Profiles(), ", ")+", a list like seed=7,duplicate=0.05,kill=1/500, or @FILE")
	flags.BoolVar(&o.smoke, "smoke", false, "load the example reference data, send the example authorizations and show what became of them")
	flags.BoolVar(&o.exit, "exit", false, "with --smoke: stop afterwards, with status 0 only if everything held")
	return command
}

func (a *application) up(ctx context.Context, o upOptions) (err error) {
	if o.port < 0 || o.port > 65535 {
		return misused(fmt.Sprintf("port %d is none", o.port), "give --port a number from 0 to 65535")
	}
	if o.exit && !o.smoke {
		return misused("--exit goes with --smoke", "add --smoke or leave --exit out")
	}
	if !(o.timeScale > 0) { // not a number, too
		return misused(fmt.Sprintf("time scale %v is none", o.timeScale), "give --time-scale a number above zero")
	}
	settings, err := readContext(o)
	if err != nil {
		return err
	}
	plan, err := readChaos(o.chaos)
	if err != nil {
		return err
	}
	root, err := findRoot()
	if err != nil {
		return err
	}
	if err := a.checkFirst(o); err != nil {
		return err
	}
	if o.log == "" {
		o.log = filepath.Join(root, "dist", "payrail.log")
	}
	log, err := openLog(o.log)
	if err != nil {
		return misused(err.Error(), "name another file with --log")
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	// Before compiling, which takes a minute and would be for nothing.
	kept, err := a.openData(o, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.close()) }()
	if o.assembly == "" {
		if o.assembly, err = a.synthesize(ctx, root, settings, log, o.log); err != nil {
			return err
		}
	}
	runtime, err := a.start(ctx, o, kept, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runtime.Close()) }()
	a.showFound(o, runtime.Found)
	fmt.Fprintf(a.stdout, "ready %s\n", runtime.Endpoint())
	if plan != nil {
		if err := a.startChaos(runtime, *plan); err != nil {
			return err
		}
		defer a.reportChaos(runtime)
	}
	return a.afterStart(ctx, o, root, runtime)
}

// readContext reads the settings to synthesize with.
func readContext(o upOptions) (map[string]string, error) {
	if o.assembly != "" && len(o.context) > 0 {
		return nil, misused("--context is for synthesizing, which --assembly leaves out", "leave one of them out")
	}
	settings := map[string]string{}
	for _, setting := range o.context {
		key, value, ok := strings.Cut(setting, "=")
		if !ok || key == "" {
			return nil, misused(fmt.Sprintf("context %q is no setting", setting), "write it like --context timeline=off")
		}
		if key == "target" {
			return nil, misused("context target is always this machine", "leave it out")
		}
		settings[key] = value
	}
	return settings, nil
}

// checkFirst says early what would not work later: compiling takes a minute.
func (a *application) checkFirst(o upOptions) error {
	if err := checkPort(o.port); err != nil {
		return err
	}
	if o.seed != "" {
		if _, err := readReference(o.seed); err != nil {
			return err
		}
	}
	if o.assembly == "" {
		var tool *assembly.MissingToolError
		if err := assembly.CheckTools(); errors.As(err, &tool) {
			return missing(err.Error(), tool.Next, nil)
		}
		return nil
	}
	if _, err := os.Stat(filepath.Join(o.assembly, a.stack+".template.json")); err != nil {
		return misused(o.assembly+" holds no template of stack "+a.stack, "name a folder that `cdk synth` wrote, or leave --assembly out")
	}
	return nil
}

// findRoot is the repository the command is run in.
func findRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working folder: %w", err)
	}
	root, err := assembly.Root(folder)
	if errors.Is(err, assembly.ErrNoRepository) {
		return "", misused(err.Error(), "run this inside a clone of the Payrail repository")
	}
	return root, err
}

// synthesize makes the cloud assembly for this machine, showing that it goes on.
// What a program that failed has printed goes to the log.
func (a *application) synthesize(ctx context.Context, root string, settings map[string]string, log *lineLog, logPath string) (folder string, err error) {
	defer func() {
		var tool *assembly.ToolError
		if errors.As(err, &tool) {
			log.line(tool.Output)
			err = failed(err.Error(), "see "+logPath+" for all of it")
		}
	}()
	if err := a.step("compiling the CDK app (the first time takes a minute or two)", func() error { return assembly.CompileApp(ctx, root) }); err != nil {
		return "", err
	}
	err = a.step("compiling the functions and synthesizing the template", func() (err error) {
		folder, err = assembly.Synthesize(ctx, root, assembly.HostFolder, settings)
		return err
	})
	return folder, err
}

// afterStart loads and posts what was asked for, and stays until it is interrupted.
func (a *application) afterStart(ctx context.Context, o upOptions, root string, runtime *local.Runtime) error {
	cfg, err := awsConfig(ctx, runtime.Endpoint())
	if err != nil {
		return err
	}
	deployed, err := a.describe(ctx, cfg)
	if err != nil {
		return err
	}
	if o.seed != "" {
		if _, err := a.seed(ctx, deployed, o.seed); err != nil {
			return err
		}
	}
	if o.smoke {
		if err := a.smoke(ctx, deployed, filepath.Join(root, examplesFolder)); err != nil {
			return err
		}
		if o.exit {
			return nil
		}
	}
	if err := a.showUp(runtime, o); err != nil {
		return err
	}
	<-ctx.Done()
	fmt.Fprintln(a.stderr, "stopping")
	return nil
}

func (a *application) start(ctx context.Context, o upOptions, kept data, log *lineLog) (*local.Runtime, error) {
	key := token.DevelopmentKey()
	if own := os.Getenv(tokenKeyVariable); own != "" {
		key = token.Key(own)
	}
	var runtime *local.Runtime
	err := a.step("starting the local runtime", func() (err error) {
		runtime, err = local.Start(ctx, local.Options{
			Assembly: o.assembly, Stack: a.stack, Port: o.port, Store: kept.store, Durable: kept.durable(), Clock: kept.clock,
			Logger:         newLogger(log),
			FunctionOutput: func(function, line string) { log.line(function + " " + line) },
			AlarmChanged:   a.tellAlarm,
			OperatorNotice: func(_, message string) { log.line("operator notice " + message) },
			TokenKey:       key,
		})
		return err
	})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, portTaken(o.port)
	}
	if errors.Is(err, local.ErrOtherTokenKey) {
		return nil, misused("the data in "+o.data+" was made with another token key", "set "+tokenKeyVariable+" as it was then, or take another folder")
	}
	if errors.Is(err, local.ErrOtherStack) {
		return nil, misused("in "+o.data+": "+err.Error(), "name that stack with --stack, or take another folder")
	}
	if err != nil && ctx.Err() == nil {
		return nil, failed("the local runtime does not start: "+err.Error(), "see "+o.log)
	}
	return runtime, err
}

func newLogger(log *lineLog) *slog.Logger {
	return slog.New(telemetry.WithoutCardNumbers(slog.NewJSONHandler(log, nil)))
}

// tellAlarm tells who has the runtime in front of them that an alarm goes off or is over, or that its metric has gone silent.
func (a *application) tellAlarm(c cloudwatch.Change) {
	switch {
	case c.New == cloudwatch.Alarm, c.New == cloudwatch.InsufficientData && c.Old == cloudwatch.OK:
		next := "; see `payrail alarms`"
		says := strings.TrimSuffix(cmp.Or(alarms.Says(c.Description), c.Reason), ".")
		if strings.Contains(says, "`payrail alarms`") {
			next = ""
		}
		fmt.Fprintf(a.stderr, "alarm %s: %s%s\n", c.Name, says, next)
	case c.Old == cloudwatch.Alarm:
		fmt.Fprintf(a.stderr, "alarm %s is over\n", c.Name)
	}
}

func checkPort(port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return portTaken(port)
	}
	if err != nil {
		return missing(fmt.Sprintf("port %d of 127.0.0.1 cannot be used", port), "choose another with --port, or --port 0 for any free one", err)
	}
	return listener.Close()
}

func portTaken(port int) error {
	return missing(fmt.Sprintf("port %d of 127.0.0.1 is taken", port), "stop what uses it, or choose another with --port (0 takes any free one)", nil)
}

// showUp tells a newcomer what can be done now.
func (a *application) showUp(runtime *local.Runtime, o upOptions) error {
	outputs := runtime.Outputs()
	if a.json {
		up := map[string]any{"endpoint": runtime.Endpoint(), "outputs": outputs, "notEnforced": runtime.NotEnforced(), "log": o.log}
		if o.data != "" {
			up["data"], up["found"] = o.data, runtime.Found
		}
		return a.printLine(up)
	}
	keys := make([]string, 0, len(outputs))
	for key := range outputs {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	rows := make([][]string, len(keys))
	for i, key := range keys {
		rows[i] = []string{key, outputs[key]}
	}
	fmt.Fprintln(a.stdout)
	a.table([]string{"output", "value"}, rows)
	fmt.Fprintln(a.stdout, "\nnot enforced here:", strings.Join(runtime.NotEnforced(), ", "))
	fmt.Fprintln(a.stdout, "logs:", o.log)
	seed := ""
	if o.seed == "" && !o.smoke {
		seed = "  go run ./cmd/payrail seed examples/reference\n" // without it every card is unknown
	}
	fmt.Fprintf(a.stdout, `
In another terminal:
  export AWS_ENDPOINT_URL=%[1]s AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
%[3]s  aws dynamodb put-item --endpoint-url %[1]s --table-name %[2]s --item file://examples/try/coffee.json
  go run ./cmd/payrail trace auth-coffee
  go run ./cmd/payrail accounts acc-alice-gbp
Press Ctrl-C to stop.
`, runtime.Endpoint(), outputs["AuthorizationsTable"], seed)
	return nil
}

// lineLog is the log file: whole lines from many goroutines.
type lineLog struct {
	mu   sync.Mutex
	file io.WriteCloser
}

func openLog(path string) (*lineLog, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the log's folder: %w", err)
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	return &lineLog{file: file}, nil
}

func (l *lineLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(p)
}

// line writes one line; a log that cannot be written does not stop payments.
func (l *lineLog) line(text string) { _, _ = l.Write([]byte(text + "\n")) }

func (l *lineLog) Close() error { return l.file.Close() }
