// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// chunk is a part of the upload, and the same records put into the floor.
type chunk struct {
	upload, raw rate
	commits     int
	stored      int // when it was done
}

func (c chunk) add(o chunk) chunk {
	return chunk{c.upload.add(o.upload), c.raw.add(o.raw), c.commits + o.commits, o.stored}
}

func (s *run) setUp(ctx context.Context) error {
	var err error
	if s.server, err = start(ctx, s.o.Executable, s.data(), io.Discard); err != nil {
		return err
	}
	if s.floor, err = openFloor(filepath.Join(s.dir, "raw.db")); err != nil {
		return err
	}
	o, err := s.server.office()
	if err != nil {
		return err
	}
	defer o.Close() //nolint:errcheck // nothing is lost with it
	villages := villagesOf(countyCode, 10, 20)
	for i := range s.size.devices + 1 { // the last one is the fresh device
		d := &device{author: newAuthor(i, s.o.Seed, s.got.began.UTC(), villages), server: s.server}
		s.devices = append(s.devices, d)
		if err := s.enrol(ctx, o, d); err != nil {
			return err
		}
	}
	s.edits = make([][]saved, s.size.devices)
	return nil
}

func (s *run) enrol(ctx context.Context, o *office.Office, d *device) error {
	return s.enrolIn(ctx, o, d, countyCode)
}

// enrolIn enrols a device for the divisions under one.
func (s *run) enrolIn(ctx context.Context, o *office.Office, d *device, division record.Division) error {
	text, _, err := o.Invite(ctx, office.Rights{
		Staff: []string{doctor}, Divisions: []record.Division{division}, Classes: []record.Class{record.ClassGeneral}, Label: "bench",
	})
	if err != nil {
		return err
	}
	invitation, err := session.ParseInvitation(text)
	if err != nil {
		return err
	}
	if err := d.connect(); err != nil {
		return err
	}
	if err := d.enrol(ctx, invitation.Code); err != nil {
		return err
	}
	_, err = d.signedIn(ctx)
	return err
}

// working are the devices that save.
func (s *run) working() []*device { return s.devices[:s.size.devices] }

// timed runs do while the server works on nothing else, and returns how long it took.
func (s *run) timed(n int, do func() error) (rate, error) {
	before, err := s.server.cpu()
	if err != nil {
		return rate{}, err
	}
	began := s.o.Clock()
	if err := do(); err != nil {
		return rate{}, err
	}
	wall := s.o.Clock().Sub(began)
	after, err := s.server.cpu()
	return rate{n, after - before, wall}, err
}

// prepare makes something for every device, on all processors.
func prepare[T any](devices []*device, make func(i int, d *device) (T, error)) ([]T, error) {
	out := slices.Repeat([]T{*new(T)}, len(devices))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, d := range devices {
		g.Go(func() (err error) {
			out[i], err = make(i, d)
			return err
		})
	}
	err := g.Wait()
	runtime.GC() // now, and not while something is measured
	return out, err
}

// pushAll lets every device push its segments, one a call, all devices at once. It
// returns how many commits the server made of them.
func (s *run) pushAll(ctx context.Context, work [][]sealed) (commits int, err error) {
	positions := make([][]session.Position, len(work))
	g, ctx := errgroup.WithContext(ctx)
	for i, segments := range work {
		d := s.devices[i]
		g.Go(func() error {
			for _, one := range segments {
				p, err := d.push(ctx, one.wire)
				if err != nil {
					return err
				}
				positions[i] = append(positions[i], p)
			}
			return nil
		})
	}
	err = g.Wait()
	all := slices.Concat(positions...)
	slices.Sort(all)
	return len(slices.Compact(all)), err
}

func records(work [][]sealed) []saved {
	var out []saved
	for i := 0; ; i++ { // in the order in which they are about to arrive
		before := len(out)
		for _, segments := range work {
			if i < len(segments) {
				out = append(out, segments[i].records...)
			}
		}
		if len(out) == before {
			return out
		}
	}
}

