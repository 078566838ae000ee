// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"time"

	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/transport"
)

// Limits are how much callers may take. DefaultLimits explains the numbers.
type Limits struct {
	// Device and Hub are budgets of bytes sent, with CallCost for each call.
	Device, Hub admission.Budget
	// Door is the budget of calls without a session, by address.
	Door admission.Budget
	// Lanes say how many calls may be in progress.
	Lanes [laneCount]Lane
	// PushTurns and PullTurns are how many pushes, and how many pages and hellos, are
	// worked on at a time.
	PushTurns, PullTurns int
	// Read is how long a request may take to arrive, Push a whole Push.
	Read, Push time.Duration
	// Work is how long a call may take once it has arrived.
	Work time.Duration
	// Stall is how long a client may leave a message of a stream unread.
	Stall time.Duration
	// Hold is how long a caller that must come again waits for hearing so, a little
	// longer for each who waits with it, and Held how many may wait: one that calls again
	// at once gets no further than others, and costs less.
	Hold time.Duration
	Held int
	// Look is how long a stream without a session may last.
	Look time.Duration
	// Hint is the shortest time between two hints of a Watch.
	Hint time.Duration
}

// Lane is how many calls of one sort may be in progress, in all and of one caller.
type Lane struct{ Total, Each int }

// The lanes: calls of a sort get into each other's way only.
const (
	laneDoor   = iota // without a session
	laneLook          // streams without a session
	laneCall          // short ones
	lanePush          // memory: a whole request each
	lanePull          // memory: a whole page each
	laneWatch         // cost next to nothing, and last
	laneVerify        // read everything
	laneCount
)

// CallCost is what a call costs beside its bytes: about what it takes to parse,
// check and answer the smallest one, measured in bytes of a large Push.
const CallCost = 4 << 10

// DefaultLimits suit a county of a thousand tablets on a small machine. A request
// waits in memory once as it came and once as a message, 2.5 MiB for the largest:
// 64 pushes and 64 pages at a time are 300 MiB only if 32 certified callers attack
// together; one alone has four.
func DefaultLimits() Limits {
	return Limits{
		// A tablet's year is about 10 MB: after any absence it sends all at full speed,
		// then 2 MiB/s, which is 5,000 records a second.
		Device: admission.Budget{PerSecond: 2 << 20, Burst: 32 << 20},
		// A hub carries what a clinic's tablets saved.
		Hub: admission.Budget{PerSecond: 8 << 20, Burst: 128 << 20},
		// A county's hospital is often behind one address, and each sync may log in. A code
		// has 80 bits: guessing it is hopeless at any rate, this bounds the work.
		Door: admission.Budget{PerSecond: 50, Burst: 1000},
		Lanes: [laneCount]Lane{
			laneDoor:   {Total: 32, Each: 16},
			laneLook:   {Total: 32, Each: 4},
			laneCall:   {Total: 128, Each: 8},
			lanePush:   {Total: 64, Each: 4},
			lanePull:   {Total: 64, Each: 2},
			laneWatch:  {Total: 2048, Each: 2},
			laneVerify: {Total: 2, Each: 1},
		},
		// Pushes are committed together, so many at a time cost little; pages are read
		// apart from each other.
		PushTurns: 32,
		PullTurns: 4,
		Read:      20 * time.Second,
		// 1 MiB at 10 KB/s, a village's bad day.
		Push:  2 * time.Minute,
		Work:  30 * time.Second,
		Stall: time.Minute,
		Hold:  time.Second,
		Held:  2048, // with at most 64 KiB of each one's request, so 128 MiB
		Look:  time.Minute,
		Hint:  time.Second,
	}
}

// lane returns where a method's calls go.
func lane(method string, rule auth.Rule, stream bool) int {
	switch {
	case rule.Who == auth.Nobody && stream:
		return laneLook
	case rule.Who == auth.Nobody:
		return laneDoor
	case method == "/xunzhen.sync.v1.SyncService/Push":
		return lanePush
	case method == "/xunzhen.sync.v1.SyncService/Pull", method == "/xunzhen.office.v1.FindingService/PullFindings":
		return lanePull
	case method == "/xunzhen.sync.v1.SyncService/Watch":
		return laneWatch
	case method == "/xunzhen.sync.v1.RecordService/Verify", method == "/xunzhen.sync.v1.BackupService/Backup",
		method == "/xunzhen.sync.v1.DivisionService/Recode", method == "/xunzhen.office.v1.AssessmentService/Freeze",
		method == "/xunzhen.office.v1.AssessmentService/GetFreeze", method == "/xunzhen.office.v1.AssessmentService/VerifyFreeze",
		method == "/xunzhen.office.v1.AssessmentService/ListWorkPoints", method == "/xunzhen.office.v1.ImportService/Import":
		return laneVerify
	}
	return laneCall
}

// maxRequest returns the greatest request of a method in bytes.
func maxRequest(method string) int {
	switch method {
	case "/xunzhen.sync.v1.SyncService/Push":
		return transport.MaxRequest
	case "/xunzhen.sync.v1.SyncService/Hello", "/xunzhen.sync.v1.RecordService/Save",
		"/xunzhen.sync.v1.DivisionService/Recode", "/xunzhen.office.v1.SupervisionService/RecordResults",
		"/xunzhen.office.v1.SupervisionService/IssueRectifications", "/xunzhen.office.v1.TaskService/SplitTask":
		return 512 << 10 // 4096 offers of 65 bytes, 64 certificates; 100 saves; 4000 changes; 500 results, faults; 4000 charges
	case "/xunzhen.sync.v1.EnrolmentService/Login":
		return segment.MaxCertificate + 1<<10
	case "/xunzhen.office.v1.ImportService/Import":
		return 2 << 20 // 500 rows of a whole checkup
	case "/xunzhen.sync.v1.RecordService/Resolve":
		return 256 << 10
	}
	return 64 << 10
}

// maxFields is how many fields a request may have at its top, repeated ones counted
// each time: decoded, each costs up to a hundred bytes, however few it took on the
// wire.
const maxFields = 16 << 10
