// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// CodeChange is a change of a division's code with what it rests on.
type CodeChange struct {
	care.DivisionChange
	Evidence string
}

// RecodeReport is what became of a re-coding, or would become.
type RecodeReport struct {
	Recorded int // changes that were not known
	Known    int // changes that were known
	Later    int // changes of all known that are not in force yet: their records stay
	Moved    int // records
	// Left are the records that a person has to move, by the code that they are under.
	Left []LeftUnder
}

// LeftUnder counts records under a code.
type LeftUnder struct {
	Division record.Division
	Records  int
}

// recodeBatch is how many records are moved in one transaction.
const recodeBatch = 100

// Recode records changes of division codes and moves what is under codes that were abolished,
// by all changes that are known, to the new ones: each move is a save of the record itself
// for author. It can be cut off and run again, and a second time moves only what has come
// under old codes since. With dry it only says what would be done. progress is told how many
// records of how many it has looked at.
// Errors: ReasonInvalid for a change that is none, is of another county, or cannot stand beside
// another; then nothing is recorded or moved.
func (c *County) Recode(ctx context.Context, author string, changes []CodeChange, dry bool, progress func(done, total int)) (RecodeReport, error) {
	if err := c.Divisions.CatchUp(ctx); err != nil {
		return RecodeReport{}, fmt.Errorf("re-code: %w", err)
	}
	r := recoding{county: c, author: author, dry: dry, today: care.DateOf(c.means.Clock()), progress: progress}
	if err := r.plan(changes); err != nil {
		return r.report, &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "re-code", Err: err}
	}
	err := r.recordAll(ctx)
	if err == nil {
		err = r.moveAll(ctx)
	}
	if err != nil {
		return r.report, fmt.Errorf("re-code: %w", err)
	}
	return r.report, nil
}

// recoding is one run of Recode.
type recoding struct {
	county   *County
	author   string
	dry      bool
	today    care.Date
	progress func(done, total int)

	table  care.Recoding
	fresh  []CodeChange
	looked int
	total  int
	report RecodeReport
}

// plan holds the changes against what is known and against each other.
func (r *recoding) plan(changes []CodeChange) error {
	r.table = r.county.Divisions.Table()
	for _, change := range changes {
		if what := change.Check(); what != "" {
			return fmt.Errorf("%s to %s: %s", change.Old, change.New, what)
		}
		if with, bad := r.table.Conflict(change.DivisionChange); bad {
			return fmt.Errorf("%s to %s beside %s to %s", change.Old, change.New, with.Old, with.New)
		}
		if slices.Contains(r.table.Changes(), change.DivisionChange) {
			r.report.Known++
			continue
		}
		r.report.Recorded++
		r.fresh = append(r.fresh, change)
		r.table = r.table.With(change.DivisionChange)
	}
	return r.within()
}

// within refuses changes that lead out of the county, which is known by all codes that it
// has had and will have.
func (r *recoding) within() error {
	codes := r.table.Scopes([]record.Division{record.Division(r.county.Code)}, 0, 1<<10)
	for _, change := range r.table.Changes() {
		if change.From > r.today {
			r.report.Later++
		}
		if !change.Old.WithinAny(codes) || !change.New.WithinAny(codes) || len(change.New) > 6 && !change.New[:6].WithinAny(codes) {
			return fmt.Errorf("%s to %s is not within county %s", change.Old, change.New, r.county.Code)
		}
	}
	return nil
}

// recordAll saves the changes that are not known.
func (r *recoding) recordAll(ctx context.Context) error {
	if r.dry {
		return nil
	}
	for batch := range slices.Chunk(r.fresh, recodeBatch) {
		var saves []syncengine.OfficeSave
		for _, change := range batch {
			s, err := r.change(ctx, change)
			if err != nil {
				return err
			}
			saves = append(saves, s)
		}
		if _, err := r.county.Engine.Save(ctx, r.author, saves...); err != nil {
			return fmt.Errorf("record changes: %w", err)
		}
	}
	return r.county.Divisions.CatchUp(ctx)
}

