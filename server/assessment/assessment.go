// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Shard is the county's records; *syncengine.Engine is one.
type Shard interface {
	Epoch() ledger.Epoch
	Position() syncengine.Position
	Size() ledger.Size
	ShardKey() []byte
	Checkpoint(context.Context) ([]byte, error)
	Hashes(context.Context) tlog.HashReader
	Devices(context.Context) ([]syncengine.Device, error)
	Held(ctx context.Context, from syncengine.HeldPlace, limit int) ([]syncengine.HeldRevision, syncengine.HeldPlace, error)
	List(context.Context, syncengine.FeedQuery) ([]syncengine.RecordRow, error)
	Rows(ctx context.Context, ids []record.ID) ([]syncengine.RecordRow, error)
	Get(context.Context, record.ID) (syncengine.RecordView, error)
	StateAsOf(context.Context, record.ID, syncengine.Moment) (record.State, int, error)
	Receipts(ctx context.Context, rows []syncengine.RecordRow) ([]syncengine.Receipts, error)
	Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error)
}

// Projection is what follows the records, and has the module's tables.
type Projection interface {
	// View runs a function on one snapshot.
	View(context.Context, func(*sqlite.Conn) error) error
	// Standing says how far it has come, in that snapshot.
	Standing(*sqlite.Conn) (Standing, error)
	// Person returns one person, whole.
	Person(context.Context, record.ID) (*projection.Person, error)
}

// Standing is how far a projection has come.
type Standing struct {
	Position uint64 // in the feed
	Behind   uint64 // changes that were not read yet
	Queued   int    // people who were not looked at yet
	Sweeping bool   // not everybody has been looked at yet
}

func (s Standing) behind() uint64 {
	n := s.Behind + uint64(s.Queued)
	if s.Sweeping {
		n++
	}
	return n
}

// Config is what an Assessment is made of.
type Config struct {
	Module     *Module
	Projection Projection
	Shard      Shard
	County     string // 6 digits
	Clock      func() time.Time
	// BuiltIn is the pack of the program, by which a county without one of its own works.
	BuiltIn Pack
	// Load reads the pack that a record carries.
	Load func([]record.Register) (Pack, error)
	// Wait waits; it returns the context's error when that ends first. nil: by the clock of the machine.
	Wait func(context.Context, time.Duration) error
}

// Assessment answers for one county. Its methods may be called from many goroutines.
type Assessment struct{ cfg Config }

// New returns an Assessment over a module that the projection keeps up.
func New(cfg Config) *Assessment {
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	return &Assessment{cfg}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (a *Assessment) today() care.Date { return care.DateOf(a.cfg.Clock()) }

// Progress is told how much of how much is done.
type Progress func(done, total int)

// Problem is why a question cannot be answered, or a window not be frozen, as the one who asked
// can mend it. Its text holds nothing personal.
type Problem struct {
	Code string // for programs and for words in other languages
	Text string
}

// Error returns the text.
func (p *Problem) Error() string { return p.Text }

func problem(code, format string, args ...any) error {
	return &Problem{code, fmt.Sprintf(format, args...)}
}

// ProblemOf returns the Problem that an error wraps, nil if there is none.
func ProblemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// Codes of problems.
const (
	ProblemPeriod    = "period"     // it is none
	ProblemNotBegun  = "not_begun"  // its first day is yet to come
	ProblemAsOf      = "as_of"      // a day before the period, or after today
	ProblemCode      = "code"       // no such indicator
	ProblemUnit      = "unit"       // no such unit, or out of sight
	ProblemNotOver   = "not_over"   // it is still under way
	ProblemWindow    = "window"     // no half-year and no year
	ProblemFrozen    = "frozen"     // it is frozen already
	ProblemNotFrozen = "not_frozen" // it is not
	ProblemBusy      = "busy"       // records keep coming
	ProblemSettings  = "settings"   // the pack's numbers cannot be used
	ProblemTooLarge  = "too_large"  // more than a record can hold
	ProblemReading   = "reading"    // what was frozen is being read again
	ProblemPeople    = "people"     // nobody in particular is behind the indicator
)
