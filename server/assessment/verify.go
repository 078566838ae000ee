// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Verification says whether what was frozen is what the ledger says.
type Verification struct {
	Freeze    Freeze
	Same      bool // digest, persons and root
	Digest    [32]byte
	Persons   uint64
	RootHolds bool // the ledger had this root at this size
	Because   []string
}

// Why a digest may be another one.
const (
	BecauseSettings = "settings" // the rule pack of then is not at hand
	BecauseEpoch    = "epoch"    // the county's data was restored from a backup since: the ledger is another one
)

// VerifyFreeze counts a frozen window again: every record as it stood when the window was frozen, by
// the rule pack of then. Of a record that changed since it is the state that the law gives for the
// saves that the ledger had; one that did not has the state of then (that states are what the
// ledger gives is for `xunzhen verify --replay` to say).
// A digest that differs has a reason in Because, or the figures that were frozen are not those of
// the ledger; what was erased by legal order since is one, too.
func (a *Assessment) VerifyFreeze(ctx context.Context, p indicators.Period, progress Progress) (Verification, error) {
	f, err := a.FreezeOf(ctx, p)
	if err != nil {
		return Verification{}, err
	}
	v := Verification{Freeze: f}
	if f.Epoch != a.cfg.Shard.Epoch().String() {
		v.Because = append(v.Because, BecauseEpoch)
		return v, nil
	}
	root, err := ledger.Root(a.cfg.Shard.Hashes(ctx), f.Size)
	if err != nil {
		return v, fmt.Errorf("root of the ledger: %w", err)
	}
	v.RootHolds = [32]byte(root) == f.Root
	book, err := a.bookAt(ctx, f)
	if err != nil {
		return v, err
	}
	if book.digest != f.Settings {
		v.Because = append(v.Because, BecauseSettings)
	}
	r := recount{a: a, at: syncengine.Moment{Size: f.Size}, upTo: syncengine.Position(f.Position), progress: progress}
	if err := r.gather(ctx); err != nil {
		return v, err
	}
	d, err := r.digest(ctx, indicators.NewEvaluator(on(p, p.To).question(), book.settings))
	if err != nil {
		return v, err
	}
	v.Digest, v.Persons = d.result(), d.persons
	v.Same = v.RootHolds && v.Digest == f.Digest && v.Persons == f.Persons
	return v, nil
}

// bookAt returns the rulebook of the pack that the county worked by when a window was frozen.
func (a *Assessment) bookAt(ctx context.Context, f Freeze) (rulebook, error) {
	state, n, err := a.cfg.Shard.StateAsOf(ctx, rules.RecordID(a.cfg.County), syncengine.Moment{Size: f.Size})
	if err == nil && n > 0 && state.Life() != record.LifeVoided {
		if pack, err := a.cfg.Load(state.Registers()); err == nil {
			return rulebookOf(pack)
		}
	}
	if err != nil && syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		return rulebook{}, err
	}
	return rulebookOf(a.cfg.BuiltIn)
}

// recount counts everybody again from the ledger.
type recount struct {
	a        *Assessment
	at       syncengine.Moment
	upTo     syncengine.Position // what changed later is read from the ledger
	progress Progress

	all   []owned
	links care.People
}

// owned is a record with the person it belongs to.
type owned struct{ person, id record.ID }

const recountPage = 1000

// gather lists all records that have come by now, by person as the links of then have it.
func (r *recount) gather(ctx context.Context) error {
	q := syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
		Limit: recountPage, Bytes: 1 << 20, UpTo: r.a.cfg.Shard.Position(),
	}
	var links []care.Link
	for {
		rows, err := r.a.cfg.Shard.List(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			q.After = row.Position
			switch kind := row.ID.Kind(); {
			case kind == care.KindResidentLink:
				l, ok, err := r.link(ctx, row)
				if err != nil {
					return err
				}
				if ok {
					links = append(links, l)
				}
			case !row.Subject.IsZero():
				r.all = append(r.all, owned{row.Subject, row.ID})
			default:
				r.all = append(r.all, owned{row.ID, row.ID})
			}
		}
		if !q.Full(rows) {
			break
		}
	}
	r.links = care.NewPeople(links)
	for i := range r.all {
		r.all[i].person = r.links.Person(r.all[i].person)
	}
	slices.SortFunc(r.all, func(a, b owned) int {
		if c := bytes.Compare(a.person[:], b.person[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.id[:], b.id[:])
	})
	return nil
}

