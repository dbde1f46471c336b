package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"github.com/payrail/payrail/local/apigateway"
	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/cloudformation"
	"github.com/payrail/payrail/local/cloudwatch"
	"github.com/payrail/payrail/local/dynamodb"
	"github.com/payrail/payrail/local/eventbridge"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/firehose"
	"github.com/payrail/payrail/local/kms"
	"github.com/payrail/payrail/local/lambda"
	"github.com/payrail/payrail/local/pipes"
	"github.com/payrail/payrail/local/s3"
	"github.com/payrail/payrail/local/sns"
	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/stepfunctions"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/template"
	"github.com/payrail/payrail/local/wire"
)

// Region and Account are those of every ARN of the local runtime.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

const (
	// readHeaderTimeout bounds how long a client may take to send its request's head.
	readHeaderTimeout = 10 * time.Second
	// flushTimeout bounds how long Close waits for the audit log's last buffers.
	flushTimeout = 10 * time.Second
	// drainTimeout bounds how long Close waits for requests that are being answered; by then long polls have ended.
	drainTimeout = 2 * time.Second
)

// Options say what to run and how. Assembly, Store and Logger are needed.
type Options struct {
	// Assembly is the folder `cdk synth` wrote (cdk.out), Stack the stack's name in it.
	Assembly string
	Stack    string
	// Port of 127.0.0.1 to listen on; 0 takes any free one.
	Port  int
	Store storage.Store
	// Durable says that the store outlives the process: services keep in it what they have acknowledged, and go on with what they
	// find there.
	Durable bool
	Clock   clock.Clock
	Logger  *slog.Logger
	// FunctionOutput takes what functions print, line by line, from many goroutines; nil drops it.
	FunctionOutput func(function, line string)
	// OperatorNotice takes what is published to the operator topic; nil drops it.
	OperatorNotice func(subject, message string)
	// AlarmChanged hears of every change of an alarm's state; nil: nobody does. It must not block.
	AlarmChanged func(cloudwatch.Change)
	// TokenKey is the key material of the HMAC key that tokens are derived with.
	TokenKey []byte
}

// Runtime is a running stack. Its methods are safe for concurrent use.
type Runtime struct {
	// Faults makes calls fail on purpose.
	Faults *faults.Injector

	// Found is what an earlier process left.
	Found Found

	definitions *definitions
	ready       chan struct{} // Closed when what was left may go on; nil where nothing is kept.
	template    *template.Template
	outputs     []template.Output
	notEnforced []string
	wiring      *wiring
	listener    net.Listener
	server      *http.Server
	served      chan error
	started     time.Time
	logger      *slog.Logger

	dynamodb       *dynamodb.Service
	eventbridge    *eventbridge.Service
	pipes          *pipes.Service
	sqs            *sqs.Service
	lambda         *lambda.Service
	stepfunctions  *stepfunctions.Service
	s3             *s3.Service
	firehose       *firehose.Service
	sns            *sns.Service
	kms            *kms.Service
	cloudformation *cloudformation.Service
	apigateway     *apigateway.Service
	cloudwatch     *cloudwatch.Service
	metrics        *collector
}

// Start loads the template, creates its resources and serves them. The caller must Close the runtime.
func Start(ctx context.Context, o Options) (*Runtime, error) {
	if o.Clock == nil {
		o.Clock = clock.NewScaled(1)
	}
	t, err := template.Load(filepath.Join(o.Assembly, o.Stack+".template.json"), template.Options{Region: Region, Account: Account})
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	r := &Runtime{Faults: &faults.Injector{}, template: t, listener: listener, served: make(chan error, 1), logger: o.Logger, started: o.Clock.Now()}
	if err := r.prepare(o); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.createServices(o); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	// Functions call back as soon as the first event reaches them, so the front serves before there are resources. Where there may be
	// some from an earlier process, it lets calls wait.
	r.server = &http.Server{Handler: r.front(), ReadHeaderTimeout: readHeaderTimeout}
	go func() { r.served <- r.server.Serve(listener) }()
	if err := r.createStack(); err != nil {
		return nil, errors.Join(fmt.Errorf("creating stack %s: %w", t.StackName(), err), r.Close())
	}
	if err := r.goOn(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("going on with stack %s: %w", t.StackName(), err), r.Close())
	}
	return r, nil
}

