// SPDX-License-Identifier: Apache-2.0

package tasks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Records is the county's engine, as far as it is needed.
type Records interface {
	Get(ctx context.Context, id record.ID) (syncengine.RecordView, error)
	Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error)
	CertificateOf(ctx context.Context, replica causal.ReplicaID) (segment.Certificate, error)
}

// Projection is the county's, as far as it is needed.
type Projection interface {
	View(ctx context.Context, do func(*sqlite.Conn) error) error
	// Follow waits until everybody was looked at as the records stand, for a moment only: behind
	// says that some were not.
	Follow(ctx context.Context) (behind bool, err error)
}

// People counts who is eligible, as of today and all that has been followed.
type People interface {
	Eligible(ctx context.Context, population carev1.PopulationCode, within record.Division) ([]quota.Count, error)
}

// Figures counts what is done.
type Figures interface {
	// Done counts, for each of some units, the people who are in an indicator's numerator in a
	// period, at the end of a day. counted is false where nobody counts the indicator.
	Done(ctx context.Context, code string, from, to, asOf care.Date, units []quota.Unit) (done map[quota.Unit]int64, counted bool, err error)
}

// Config is what a county's tasks are made of. All but Figures must be given.
type Config struct {
	County  record.Division // 6 digits
	Records Records
	Parts   Projection
	People  People
	Figures Figures // nil: nothing is counted
	Clock   func() time.Time
}

// Tasks are those of one county. Its methods may be called from many goroutines.
type Tasks struct{ cfg Config }

// New returns a county's tasks. It asks nothing before a method is called.
func New(cfg Config) *Tasks { return &Tasks{cfg} }

// Sight is what a caller may see: prefixes of divisions; an empty one is the whole county.
type Sight []record.Division

func (v Sight) sees(scope string) bool {
	if slices.Contains(v, "") {
		return true
	}
	return slices.ContainsFunc(strings.Fields(scope), func(d string) bool { return record.Division(d).WithinAny(v) })
}

func (t *Tasks) today() care.Date { return care.DateOf(t.cfg.Clock()) }

// part is one part as it is saved.
type part struct {
	id    record.ID
	unit  quota.Unit
	scope string
	form  *carev1.Task
	shown []record.Register
}

// By tasks_part_code.
const (
	sqlPartsOf = `SELECT id, division, nobody, doctor, scope FROM tasks_part WHERE code = ?1 ORDER BY code, division, nobody, doctor, id`
	sqlRoots   = `SELECT id, division, nobody, doctor, scope FROM tasks_part WHERE length(division) = 6 AND doctor = '' AND nobody = 0 ORDER BY code, division, nobody, doctor, id`
)

// parts returns the parts of a set in the order of a tree, those that were withdrawn included; of
// no set, the counties' parts of all.
func (t *Tasks) parts(ctx context.Context, set string) ([]part, error) {
	var out []part
	question := sqlPartsOf
	if set == "" {
		question = sqlRoots
	}
	err := t.cfg.Parts.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, question, func(s *sqlite.Stmt) {
			if set != "" {
				s.BindText(1, set)
			}
		}, func(s *sqlite.Stmt) bool {
			p := part{unit: quota.Unit{Division: record.Division(s.ColumnText(1)), Nobody: s.ColumnBool(2), Doctor: s.ColumnText(3)}, scope: s.ColumnText(4)}
			copy(p.id[:], sqlitefile.Bytes(s, 0))
			out = append(out, p)
			return true
		})
	})
	for i := range out {
		if err != nil {
			return nil, err
		}
		err = t.read(ctx, &out[i])
	}
	return out, err
}

func (t *Tasks) read(ctx context.Context, p *part) error {
	view, err := t.cfg.Records.Get(ctx, p.id)
	if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
		p.form = &carev1.Task{}
		return nil
	}
	if err != nil {
		return err
	}
	p.shown = view.State.Registers()
	m, err := care.Message(KindTask, p.shown)
	if err != nil {
		return fmt.Errorf("task %s: %w", p.id, err)
	}
	f, ok := m.(*carev1.Task)
	if !ok {
		return care.ErrWrongForm
	}
	p.form = f
	return nil
}

func (p part) withdrawn() bool { return p.form.GetState() == carev1.TaskState_TASK_STATE_WITHDRAWN }

func (p part) season() quota.Season {
	w := p.form.GetWindow()
	return quota.Season{
		From: care.Date(w.GetStartsOn()), To: care.Date(w.GetDueOn()), DaysAWeek: int(w.GetDaysAWeek()), DailyLimit: int64(p.form.GetDailyLimit()),
	}
}
