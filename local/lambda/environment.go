package lambda

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
)

type environmentState uint8

const (
	stateStarting   environmentState = iota
	stateRestarting                  // starting for the second time, as a part of its current invocation
	stateReady                       // idle or serving its current invocation
	stateReturning
	stateGone
)

// maxLogLine is where a longer line of a function's output is split: AWS splits at 256 KB.
const maxLogLine = 256 << 10

// environment is one process that serves one invocation at a time. Its fields are guarded by function.mu.
type environment struct {
	id        string
	function  *function
	state     environmentState
	process   *os.Process
	killed    bool
	frozen    bool
	current   *invocation
	served    int
	idleSince time.Time
	initTimer clock.Timer
	initError []byte
	// work carries the invocation assigned while the environment's request for it is open.
	work chan *invocation
	// gone is closed when the environment is to be forgotten, to end its open request.
	gone chan struct{}
}

// start makes an environment for whichever invocation is first in line when it is ready. The caller holds f.mu, as that of
// newEnvironment and launch.
func (f *function) start() {
	e := f.newEnvironment(stateStarting)
	f.starting++
	e.initTimer = f.service.RealTime.AfterFunc(initTimeout, func() { f.expireInit(e) })
	f.launch(e)
}

func (f *function) newEnvironment(state environmentState) *environment {
	e := &environment{id: strings.ReplaceAll(f.service.NewID(), "-", ""), function: f, state: state, work: make(chan *invocation, 1), gone: make(chan struct{})}
	f.environments[e] = struct{}{}
	f.stats.Starts++
	return e
}

// launch starts the process of an environment in the background.
func (f *function) launch(e *environment) {
	if f.service.spawn(func() { f.service.live(e) }) {
		return
	}
	f.remove(e)
	if e.current != nil {
		f.finish(e, outcome{err: errClosed()})
	}
}

// live is an environment's life, from its process's start to its end.
func (s *Service) live(e *environment) {
	s.mu.Lock()
	s.environments[e.id] = e
	s.mu.Unlock()
	err := s.execute(e)
	s.mu.Lock()
	delete(s.environments, e.id)
	s.mu.Unlock()
	e.function.exited(e, exitReason(err))
}

// exitReason words the end of a process as AWS does.
func exitReason(err error) string {
	if err == nil {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + err.Error()
}

// execute starts the process, passes on what it prints and returns how it ended.
func (s *Service) execute(e *environment) error {
	f := e.function
	if f.crashes() {
		return errCrashed
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe for the output of %s: %w", f.spec.Name, err)
	}
	cmd := &exec.Cmd{
		Path: filepath.Join(f.spec.Dir, "bootstrap"), Args: []string{"bootstrap"}, Dir: f.spec.Dir,
		Env: f.variables(e.id), Stdout: writer, Stderr: writer, SysProcAttr: processAttributes(),
	}
	err = s.launcher.start(cmd)
	_ = writer.Close() // The child has its own copy; ours would keep the reader open.
	if err != nil {
		_ = reader.Close()
		return fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	f.mu.Lock()
	e.process = cmd.Process
	if e.killed {
		killGroup(cmd.Process)
	}
	f.mu.Unlock()
	output := make(chan struct{})
	go func() {
		defer close(output)
		copyLines(reader, func(line string) { s.Output(f.spec.Name, line) })
	}()
	err = cmd.Wait()
	f.mu.Lock()
	e.process = nil
	f.mu.Unlock()
	killGroup(cmd.Process) // What the process has started itself must not outlive it either.
	<-output
	_ = reader.Close()
	return err
}

// kill ends the process group, now or as soon as it has started. The caller holds function.mu.
func (e *environment) kill() {
	if e.killed {
		return
	}
	e.killed = true
	close(e.gone)
	if e.process != nil {
		killGroup(e.process)
	}
}

// freeze stops the process group until thaw: the environment has answered, asked for its next invocation and there is none. The
// request it asked with stays open meanwhile. The caller holds function.mu.
func (e *environment) freeze() {
	if canFreeze && !e.function.service.KeepRunning && !e.killed && e.process != nil {
		freezeGroup(e.process)
		e.frozen = true
	}
}

// thaw lets the process group go on. The caller holds function.mu.
func (e *environment) thaw() {
	if e.frozen && e.process != nil {
		thawGroup(e.process)
	}
	e.frozen = false
}

// copyLines passes on lines until the end, splitting long ones.
func copyLines(r io.Reader, sink func(string)) {
	reader := bufio.NewReaderSize(r, maxLogLine)
	for {
		line, err := reader.ReadSlice('\n')
		if len(line) > 0 {
			sink(strings.TrimRight(string(line), "\r\n"))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// launcher starts all processes from one operating system thread that lives as long as the service: the kernel's
// parent-death signal goes off when the thread that started a child ends, not only when the whole process does.
type launcher struct {
	requests  chan launch
	closeOnce sync.Once
}

type launch struct {
	cmd  *exec.Cmd
	done chan error
}

func newLauncher() *launcher {
	l := &launcher{requests: make(chan launch)}
	go func() {
		runtime.LockOSThread()
		for request := range l.requests {
			request.done <- request.cmd.Start()
		}
	}()
	return l
}

func (l *launcher) start(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	l.requests <- launch{cmd: cmd, done: done}
	return <-done
}

func (l *launcher) close() { l.closeOnce.Do(func() { close(l.requests) }) }

// Processes returns the process ids of a function's environments in ascending order.
func (s *Service) Processes(function string) ([]int, error) {
	f, err := s.find(function)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var pids []int
	for e := range f.environments {
		if e.process != nil {
			pids = append(pids, e.process.Pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// KillOne kills a process of a function as a crash would: one that serves an invocation if there is any, else any. It
// returns the process id, or 0 if there was no process.
func (s *Service) KillOne(function string) (pid int, err error) {
	f, err := s.find(function)
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var victim *environment
	for e := range f.environments {
		if e.process != nil && (victim == nil || e.current != nil && victim.current == nil) {
			victim = e
		}
	}
	if victim == nil {
		return 0, nil
	}
	pid = victim.process.Pid
	if victim.current == nil { // An idle one must not be given an invocation any more.
		f.remove(victim)
		f.grow()
		return pid, nil
	}
	killGroup(victim.process)
	return pid, nil
}