// change makes the save that records a change: of a new record, or of one that was voided.
func (r *recoding) change(ctx context.Context, change CodeChange) (syncengine.OfficeSave, error) {
	id, shown := change.ID(), []record.Register(nil)
	view, err := r.county.Engine.Get(ctx, id)
	switch {
	case err == nil:
		shown = view.State.Registers()
	case syncengine.ReasonOf(err) != syncengine.ReasonNotFound:
		return syncengine.OfficeSave{}, err
	}
	changes, err := care.Diff(care.KindDivisionChange, shown, change.Form(change.Evidence))
	if err != nil {
		return syncengine.OfficeSave{}, err
	}
	alive := record.Change{Path: record.PathLife, Value: record.Active()}
	for _, g := range shown {
		if g.Path == record.PathLife {
			alive.Parents = g.Parents()
		}
	}
	if shown == nil {
		changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(care.FullCode(change.New)))})
	}
	return syncengine.OfficeSave{Record: id, Changes: append(changes, alive)}, nil
}

// moveAll looks through the feed for what is under old codes, and again at what came meanwhile.
func (r *recoding) moveAll(ctx context.Context) error {
	q := syncengine.FeedQuery{
		Limit: recodeBatch, Bytes: 1 << 20,
		Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
	}
	for _, change := range r.table.Changes() {
		if change.From <= r.today {
			q.Divisions = append(q.Divisions, change.Old)
		}
	}
	if len(q.Divisions) == 0 {
		return nil
	}
	if err := r.count(ctx, q.Divisions); err != nil {
		return err
	}
	left := map[record.Division]int{}
	for moved := -1; moved < r.report.Moved; {
		moved, q.UpTo = r.report.Moved, r.county.Engine.Position()
		if err := r.pass(ctx, q, left); err != nil {
			return err
		}
		if q.After = q.UpTo; r.dry {
			break
		}
	}
	for _, d := range slices.Sorted(maps.Keys(left)) {
		r.report.Left = append(r.report.Left, LeftUnder{d, left[d]})
	}
	return nil
}

// count says how much there is to look at.
func (r *recoding) count(ctx context.Context, old []record.Division) error {
	sums, err := r.county.Engine.Sums(ctx)
	for key, sum := range sums {
		if key.Division.WithinAny(old) {
			r.total += int(sum.Count)
		}
	}
	return err
}

// pass goes through the feed once.
func (r *recoding) pass(ctx context.Context, q syncengine.FeedQuery, left map[record.Division]int) error {
	for {
		rows, err := r.county.Engine.List(ctx, q)
		if err != nil {
			return err
		}
		var saves []syncengine.OfficeSave
		for _, row := range rows {
			q.After = row.Position
			state, err := record.DecodeState(row.State)
			if err != nil {
				return fmt.Errorf("record %s: %w", row.ID, err)
			}
			move, person := r.table.MoveScope(state.Registers(), r.today)
			if len(move) > 0 {
				saves = append(saves, syncengine.OfficeSave{Record: row.ID, Changes: move})
			} else if person || len(state.At(record.PathScope)) == 0 {
				left[under(row.Divisions, q.Divisions)]++
			}
		}
		if err := r.save(ctx, saves); err != nil {
			return err
		}
		r.looked += len(rows)
		r.progress(r.looked, max(r.looked, r.total))
		if !q.Full(rows) {
			return nil
		}
	}
}

func (r *recoding) save(ctx context.Context, saves []syncengine.OfficeSave) error {
	r.report.Moved += len(saves)
	if r.dry || len(saves) == 0 {
		return nil
	}
	_, err := r.county.Engine.Save(ctx, r.author, saves...)
	return err
}

// under returns the first division of a record that is under an old code.
func under(divisions, old []record.Division) record.Division {
	at := slices.IndexFunc(divisions, func(d record.Division) bool { return d.WithinAny(old) })
	return divisions[max(at, 0)]
}
