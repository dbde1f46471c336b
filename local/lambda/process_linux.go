package lambda

import (
	"os"
	"syscall"
)

// processAttributes puts a function into a process group of its own, to be killed as a whole, and has the kernel kill it
// when the runtime dies without having the chance to.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// canFreeze says that a frozen process cannot outlive the runtime: the parent-death signal kills a stopped process too.
const canFreeze = true

// freezeGroup and thawGroup stop a process with all it started, and let it go on. That they are gone already is no error.
func freezeGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGSTOP) }
func thawGroup(p *os.Process)   { _ = syscall.Kill(-p.Pid, syscall.SIGCONT) }
