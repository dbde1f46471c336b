//go:build !unix

package lambda

import (
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr { return nil }

// killGroup kills a process. That it is gone already is no error.
func killGroup(p *os.Process) { _ = p.Kill() }
