// SPDX-License-Identifier: Apache-2.0

// Package populate writes a county of invented people as its tablets would have: every doctor's
// tablet has a key and a certificate, and seals and sends week by week what was saved, over the
// years. The county's own push takes it, with all checks.
//
// The one invariant: what is written follows from the plan alone. A run that was cut off goes on
// with the week it was in; what of that week is stored already is sent again and changes nothing.
//
// Names, numbers and measurements are invented; the divisions' names are real. It writes into a
// county that it made itself and no other.
package populate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Options say what to write. All but Screen must be given.
type Options struct {
	Data   string // the folder, new or of an earlier run
	Plan   Plan
	Rand   io.Reader
	Log    *slog.Logger
	Screen *terminal.Screen // progress; nil: none
	Clock  func() time.Time // for how long it takes
}

// Result is what there is after a run.
type Result struct {
	Residents int           `json:"residents"`
	Records   int           `json:"records"`
	Tablets   int           `json:"tablets"`
	Segments  int           `json:"segments"`
	Weeks     int           `json:"weeks"`
	Bytes     int64         `json:"bytes"` // of the county's store
	Took      time.Duration `json:"took_ns"`
	Written   int           `json:"written"` // records of this run; the others were there
	Dir       string        `json:"dir"`     // the county's folder
}

// bytesEach is what a record takes on disk, ledger and history included, and room for what
// follows from it; measured, see `xunzhen bench`.
const bytesEach = 1600

// ErrRoom says that the disk is too small, ErrFolder that the folder is of something else.
var (
	ErrRoom   = errors.New("not enough room")
	ErrFolder = errors.New("the folder holds something else")
)

// Run writes the county, or what is missing of it. Errors: ErrRoom, ErrFolder, ErrPlan.
func Run(ctx context.Context, o Options) (r Result, err error) {
	w := &writing{o: o, began: o.Clock()}
	if w.county.plan, err = o.Plan.complete(); err != nil {
		return r, err
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return r, err
	}
	if w.state, err = openState(o.Data, w.county.plan); err != nil {
		return r, err
	}
	if free, _ := sqlitefile.Room(o.Data); free >= 0 {
		if need := int64(w.county.plan.Records-w.state.Records) * bytesEach; free < need {
			return r, fmt.Errorf("%w: %d MB free, about %d MB needed", ErrRoom, free>>20, need>>20)
		}
	}
	w.county.settle()
	w.setClock(w.county.monday(w.state.Week))
	s, err := server.New(ctx, server.Config{
		Data: o.Data, Schema: care.Kinds(), Clock: w.now, Rand: o.Rand, Log: o.Log,
		CertificateLife: w.county.ends.Sub(w.county.begins) + 365*24*time.Hour, Listen: "127.0.0.1:0",
	})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if w.at, err = s.County(ctx, w.county.plan.County); err != nil {
		return r, err
	}
	if err := w.write(ctx); err != nil {
		return w.result(), err
	}
	return w.result(), nil
}

func (w *writing) result() Result {
	r := Result{
		Residents: w.county.plan.Residents, Records: w.state.Records, Tablets: len(w.tablets), Segments: w.state.Segments,
		Weeks: w.state.Week, Took: w.o.Clock().Sub(w.began), Written: w.wrote, Dir: w.at.Dir,
	}
	for _, name := range []string{"shard.db", "shard.db-wal"} {
		if f, err := os.Stat(filepath.Join(w.at.Dir, name)); err == nil {
			r.Bytes += f.Size()
		}
	}
	return r
}
