//go:build unix && !linux

package lambda

import "syscall"

// processAttributes puts a function into a process group of its own, to be killed as a whole. Without a parent-death
// signal, functions of a runtime that died end when their open request to the Runtime API fails.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
