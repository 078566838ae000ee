// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package demo

import (
	"os"
	"os/exec"
)

// apart does nothing: this system has no process groups to keep the child in.
func apart(*exec.Cmd, bool) {}

// interrupt ends a process: this system cannot ask.
func interrupt(p *os.Process) error { return p.Kill() }
