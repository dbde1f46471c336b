package lambda

import "syscall"

// processAttributes puts a function into a process group of its own, to be killed as a whole, and has the kernel kill it
// when the runtime dies without having the chance to.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
