// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

// check refuses values that make no sense, before anything is made or opened, and
// says which ones would.
func (f serveCommand) check() error {
	if _, port, err := net.SplitHostPort(f.Listen); err != nil || port == "" {
		return problemf("problem_serve_listen", f.Listen)
	}
	if len(f.Announce) > 0 && session.CheckAddresses(f.Announce) != nil {
		return problemf("problem_serve_announce", f.Announce, session.MaxAddresses)
	}
	if f.Memory < 0 {
		return problemf("problem_serve_memory", f.Memory)
	}
	return f.operateFlag.check()
}
