// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Freeze is a frozen window.
type Freeze struct {
	Record       record.ID
	Period       indicators.Period
	At           time.Time
	Author       string
	Epoch        string
	Size         ledger.Size
	Root         [32]byte
	Position     uint64
	Digest       [32]byte
	Persons      uint64
	Pack         [2]string
	PackHash     []byte
	Settings     [32]byte
	Completeness Completeness
	Records      int // that it was saved in; 0: not counted
}

// The sizes of a freeze: a record is at most 48 KiB.
const (
	mostFrozenBytes = 40 << 10
	unitsInPart     = 24
)

// freezeID names the record of a part of a freeze, so that a window is frozen once: the county's
// own part 0 is the head.
func freezeID(p indicators.Period, d record.Division, part int) record.ID {
	return record.DerivedID(kindFreeze, fmt.Appendf(nil, "assessment_freeze/%d/%d/%s/%d", p.From, p.To, d, part))
}

// digest is the hash of the outcomes of all persons, to be written in the order of their ids:
//
//	person (16) | uvarint how many outcomes | each:
//	    uvarint length, code | uvarint length, division | uvarint length, doctor
//	    varint numerator | varint denominator | varint amount
//
// S23 and T02 are left out: they follow from what rules find on a day, too, and not from the
// ledger alone. Who has no outcome is left out.
type digest struct {
	sum     hash.Hash
	buf     []byte
	persons uint64
}

func newDigest() *digest { return &digest{sum: sha256.New()} }

// judged reports whether an indicator follows from what rules find.
func judged(code indicators.Code) bool { return code == "S23" || code == "T02" }

func (d *digest) add(person record.ID, outcomes []indicators.Outcome) {
	n := 0
	for _, o := range outcomes {
		if !judged(o.Code) {
			n++
		}
	}
	if n == 0 {
		return
	}
	d.persons++
	d.buf = binary.AppendUvarint(append(d.buf[:0], person[:]...), uint64(n))
	for _, o := range outcomes {
		if judged(o.Code) {
			continue
		}
		for _, text := range []string{string(o.Code), string(o.Division), o.Doctor} {
			d.buf = append(binary.AppendUvarint(d.buf, uint64(len(text))), text...)
		}
		for _, v := range []int64{o.Numerator, o.Denominator, o.Amount} {
			d.buf = binary.AppendVarint(d.buf, v)
		}
	}
	d.sum.Write(d.buf)
}

func (d *digest) result() [32]byte { return [32]byte(d.sum.Sum(nil)) }

// Freeze keeps the figures of a half-year or a year that is over as records: all of them are
// saved in one transaction, or none. Problems: ProblemWindow, ProblemNotOver, ProblemFrozen,
// ProblemBusy when records keep coming, ProblemTooLarge.
func (a *Assessment) Freeze(ctx context.Context, p indicators.Period, author string, progress Progress) (Freeze, error) {
	if err := a.mayFreeze(p); err != nil {
		return Freeze{}, err
	}
	shown, err := a.freezeShown(ctx, p)
	if err != nil {
		return Freeze{}, err
	}
	f := Freeze{Record: freezeID(p, record.Division(a.cfg.County), 0), Period: p, Author: author}
	var villages counted
	err = a.quiet(ctx, func(c *counting, checkpoint ledger.Checkpoint) error {
		f.At, f.Epoch, f.Size, f.Root = a.cfg.Clock().UTC().Truncate(time.Millisecond), checkpoint.Epoch.String(), checkpoint.Size, checkpoint.Root
		f.Position, f.Pack, f.Settings = c.standing.Position, [2]string{c.book.pack.Name(), c.book.pack.Version()}, c.book.digest
		hash := c.book.pack.Hash()
		f.PackHash = hash[:]
		var err error
		villages, err = c.freeze(ctx, p, &f, progress)
		return err
	})
	if err != nil {
		return Freeze{}, err
	}
	if f.Completeness, err = a.completeness(ctx, villages.basis); err != nil {
		return Freeze{}, err
	}
	saves, err := a.freezeSaves(ctx, f, villages, shown)
	if err != nil {
		return Freeze{}, err
	}
	f.Records = len(saves)
	if _, err := a.cfg.Shard.Save(ctx, author, saves...); err != nil {
		return Freeze{}, fmt.Errorf("freeze %s: %w", p, err)
	}
	return f, nil
}

// mayFreeze reports why a window cannot be frozen today.
func (a *Assessment) mayFreeze(p indicators.Period) error {
	switch today := a.today(); {
	case !p.Valid() || !freezable(p):
		return problem(ProblemWindow, "%s is neither a half-year nor a year: write 2026H1, 2026H2 or 2026", p)
	case p.From > today:
		return problem(ProblemNotBegun, "%s has not begun: its first day is %s, today is %s", p, p.From, today)
	case p.To >= today:
		return problem(ProblemNotOver, "%s is still under way: it ends on %s, today is %s", p, p.To, today)
	}
	return nil
}