// upload pushes a chunk of new records, then puts the same into the floor.
func (s *run) upload(ctx context.Context) error {
	each := s.size.chunk / s.size.devices / perSegment
	work, err := prepare(s.working(), func(_ int, d *device) ([]sealed, error) { return d.createSegments(each) })
	if err != nil {
		return err
	}
	all := records(work)
	c := chunk{}
	before := s.sent()
	c.upload, err = s.timed(len(all), func() (err error) {
		c.commits, err = s.pushAll(ctx, work)
		return err
	})
	if err != nil {
		return err
	}
	s.got.upPacked = s.got.upPacked.add(carried{s.sent() - before, formBytes(all)})
	began := s.o.Clock()
	cpu, err := s.floor.put(all, max(1, len(all)/c.commits))
	if err != nil {
		return err
	}
	c.raw = rate{len(all), cpu, s.o.Clock().Sub(began)}
	s.keep(work)
	s.last = work
	s.got.stored += len(all)
	c.stored = s.got.stored
	s.chunks = append(s.chunks, c)
	return nil
}

// keep remembers some records of every chunk for second saves: as many for each
// device as it will save, spread over all that it ever saved.
func (s *run) keep(work [][]sealed) {
	chunks := s.size.large/s.size.chunk + 1
	want := 2*s.size.second/s.size.devices/chunks + 2*perSegment/chunks + 1
	want += s.size.changed
	for i, segments := range work {
		for j, one := range segments {
			n := len(one.records)
			take := min(n, want/len(segments)+1)
			for k := range take {
				s.edits[i] = append(s.edits[i], work[i][j].records[k*n/take])
			}
		}
	}
}

// take takes n records of device i that nobody has edited, in a random order.
func (s *run) take(i, n int) []saved {
	left := s.edits[i]
	s.devices[i].forms.rnd.Shuffle(len(left), func(a, b int) { left[a], left[b] = left[b], left[a] })
	n = min(n, len(left))
	s.edits[i] = left[n:]
	return left[:n]
}

// sent is how many bytes all devices have sent so far.
func (s *run) sent() (n int64) {
	for _, d := range s.devices {
		n += d.sent.Load()
	}
	return n
}

func formBytes(all []saved) (n int64) {
	for i := range all {
		n += int64(all[i].form)
	}
	return n
}

func (s *run) uploadFirst(ctx context.Context) error { return s.upload(ctx) }

