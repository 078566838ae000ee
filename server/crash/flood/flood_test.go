// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"context"
	"crypto/tls"
	"flag"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/transport"
)

// What the issue of the server's limits asks for.
const (
	maxPeakMiB = 300
	maxRatio   = 5.0
)

// standstill is how many times as long a push in the middle takes when nobody else can
// do anything.
const standstill = 20.0

// maxTurns is how many turns of the writer the attackers may have had for each push of
// the other tablet, where both wait long: then the disk is slow, and who takes turns with
// the other tablet keeps it from nothing. It has one turn while it waits for its own, and
// more while the other tablet makes its next push.
const maxTurns = 8.0

// maxAttempts is how often an attack is tried: a busy machine is no fault of the server's.
const maxAttempts = 5

// strict makes maxRatio a limit. Otherwise it is printed beside what was measured, and
// only a standstill fails: machines are noisy.
var strict = flag.Bool("flood.strict", false, "fail where another tablet waits longer than the limit; for a machine with nothing else to do")

// attack is something that is done to the server by many at the same time until the
// context ends. Everything that can be made before is made by prepare.
type attack struct {
	name    string
	prepare func(p *place) func(ctx context.Context, worker int)
	workers int
	turns   int // of the writer that one call takes, see the engine's jobs; 0: none, or it is not known
}

func attacks() []attack {
	return []attack{
		{"bad calls of all sorts", throwBadCalls, 8, 0},
		{"bad segments of all sorts", throwBadSegments, 8, 0},
		{"one tablet pushes all it may", pushFullRequests, 8, 15},
		{"one tablet pushes thousands of tiny segments", pushTinySegments, 8, 4},
		{"one tablet asks for everything at once", askForEverything, 16, 0},
		{"strangers log in and do not end", logInWithoutEnd, 64, 0},
		{"strangers connect and go again", connectAndGo, 64, 0},
	}
}

// run runs the attack while f does, and says how many calls the attackers made.
func (a attack) run(p *place, f func()) int64 {
	work := a.prepare(p)
	ctx, stop := context.WithCancel(p.t.Context())
	var workers sync.WaitGroup
	var calls atomic.Int64
	for i := range a.workers {
		workers.Go(func() {
			for ctx.Err() == nil {
				work(ctx, i)
				calls.Add(1)
			}
		})
	}
	f()
	done := calls.Load()
	stop()
	workers.Wait()
	return done
}

// throwBadCalls sends each bad call again and again.
func throwBadCalls(p *place) func(context.Context, int) {
	rows, d := badCalls(p), p.devices[0]
	browser := p.browser()
	var next atomic.Int64
	return func(ctx context.Context, _ int) {
		row := rows[int(next.Add(1))%len(rows)]
		_ = row.post(ctx, browser, d)
	}
}

// throwBadSegments pushes 64 segments at a time that will all be refused.
func throwBadSegments(p *place) func(context.Context, int) {
	d := p.devices[0]
	var wires [][]byte
	for _, row := range badSegments(p)[:20] { // the later ones are stored
		wires = append(wires, row.make(d))
	}
	for len(wires) < 64 {
		wires = append(wires, wires[len(wires)-20])
	}
	return func(ctx context.Context, _ int) { d.pushAnyway(ctx, d.peer, wires...) }
}

// pushAnyway pushes and does as it is told when it is told to wait, but no longer than
// a program without manners would.
func (d *device) pushAnyway(ctx context.Context, over *peer, wires ...[]byte) {
	_, err := over.sync.Push(transport.WithToken(ctx, d.token), &syncv1.PushRequest{Shard: d.p.shard[:], Segments: wires})
	if r, ok := transport.RefusalOf(err); ok && r.Retry {
		wait(ctx, min(r.RetryAfter, time.Millisecond))
	}
}

// pushFullRequests pushes new segments of 64 KiB, as many as fit in a request.
func pushFullRequests(p *place) func(context.Context, int) {
	return pushInTurn(p, 6, 15, func(d *device) *segment.Segment { return d.seal(d.residents(400)...) })
}

// pushTinySegments pushes segments with one save each, 64 at a time.
func pushTinySegments(p *place) func(context.Context, int) {
	return pushInTurn(p, 32, 64, func(d *device) *segment.Segment { return d.seal(d.resident("王")) })
}

// pushInTurn seals segments, so many for each of some requests, and makes the requests
// from eight connections; when all are stored, the same ones again.
func pushInTurn(p *place, requests, each int, sealed func(*device) *segment.Segment) func(context.Context, int) {
	d := p.devices[0]
	var pushes [][][]byte
	for range requests {
		var wires [][]byte
		for range each {
			s := sealed(d)
			d.sent(s)
			wires = append(wires, s.Bytes())
		}
		pushes = append(pushes, wires)
	}
	lines := p.lines(8)
	var next atomic.Int64
	return func(ctx context.Context, worker int) {
		i := int(next.Add(1)-1) % requests
		d.pushAnyway(ctx, lines[worker%len(lines)], pushes[i]...)
	}
}