// freezeShown returns the registers of the head of a freeze that was taken back, nil when there
// was none. ProblemFrozen when it stands.
func (a *Assessment) freezeShown(ctx context.Context, p indicators.Period) ([]record.Register, error) {
	view, err := a.cfg.Shard.Get(ctx, freezeID(p, record.Division(a.cfg.County), 0))
	if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if view.State.Life() != record.LifeVoided {
		return nil, problem(ProblemFrozen, "%s is frozen already: its figures stay as they are; what came late is listed beside them", p)
	}
	return view.State.Registers(), nil
}

// Somebody saves nearly always; for a moment, now and then, everything that was saved has been
// counted, too. That is when a window is frozen.
const (
	quietTries = 600
	quietPause = 100 * time.Millisecond
)

// errNotQuiet says that something was saved meanwhile.
var errNotQuiet = errors.New("not quiet")

// quiet runs do on a snapshot in which everything is counted that is in the ledger of a
// checkpoint. ProblemBusy: there was no such moment for a minute.
func (a *Assessment) quiet(ctx context.Context, do func(*counting, ledger.Checkpoint) error) error {
	for range quietTries {
		err := a.count(ctx, func(c *counting) error {
			checkpoint, ok, err := a.checkpointAt(ctx, c.standing)
			if err != nil {
				return err
			}
			if !ok {
				return errNotQuiet
			}
			return do(c, checkpoint)
		})
		if !errors.Is(err, errNotQuiet) {
			return err
		}
		if err := a.cfg.Wait(ctx, quietPause); err != nil {
			return err
		}
	}
	return problem(ProblemBusy, "records keep coming faster than they are counted: try again when fewer tablets sync; nothing was frozen")
}

// checkpointAt returns the ledger's checkpoint if nothing was saved that is not counted.
func (a *Assessment) checkpointAt(ctx context.Context, s Standing) (cp ledger.Checkpoint, ok bool, err error) {
	if s.behind() > 0 || uint64(a.cfg.Shard.Position()) != s.Position {
		return cp, false, nil
	}
	raw, err := a.cfg.Shard.Checkpoint(ctx)
	if err != nil {
		return cp, false, err
	}
	if cp, err = ledger.OpenCheckpoint(raw, a.cfg.Shard.ShardKey()); err != nil {
		return cp, false, err
	}
	return cp, uint64(a.cfg.Shard.Position()) == s.Position, nil
}

