// SPDX-License-Identifier: Apache-2.0

package server

import (
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/syncengine"
)

// Observer is told of what goes on, for figures. Its methods are called by whoever
// does it, and must not take long.
type Observer interface {
	rpc.Observer
	// Committed is told of every transaction of the county with this code that wrote, or
	// failed to.
	Committed(code string, c syncengine.Commit)
}

// Load is what a server is doing at the moment.
type Load struct {
	Connections int    // open ones
	TurnedAway  uint64 // connections that were too many, since the start
	Sessions    int
	InProgress  []Lane
}

// Lane is how many calls of one sort are in progress.
type Lane struct {
	Name  string
	Calls int
}

// Load returns what the server is doing at the moment.
func (s *Server) Load() Load {
	s.mu.RLock()
	l := s.listener
	s.mu.RUnlock()
	out := Load{Sessions: s.sessions.Count()}
	if l != nil {
		out.Connections, out.TurnedAway = l.Open(), l.TurnedAway()
	}
	names := rpc.Lanes()
	for i, n := range s.guard.InProgress() {
		out.InProgress = append(out.InProgress, Lane{names[i], n})
	}
	return out
}

// Room returns the free bytes and the size of the data folder's disk; -1: not known.
func (s *Server) Room() (free, size int64) { return s.cfg.Room(s.cfg.Data) }

func (s *Server) committed() func(string, syncengine.Commit) {
	if s.cfg.Observer == nil {
		return nil
	}
	return s.cfg.Observer.Committed
}