func (s *run) uploadMore(ctx context.Context) error {
	for s.got.stored < s.size.large {
		if err := s.upload(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *run) uploadLast(ctx context.Context) error { return s.upload(ctx) }

// lookFirst lets all devices take what is stored, and measures syncs.
func (s *run) lookFirst(ctx context.Context) error {
	var err error
	if s.got.memorySmall, err = s.server.memory(); err != nil {
		return err
	}
	if s.got.downPlain, err = s.carry(ctx, true); err != nil {
		return err
	}
	if s.got.downPacked, err = s.carry(ctx, false); err != nil {
		return err
	}
	for _, d := range s.working() {
		if _, err := d.pull(ctx); err != nil {
			return err
		}
	}
	if s.got.noopSmall, err = s.noop(ctx); err != nil {
		return err
	}
	s.got.incremental, err = s.incremental(ctx)
	return err
}

func (s *run) lookSecond(ctx context.Context) error {
	var err error
	if s.got.memoryLarge, err = s.server.memory(); err != nil {
		return err
	}
	if _, err = s.devices[0].pull(ctx); err != nil {
		return err
	}
	s.got.noopLarge, err = s.noop(ctx)
	return err
}

// carry returns what a fresh device receives for all that is stored, each record of
// which was saved once.
func (s *run) carry(ctx context.Context, plain bool) (carried, error) {
	d := s.fresh()
	before := d.received.Load()
	d.plain = plain
	_, err := d.pull(ctx)
	d.plain = false
	d.forget()
	return carried{d.received.Load() - before, s.got.upPacked.forms}, err
}

// fresh is the device that has nothing.
func (s *run) fresh() *device { return s.devices[s.size.devices] }

// noop returns what three in four syncs with nothing new take at least, over an open
// connection. Other work on the machine only ever adds to it.
func (s *run) noop(ctx context.Context) (time.Duration, error) {
	d := s.devices[0]
	all := make([]time.Duration, s.size.looks)
	for i := range all {
		began := s.o.Clock()
		if err := d.hello(ctx); err != nil {
			return 0, err
		}
		if _, err := d.pull(ctx); err != nil {
			return 0, err
		}
		all[i] = s.o.Clock().Sub(began)
	}
	slices.Sort(all)
	return all[len(all)/4], nil
}

// incremental lets each device change some records and sync: connect, sign in,
// compare, push, pull.
func (s *run) incremental(ctx context.Context) (rate, error) {
	work, err := prepare(s.working(), func(i int, d *device) (sealed, error) { return d.edit(s.take(i, s.size.changed)) })
	if err != nil {
		return rate{}, err
	}
	for _, d := range s.working() {
		d.disconnect()
	}
	return s.timed(len(work), func() error {
		g, ctx := errgroup.WithContext(ctx)
		for i, one := range work {
			d := s.devices[i]
			g.Go(func() error { return d.wholeSync(ctx, one.wire) })
		}
		return g.Wait()
	})
}

func (d *device) wholeSync(ctx context.Context, wire []byte) error {
	if err := d.connect(); err != nil {
		return err
	}
	if err := d.hello(ctx); err != nil {
		return err
	}
	if _, err := d.push(ctx, wire); err != nil {
		return err
	}
	_, err := d.pull(ctx)
	return err
}

// uploadPlain pushes one segment of every device without compression.
func (s *run) uploadPlain(ctx context.Context) error {
	work, err := prepare(s.working(), func(_ int, d *device) ([]sealed, error) { return d.createSegments(1) })
	if err != nil {
		return err
	}
	before := s.sent()
	s.setPlain(true)
	if _, err := s.pushAll(ctx, work); err != nil {
		return err
	}
	s.setPlain(false)
	all := records(work)
	s.got.upPlain = carried{s.sent() - before, formBytes(all)}
	s.got.stored += len(all)
	return nil
}

func (s *run) setPlain(plain bool) {
	for _, d := range s.devices {
		d.plain = plain
	}
}

// restart stops the server, looks how large its file is, and starts it again.
func (s *run) restart(ctx context.Context) error {
	for _, d := range s.devices {
		d.disconnect()
	}
	old := s.server
	s.server = nil
	if err := old.stop(); err != nil {
		return err
	}
	var err error
	if s.got.diskBytes, err = old.storeFiles(); err != nil {
		return err
	}
	if s.server, err = start(ctx, s.o.Executable, s.data(), io.Discard); err != nil {
		return err
	}
	for _, d := range s.devices {
		d.server = s.server
		if err := d.connect(); err != nil {
			return err
		}
		if _, err := d.signedIn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// update pushes second saves of records picked from all that is stored.
func (s *run) update(ctx context.Context) error {
	work, err := prepare(s.working(), func(i int, d *device) ([]sealed, error) {
		return d.editSegments(s.take(i, s.size.second/s.size.devices))
	})
	if err != nil {
		return err
	}
	s.got.update, err = s.timed(len(records(work)), func() error {
		_, err := s.pushAll(ctx, work)
		return err
	})
	return err
}

// conflict lets two devices save the same registers of the same records, as the same
// screen showed them. Measured are the second ones, each of which meets a sibling.
func (s *run) conflict(ctx context.Context) error {
	targets := make([][]saved, s.size.devices)
	for i := range targets {
		targets[i] = s.take(i, s.size.second/s.size.devices)
	}
	first, err := prepare(s.working(), func(i int, d *device) ([]sealed, error) { return d.editSegments(targets[i]) })
	if err != nil {
		return err
	}
	if _, err := s.pushAll(ctx, first); err != nil {
		return err
	}
	second, err := prepare(s.working(), func(i int, d *device) ([]sealed, error) {
		return d.editSegments(targets[(i+1)%len(targets)])
	})
	if err != nil {
		return err
	}
	s.got.conflict, err = s.timed(len(records(second)), func() error {
		_, err := s.pushAll(ctx, second)
		return err
	})
	return err
}

// download lets a device that has nothing pull everything.
func (s *run) download(ctx context.Context) error {
	n := 0
	var err error
	s.got.download, err = s.timed(0, func() (err error) {
		n, err = s.fresh().pull(ctx)
		return err
	})
	s.got.download.n = n
	return err
}