// createServices makes every service and hands each the others it needs.
func (r *Runtime) createServices(o Options) error {
	var err error
	kept := o.kept()
	r.metrics = newCollector(r)
	r.dynamodb = dynamodb.New(dynamodb.Options{Store: o.Store, Durable: o.Durable, Clock: o.Clock, Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account, Observe: r.metrics.table})
	r.sqs = sqs.New(sqs.Options{Store: kept, Logger: o.Logger, Clock: o.Clock, Faults: r.Faults, Region: Region, Account: Account, BaseURL: r.Endpoint})
	r.s3 = s3.New(s3.Options{Store: o.Store, Clock: o.Clock, Faults: r.Faults, Region: Region, Account: Account})
	r.sns = sns.New(sns.Options{Store: kept, Queues: topicQueues{r}, Clock: o.Clock, NewID: wire.RequestID, Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account,
		Observe: r.metrics.topic,
		Sink: func(n sns.Notification) {
			if o.OperatorNotice != nil {
				o.OperatorNotice(n.Subject, n.Message)
			}
		}})
	r.kms = kms.New(kms.Options{KeyMaterial: func(string) []byte { return o.TokenKey }, Clock: o.Clock, Faults: r.Faults, Region: Region, Account: Account})
	r.firehose = firehose.New(firehose.Options{Store: kept, Objects: r.s3, Clock: o.Clock, Random: rand.Reader, Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account})
	r.lambda, err = lambda.New(lambda.Options{Ready: r.ready, Store: kept, Clock: o.Clock, Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account,
		EndpointURL: r.Endpoint, Output: r.metrics.output(o.FunctionOutput), Observe: r.metrics.functions.Observe, Queues: r.sqs, Destinations: functionDestinations{r}})
	if err != nil {
		return fmt.Errorf("starting lambda: %w", err)
	}
	wiring := &wiring{runtime: r, topics: map[string]policy{}, functions: map[string]policy{}, queues: map[string]parsedPolicy{}}
	r.wiring = wiring
	r.eventbridge, err = eventbridge.New(eventbridge.Options{Clock: o.Clock, Store: o.Store, Durable: o.Durable, Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account,
		Targets: wiring, DeadLetters: wiring, AcceptTarget: acceptTarget, CheckTarget: wiring.checkTarget})
	if err != nil {
		return fmt.Errorf("starting eventbridge: %w", err)
	}
	r.stepfunctions, err = stepfunctions.New(stepfunctions.Options{Store: kept, Clock: o.Clock, Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account,
		Metrics: r.metrics.execution,
		Events:  stateEvents{r}, Queues: stateQueues{r}, Functions: stateFunctions{r}, Topics: stateTopics{r}})
	if err != nil {
		return fmt.Errorf("starting stepfunctions: %w", err)
	}
	r.pipes, err = pipes.New(pipes.Options{Store: kept, Ready: r.ready, Clock: o.Clock, Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account,
		Enricher: pipeFunctions{r}, Bus: pipeBus{r}, DeadLetters: pipeDeadLetters{r},
		Stream: func(arn string) (pipes.Stream, error) {
			stream, err := r.dynamodb.Stream(arn)
			return pipeStream{stream}, err
		}})
	if err != nil {
		return fmt.Errorf("starting pipes: %w", err)
	}
	r.cloudformation = cloudformation.New(cloudformation.Options{Faults: r.Faults})
	r.cloudwatch = cloudwatch.New(cloudwatch.Options{Store: kept, Clock: o.Clock, Topics: alarmTopics{r}, Collect: r.metrics.collect, Changed: o.AlarmChanged,
		Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account})
	r.apigateway = apigateway.New(apigateway.Options{Clock: o.Clock, RealTime: clock.NewScaled(1), Functions: r.lambda,
		MayInvoke: func(function, route string) error { return wiring.mayInvoke(apiGatewayService, function, route) },
		NewID:     wire.RequestID, Faults: r.Faults, Logger: o.Logger, Region: Region, Account: Account, Endpoint: r.Endpoint})
	return nil
}

// Endpoint is the address of every service: http://127.0.0.1:PORT.
func (r *Runtime) Endpoint() string { return "http://" + r.listener.Addr().String() }

// Outputs are the stack's outputs, by key.
func (r *Runtime) Outputs() map[string]string {
	outputs := make(map[string]string, len(r.outputs))
	for _, o := range r.outputs {
		outputs[o.Key] = o.Value
	}
	return outputs
}

// NotEnforced lists what the template has and the local runtime accepts without effect: what only protects or shows.
func (r *Runtime) NotEnforced() []string { return r.notEnforced }

// KillFunction kills one process of a function, as a crash would: one that is serving an event if there is any. It returns
// 0 if the function has no process.
func (r *Runtime) KillFunction(name string) (pid int, err error) { return r.lambda.KillOne(name) }

// FlushAudit writes what Firehose has buffered, so that the audit log is complete.
func (r *Runtime) FlushAudit(ctx context.Context) error { return r.firehose.Flush(ctx) }

// ArchivedEvents calls fn for every event of an archive, oldest first, until fn returns false. On AWS only a replay reads them.
func (r *Runtime) ArchivedEvents(archive string, fn func(envelope []byte) bool) error {
	return r.eventbridge.EachArchived(archive, time.Time{}, time.Time{}, func(e eventbridge.ArchivedEvent) bool { return fn(e.Envelope) })
}

// Close stops deliveries, kills function processes, writes the audit log's buffers and stops serving.
func (r *Runtime) Close() error {
	var errs []error
	if r.cloudwatch != nil {
		r.cloudwatch.Close()
	}
	if r.pipes != nil {
		errs = append(errs, r.pipes.Close())
	}
	if r.stepfunctions != nil {
		r.stepfunctions.Close()
	}
	if r.eventbridge != nil {
		errs = append(errs, r.eventbridge.Close())
	}
	if r.sns != nil {
		r.sns.Close()
	}
	if r.lambda != nil {
		errs = append(errs, r.lambda.Close())
	}
	if r.sqs != nil {
		r.sqs.Close()
	}
	if r.firehose != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		errs = append(errs, r.firehose.Flush(ctx))
		cancel()
		r.firehose.Close()
	}
	if r.server != nil {
		errs = append(errs, r.stopServing())
		if err := <-r.served; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	} else {
		errs = append(errs, r.listener.Close())
	}
	return errors.Join(errs...)
}

// stopServing lets the requests under way end, so that none touches the store after Close, and cuts off those that do not.
func (r *Runtime) stopServing() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := r.server.Shutdown(ctx); err == nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return r.server.Close()
}
