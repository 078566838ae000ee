// SPDX-License-Identifier: Apache-2.0

// Package bench measures what a server on this machine can carry: the shipped
// server as a child process, twenty devices over gRPC with TLS, records of care.
//
// Figures are per second of the server's processor time, so that other work on the
// machine disturbs them little; beside them stands the floor, the same states put
// into the same SQLite by a bare loop in the same run. What the devices send is made
// and sealed before a clock starts.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// Options say what to measure and where to say so. Executable and Out must be given.
type Options struct {
	Executable string // the program whose serve is measured
	Quick      bool   // fewer records; within 45 s
	JSON       bool   // the result as one line of JSON at the end of Out
	Out        io.Writer
	Screen     *terminal.Screen // progress; nil: none
	Clock      func() time.Time
	Seed       uint64

	size sizes // of a test; zero: as Quick says
}

// sizes are how much of what is done.
type sizes struct {
	devices int
	chunk   int // records stored at the first stop, and from one stop to the next
	large   int // records stored at the second stop
	second  int // second saves, and as many concurrent ones
	changed int // by each device in the incremental sync
	looks   int // syncs with nothing new
}

var (
	fullSizes  = sizes{devices: 20, chunk: 10_000, large: 100_000, second: 10_000, changed: 10, looks: 201}
	quickSizes = sizes{devices: 20, chunk: 4_000, large: 16_000, second: 4_000, changed: 10, looks: 101}
)

func (o Options) sizes() sizes {
	switch {
	case o.size != sizes{}:
		return o.size
	case o.Quick:
		return quickSizes
	}
	return fullSizes
}

// Run measures. The server's data is in a temporary folder, which is removed.
func Run(ctx context.Context, o Options) (r Result, err error) {
	dir, err := os.MkdirTemp("", "xunzhen-bench-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &run{o: o, size: o.sizes(), dir: dir}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.measure(ctx); err != nil {
		return r, fmt.Errorf("bench: %w", err)
	}
	r = s.result()
	if err := r.write(o.Out); err != nil || !o.JSON {
		return r, err
	}
	return r, json.NewEncoder(o.Out).Encode(r)
}

// run is one measurement in progress.
type run struct {
	o       Options
	size    sizes
	dir     string
	server  *process
	devices []*device
	floor   *floor

	chunks []chunk
	edits  [][]saved  // by device, what nobody has edited yet
	last   [][]sealed // by device, the last upload
	got    figures
}

// figures are what was measured apart from the chunks.
type figures struct {
	update, conflict, download, incremental  rate
	signatures, ledger                       rate // by themselves
	noopSmall, noopLarge                     time.Duration
	memorySmall, memoryLarge                 float64
	stored                                   int
	diskBytes                                int64
	upPlain, upPacked, downPlain, downPacked carried
	began, ended                             time.Time
}

// rate is how many of something took how long.
type rate struct {
	n         int
	cpu, wall time.Duration
}

func (r rate) perCPU() float64 { return float64(r.n) / max(r.cpu.Seconds(), 1e-9) }

func (r rate) add(o rate) rate { return rate{r.n + o.n, r.cpu + o.cpu, r.wall + o.wall} }

// carried is how many bytes went over the wire for forms of how many bytes.
type carried struct{ wire, forms int64 }

func (c carried) ratio() float64 { return float64(c.wire) / float64(max(c.forms, 1)) }

func (c carried) add(o carried) carried { return carried{c.wire + o.wire, c.forms + o.forms} }

func (s *run) measure(ctx context.Context) error {
	s.got.began = s.o.Clock()
	for _, step := range []struct {
		label string
		do    func(context.Context) error
	}{
		{"start the server, enrol the devices", s.setUp},
		{"records at the first stop", s.uploadFirst},
		{"syncs at the first stop", s.lookFirst},
		{"records at the second stop", s.uploadMore},
		{"syncs at the second stop", s.lookSecond},
		{"records beyond the second stop", s.uploadLast},
		{"signatures and ledger by themselves", s.shares},
		{"records without compression", s.uploadPlain},
		{"start the server anew", s.restart},
		{"second saves", s.update},
		{"concurrent saves", s.conflict},
		{"a fresh device", s.download},
	} {
		done := s.progress(step.label)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.label, err)
		}
		done()
	}
	s.got.ended = s.o.Clock()
	return nil
}

func (s *run) progress(label string) func() {
	if s.o.Screen == nil {
		return func() {}
	}
	began := s.o.Clock()
	bar := s.o.Screen.Begin(label, 0)
	return func() { bar.End(s.o.Clock().Sub(began).Round(10 * time.Millisecond).String()) }
}

func (s *run) close() error {
	var errs []error
	for _, d := range s.devices {
		d.disconnect()
	}
	if s.floor != nil {
		errs = append(errs, s.floor.close())
	}
	if s.server != nil {
		errs = append(errs, s.server.stop())
	}
	return errors.Join(errs...)
}

func (s *run) data() string { return filepath.Join(s.dir, "data") }