// link reads a link as it stood.
func (r *recount) link(ctx context.Context, row syncengine.RecordRow) (l care.Link, ok bool, err error) {
	e, ok, err := r.entry(ctx, row, nil)
	if err != nil || !ok || e.Voided {
		return l, false, err
	}
	form, is := e.Form.(*carev1.ResidentLink)
	if !is || len(form.GetResidentA()) != len(row.ID) || len(form.GetResidentB()) != len(row.ID) {
		return l, false, nil
	}
	l = care.Link{
		A: record.ID(form.GetResidentA()), B: record.ID(form.GetResidentB()),
		Same: form.GetRuling().GetState() == carev1.LinkState_LINK_STATE_LINKED,
	}
	return l, l.Same && care.LinkID(l.A, l.B) == row.ID, nil
}

// entry reads a record as it stood; false when it had not come, or cannot be read.
func (r *recount) entry(ctx context.Context, row syncengine.RecordRow, divisions map[record.ID]record.Division) (e rules.Entry, ok bool, err error) {
	state, ok, err := r.state(ctx, row)
	if err != nil || !ok {
		return e, false, err
	}
	id, registers := row.ID, state.Registers()
	form, err := care.Message(id.Kind(), registers)
	if err != nil {
		return e, false, nil //nolint:nilerr // as whoever counted could not read it
	}
	e = rules.Entry{ID: id, Kind: id.Kind(), Form: form, Voided: state.Life() == record.LifeVoided, CapturedAt: care.CapturedAt(registers)}
	e.Subject, _ = state.Subject()
	if divisions == nil {
		return e, true, nil
	}
	if all := row.Divisions; row.Position <= r.upTo && len(all) > 0 {
		divisions[id] = all[0]
	} else if all := state.Divisions(); len(all) > 0 {
		divisions[id] = all[0]
	}
	return e, true, nil
}

// state returns the state of a record as it stood; false when nothing of it had come.
func (r *recount) state(ctx context.Context, row syncengine.RecordRow) (record.State, bool, error) {
	if row.Position <= r.upTo {
		state, err := record.DecodeState(row.State)
		return state, err == nil, err
	}
	state, n, err := r.a.cfg.Shard.StateAsOf(ctx, row.ID, r.at)
	return state, n > 0, err
}

// digest counts person after person.
func (r *recount) digest(ctx context.Context, e *indicators.Evaluator) (*digest, error) {
	d := newDigest()
	for from := 0; from < len(r.all); {
		to := from + 1
		for to < len(r.all) && r.all[to].person == r.all[from].person {
			to++
		}
		outcomes, err := r.person(ctx, r.all[from:to], e)
		if err != nil {
			return nil, err
		}
		d.add(r.all[from].person, outcomes)
		if from/tellEvery != to/tellEvery || from == 0 {
			r.progress(to, len(r.all))
		}
		from = to
	}
	r.progress(len(r.all), len(r.all))
	return d, ctx.Err()
}

func (r *recount) person(ctx context.Context, all []owned, e *indicators.Evaluator) ([]indicators.Outcome, error) {
	ids := make([]record.ID, len(all))
	for i, one := range all {
		ids[i] = one.id
	}
	rows, err := r.a.cfg.Shard.Rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	divisions := map[record.ID]record.Division{}
	var entries []rules.Entry
	for _, row := range rows {
		entry, ok, err := r.entry(ctx, row, divisions)
		if err != nil {
			return nil, err
		}
		if ok {
			entries = append(entries, entry)
		}
	}
	p := rules.NewPerson(all[0].person, entries)
	f := indicators.Extract(indicators.Input{Person: p, Division: func(id record.ID) record.Division { return divisions[id] }})
	return e.Append(nil, &f), nil
}