// freeze counts a window by village, from the facts, and the digest with it.
func (c *counting) freeze(ctx context.Context, p indicators.Period, f *Freeze, progress Progress) (counted, error) {
	q := Query{Period: p, AsOf: p.To, Divisions: []record.Division{""}, Level: Village, Live: true, Sensitive: true}
	w := on(p, p.To)
	evaluators := []*indicators.Evaluator{
		indicators.NewEvaluator(w.question(), c.book.settings), indicators.NewEvaluator(w.lastYear().question(), c.book.settings),
	}
	out := counted{period: p, now: sums{}, before: sums{}, basis: c.basis(w.last)}
	d := newDigest()
	var outcomes []indicators.Outcome
	err := c.walk(ctx, sqlByPerson, progress, func(row factsRow, facts *indicators.Facts) error {
		for i, s := range []sums{out.now, out.before} {
			outcomes = evaluators[i].Append(outcomes[:0], facts)
			if i == 0 {
				d.add(row.person, outcomes)
			}
			for _, o := range outcomes {
				key := cell{o.Code, unitOf(o.Division, o.Doctor, Village, "")}
				t := s[key]
				t.Add(o)
				s[key] = t
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	f.Digest, f.Persons = d.result(), d.persons
	out.raise(record.Division(c.a.cfg.County))
	return out, c.register(&out, q, indicators.All(), w)
}

// raise adds the sums of townships and of the county to those of villages. A unit that is a
// township itself keeps what is directly in it under its own code.
func (c *counted) raise(county record.Division) {
	for _, s := range []sums{c.now, c.before} {
		raised := sums{}
		for at, t := range s {
			key := cell{at.code, Unit{Division: county}}
			raised[key] = raised[key].Plus(t)
			if d := at.unit.Division; len(d) > int(care.LevelCounty) {
				key.unit.Division = care.Above(d, care.LevelTownship)
				raised[key] = raised[key].Plus(t)
			}
			if len(at.unit.Division) == int(care.LevelVillage) {
				raised[at] = raised[at].Plus(t)
			}
		}
		clear(s)
		for at, t := range raised {
			s[at] = t
		}
	}
}

// freezeSaves makes the saves of a freeze: the head, then the townships with their villages. shown
// is what the head shows when the window was frozen before and that was taken back.
func (a *Assessment) freezeSaves(ctx context.Context, f Freeze, c counted, shown []record.Register) ([]syncengine.OfficeSave, error) {
	county := record.Division(a.cfg.County)
	groups := map[record.Division][]Unit{}
	for _, u := range c.units([]Unit{{Division: county}}) {
		if u.Division != "" {
			d := care.Above(u.Division, care.LevelTownship)
			groups[d] = append(groups[d], u)
		}
	}
	for _, units := range groups {
		f.Records += (len(units) + unitsInPart - 1) / unitsInPart
	}
	w := freezeWriter{a: a, freeze: f, again: shown != nil}
	for _, d := range sortedDivisions(groups) {
		number := 0
		if d != county {
			number = 1
		}
		for units := range slices.Chunk(groups[d], unitsInPart) {
			if err := w.part(ctx, d, number, c.columns(units)); err != nil {
				return nil, err
			}
			number++
		}
		if err := w.empty(ctx, d, number); err != nil {
			return nil, err
		}
	}
	return w.saves, nil
}

// freezeWriter gathers the saves of a freeze.
type freezeWriter struct {
	a      *Assessment
	freeze Freeze
	again  bool // records of these ids may be there
	saves  []syncengine.OfficeSave
}

func (w *freezeWriter) part(ctx context.Context, d record.Division, number int, figures *carev1.FrozenFigures) error {
	id := freezeID(w.freeze.Period, d, number)
	form := &carev1.AssessmentFreeze{
		Window: wireWindow(w.freeze.Period), DivisionCode: string(care.FullCode(d)), Part: int32(number), Figures: figures,
	}
	if d == record.Division(w.a.cfg.County) && number == 0 {
		form.Basis = w.freeze.basis()
	}
	shown, _, err := w.shown(ctx, id)
	if err != nil {
		return err
	}
	save, err := freezeSave(id, form, d, shown)
	w.saves = append(w.saves, save)
	return err
}

// empty empties the further parts that a former freeze of the window had.
func (w *freezeWriter) empty(ctx context.Context, d record.Division, number int) error {
	for ; w.again; number++ {
		_, there, err := w.shown(ctx, freezeID(w.freeze.Period, d, number))
		if err != nil || !there {
			return err
		}
		if err := w.part(ctx, d, number, &carev1.FrozenFigures{}); err != nil {
			return err
		}
	}
	return nil
}

func (w *freezeWriter) shown(ctx context.Context, id record.ID) (shown []record.Register, there bool, err error) {
	if !w.again {
		return nil, false, nil
	}
	view, err := w.a.cfg.Shard.Get(ctx, id)
	if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
		return nil, false, nil
	}
	return view.State.Registers(), err == nil, err
}

func sortedDivisions(groups map[record.Division][]Unit) []record.Division {
	var out []record.Division
	for d := range groups {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b record.Division) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return out
}

func freezeSave(id record.ID, form *carev1.AssessmentFreeze, d record.Division, shown []record.Register) (syncengine.OfficeSave, error) {
	if n := proto.Size(form); n > mostFrozenBytes {
		return syncengine.OfficeSave{}, problem(ProblemTooLarge, "the figures of %s take %d bytes, a record holds %d: nothing was frozen", d, n, mostFrozenBytes)
	}
	changes, err := care.Diff(kindFreeze, shown, form)
	if err != nil {
		return syncengine.OfficeSave{}, err
	}
	alive := record.Change{Path: record.PathLife, Value: record.Active()}
	scope := record.Change{Path: record.PathScope, Value: record.Of([]byte(care.FullCode(d)))}
	for _, g := range shown {
		if g.Path == record.PathLife {
			alive.Parents = g.Parents()
		}
		if g.Path == record.PathScope {
			scope.Parents = g.Parents()
		}
	}
	return syncengine.OfficeSave{Record: id, Changes: append(changes, alive, scope)}, nil
}

func wireWindow(p indicators.Period) *carev1.FreezeWindow {
	return &carev1.FreezeWindow{StartsOn: int32(p.From), EndsOn: int32(p.To)}
}

func (f Freeze) basis() *carev1.FreezeBasis {
	return &carev1.FreezeBasis{
		Epoch: f.Epoch, LedgerSize: uint64(f.Size), LedgerRoot: f.Root[:], Position: f.Position, OutcomesSha256: f.Digest[:], Persons: f.Persons,
		PackName: f.Pack[0], PackVersion: f.Pack[1], PackSha256: f.PackHash, SettingsSha256: f.Settings[:], FrozenAtMs: f.At.UnixMilli(), AuthorId: f.Author, Records: uint32(f.Records),
		Completeness: &carev1.FreezeCompleteness{
			Tablets: uint32(f.Completeness.Tablets), Heard: uint32(f.Completeness.Heard), OldestSyncDays: uint32(f.Completeness.OldestSyncDays),
			HeldSaves: uint32(f.Completeness.HeldSaves),
		},
	}
}
