// SPDX-License-Identifier: Apache-2.0

//go:build unix

package demo

import (
	"os"
	"os/exec"
	"syscall"
)

// apart keeps an interrupt of the terminal away from the child: the demo stops it in
// order, or leaves it running.
func apart(c *exec.Cmd, detached bool) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: !detached, Setsid: detached}
}

// interrupt asks a process to end in order.
func interrupt(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
