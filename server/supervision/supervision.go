// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Records is the county's engine, as far as it is needed.
type Records interface {
	Get(ctx context.Context, id record.ID) (syncengine.RecordView, error)
	Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error)
	Size() ledger.Size
	Hashes(ctx context.Context) tlog.HashReader
	CertificateOf(ctx context.Context, replica causal.ReplicaID) (segment.Certificate, error)
}

// Persons is the county's projection, as far as it is needed.
type Persons interface {
	View(ctx context.Context, do func(*sqlite.Conn) error) error
	Person(ctx context.Context, id record.ID) (*projection.Person, error)
	// Follow waits until everybody was looked at as the records stand, for a moment only: behind
	// says that some were not.
	Follow(ctx context.Context) (behind bool, err error)
}

// Config is what a county's supervision is made of. All must be given.
type Config struct {
	County  record.Division // 6 digits
	Records Records
	Persons Persons
	Module  *Module
	Frames  Frames
	Clock   func() time.Time
	Rand    io.Reader // keys of entries
}

// Supervision is the supervision of one county. Its methods may be called from many goroutines.
type Supervision struct{ cfg Config }

// New returns a county's supervision. It asks nothing before a method is called.
func New(cfg Config) *Supervision { return &Supervision{cfg} }

// Problem is one thing why nothing was done: a code, what it is about, and in words what the code
// does not say. It has no name and no value of anybody.
type Problem struct{ Code, About, Text string }

// Sight is what a caller may see.
type Sight struct {
	Divisions []record.Division // prefixes; an empty one is the whole county, with what is nowhere
	Masked    bool
}

// sees reports whether a caller may see what is sent to these divisions, joined by blanks.
func (v Sight) sees(scope string) bool {
	if slices.Contains(v.Divisions, "") {
		return true
	}
	return slices.ContainsFunc(strings.Fields(scope), func(d string) bool { return record.Division(d).WithinAny(v.Divisions) })
}

func (s *Supervision) today() care.Date { return care.DateOf(s.cfg.Clock()) }

// form is a record that is, or may be, there.
type form[M proto.Message] struct {
	id    record.ID
	m     M
	shown []record.Register // nil: there is none
}

// read reads a record of a kind, which may not be there yet.
func read[M proto.Message](ctx context.Context, r Records, id record.ID, empty M) (form[M], error) {
	f := form[M]{id: id, m: empty}
	view, err := r.Get(ctx, id)
	switch {
	case syncengine.ReasonOf(err) == syncengine.ReasonNotFound:
		return f, nil
	case err != nil:
		return f, err
	}
	f.shown = view.State.Registers()
	m, err := care.Message(id.Kind(), f.shown)
	if err != nil {
		return f, fmt.Errorf("record %s: %w", id, err)
	}
	one, ok := m.(M)
	if !ok {
		return f, fmt.Errorf("record %s: %w", id, care.ErrWrongForm)
	}
	f.m = one
	return f, nil
}

// save returns the save that makes a record say edited; false where it says so already. Scope and
// subject are those of a new record.
func (f form[M]) save(edited M, scope record.Division, subject record.ID) (syncengine.OfficeSave, bool, error) {
	changes, err := care.Diff(f.id.Kind(), f.shown, edited)
	if err != nil {
		return syncengine.OfficeSave{}, false, fmt.Errorf("record %s: %w", f.id, err)
	}
	if len(changes) > 0 && f.shown == nil {
		changes = append(changes, record.Change{Path: record.PathLife, Value: record.Active()},
			record.Change{Path: record.PathScope, Value: record.Of([]byte(care.FullCode(scope)))})
		if !subject.IsZero() {
			changes = append(changes, record.Change{Path: record.PathSubject, Value: record.Of(subject[:])})
		}
	}
	return syncengine.OfficeSave{Record: f.id, Changes: changes}, len(changes) > 0, nil
}

// entryKey draws a key.
func (s *Supervision) entryKey() (string, error) { return care.NewEntryKey(s.cfg.Rand) }
