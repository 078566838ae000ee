// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"time"

	"google.golang.org/grpc/codes"

	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Observer is told of what goes on, for figures. Its methods are called by whoever
// answers a call, and must not take long.
type Observer interface {
	// Called is told of every call when it has ended.
	Called(Ended)
	// Pushed is told what became of everything in one push.
	Pushed(*county.County, session.PushReply)
}

// Ended is a call that has ended: numbers, never what was said.
type Ended struct {
	Method    string // full name
	Reason    string // of the refusal; "ok": there was none
	Code      codes.Code
	At        time.Time
	Took      time.Duration // by Config.Clock
	Bytes     int           // of the request
	Principal auth.Principal
	Stage     string // where a caller was told to come again: StageBudget, StageLane or ""
}

// Where a caller may be told to come again.
const (
	StageBudget = "budget" // it has spent what it may
	StageLane   = "lane"   // too many such calls are in progress
)

// nobody observes nothing.
type nobody struct{}

func (nobody) Called(Ended) {}

func (nobody) Pushed(*county.County, session.PushReply) {}

// Lanes returns the names of the lanes, in the order of Limits.Lanes.
func Lanes() []string {
	return []string{
		laneDoor: "door", laneLook: "look", laneCall: "call", lanePush: "push", lanePull: "pull", laneWatch: "watch",
		laneVerify: "verify",
	}
}

// InProgress returns how many calls of each lane are in progress, in the order of
// Lanes.
func (g *Guard) InProgress() []int {
	out := make([]int, len(g.lanes))
	for i, l := range g.lanes {
		out[i] = l.InUse()
	}
	return out
}
