//go:build unix

package lambda

import (
	"os"
	"syscall"
)

// killGroup kills a process and all it started. That they are gone already is no error.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