// askForEverything says hello with 4,096 offers and pulls from the beginning, in turn.
func askForEverything(p *place) func(context.Context, int) {
	d := p.devices[0]
	lines := p.lines(8)
	hello := &syncv1.HelloRequest{Shard: p.shard[:]}
	run := &syncv1.OfferRun{Replica: idOf(d), SegmentHashes: make([]byte, 32*4096)}
	for range 4096 {
		run.FirstCounters, run.Counts = append(run.FirstCounters, 1), append(run.Counts, 1)
	}
	hello.Offers = []*syncv1.OfferRun{run}
	return func(ctx context.Context, worker int) {
		over, ctx := lines[worker%len(lines)], transport.WithToken(ctx, d.token)
		if worker%2 == 0 {
			_, _ = over.sync.Hello(ctx, hello)
			return
		}
		pull, err := over.sync.Pull(ctx, &syncv1.PullRequest{Shard: p.shard[:], PageRecords: 1000})
		for err == nil {
			_, err = pull.Recv()
		}
	}
}

// logInWithoutEnd begins logins of the greatest size a request can have from 64
// connections, as many from each as it may, and ends none before it is told to.
func logInWithoutEnd(p *place) func(context.Context, int) {
	lines := p.lines(64)
	message := make([]byte, transport.MaxRequest)
	return func(ctx context.Context, worker int) {
		var open sync.WaitGroup
		for range 32 {
			open.Go(func() {
				login, err := lines[worker].conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true},
					syncv1grpc.EnrolmentService_Login_FullMethodName, grpc.ForceCodec(raw{}))
				if err != nil {
					return
				}
				if err := login.SendMsg(message); err == nil {
					_ = login.RecvMsg(new([]byte))
				}
			})
		}
		open.Wait()
	}
}

// connectAndGo makes a connection, waits for the server's part of the handshake, which
// is most of the work, and is gone.
func connectAndGo(p *place) func(context.Context, int) {
	cfg := transport.ClientTLS(p.pin)
	cfg.ClientSessionCache, cfg.NextProtos = nil, []string{"h2"}
	dialer := tls.Dialer{Config: cfg}
	return func(ctx context.Context, _ int) {
		if conn, err := dialer.DialContext(ctx, "tcp", p.server.address); err == nil {
			_ = conn.Close()
		}
	}
}

// lines returns connections that stand, with nobody's session: the same ones to each
// attack, because not many come in at once.
func (p *place) lines(n int) []*peer {
	p.t.Helper()
	for len(p.standing) < n {
		line := p.stranger()
		_, err := line.enrolment.Challenge(line.context(), &syncv1.ChallengeRequest{Shard: p.shard[:]})
		do(p.t, err)
		p.standing = append(p.standing, line)
	}
	return p.standing[:n]
}

// trial is what one attack did.
type trial struct {
	before, under, after delays
	calls                int64   // that the attackers had done in the meantime
	turns                float64 // of the writer that they had for each push; 0: not known
}

// idle returns how long pushes took without the attack: before it or after it,
// whichever was slower.
func (r trial) idle() delays {
	return delays{P50: max(r.before.P50, r.after.P50), P99: max(r.before.P99, r.after.P99)}
}

func (r trial) ratio() float64  { return float64(r.under.P99) / float64(r.idle().P99) }
func (r trial) median() float64 { return float64(r.under.P50) / float64(r.idle().P50) }

// tolerable reports whether the other tablet did not notice much.
func (r trial) tolerable() bool { return r.ratio() <= maxRatio }

// bearable reports whether the other tablet could work at all: in good time, or turn
// and turn about with the attackers.
func (r trial) bearable() bool {
	return r.median() <= standstill || r.turns > 0 && r.turns <= maxTurns
}

func (a attack) try(p *place, other *tablet, before delays) trial {
	r := trial{before: before}
	r.calls = a.run(p, func() { r.under = other.push() })
	r.turns = float64(r.calls) * float64(a.turns) / float64(r.under.Pushes)
	r.after = other.push()
	p.t.Logf("%s: p99 %v, idle %v, ratio %.1f of at most %.0f (median %.1f); %d calls, %.1f turns a push; peak %d MiB of at most %d",
		a.name, r.under.P99, r.idle().P99, r.ratio(), maxRatio, r.median(), r.calls, r.turns, p.server.peakMiB(), maxPeakMiB)
	return r
}

func TestServerStandsWhatIsThrownAtIt(t *testing.T) {
	p := newPlace(t)
	other := startTablet(t, p.devices[1])
	other.push() // whatever is made once
	idle := other.push()
	for _, a := range attacks() {
		var best trial
		for n := range maxAttempts {
			r := a.try(p, other, idle)
			if idle = r.after; n == 0 || r.ratio() < best.ratio() {
				best = r
			}
			if best.tolerable() {
				break
			}
		}
		if !best.bearable() || *strict && !best.tolerable() {
			t.Errorf("%s: another tablet waits %.1f times as long, and the attackers have %.1f turns for each push of it",
				a.name, best.ratio(), best.turns)
		}
	}
	if peak := p.server.peakMiB(); peak > maxPeakMiB {
		t.Errorf("the server had %d MiB, at most %d it should", peak, maxPeakMiB)
	}
	p.wantSound()
}
