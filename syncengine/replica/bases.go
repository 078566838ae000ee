// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// baseWriter changes bases inside one transaction and keeps the sums and the
// list by subject in step. The sums are written by flush.
type baseWriter struct {
	r        *Replica
	tx       Tx
	sums     map[string]session.Sum
	verdicts map[record.ID][]causal.Dot // own saves not admitted; nil: not yet read
}

func (r *Replica) newBaseWriter(tx Tx) *baseWriter {
	return &baseWriter{r: r, tx: tx, sums: map[string]session.Sum{}}
}

// put stores a record's base in place of the old one.
func (w *baseWriter) put(id record.ID, old, now baseRow, state []byte) error {
	if err := w.count(old, -1); err != nil {
		return err
	}
	if err := w.count(now, +1); err != nil {
		return err
	}
	if err := w.indexSubjects(id, old.subjects, now.subjects); err != nil {
		return err
	}
	if err := w.tx.Put(Bases, Row{Key: recordKey(id), Head: now.pack(), Body: state}); err != nil || !now.places || now.status != baseDeparted {
		return err
	}
	return w.r.returnLent(w.tx, id, now, record.State{})
}

// remove forgets a record altogether.
func (w *baseWriter) remove(id record.ID, old baseRow) error {
	if err := w.count(old, -1); err != nil {
		return err
	}
	if err := w.indexSubjects(id, old.subjects, nil); err != nil {
		return err
	}
	return w.tx.Delete(Bases, recordKey(id))
}

func (w *baseWriter) indexSubjects(id record.ID, old, now []record.ID) error {
	for _, s := range old {
		if !slices.Contains(now, s) {
			if err := w.tx.Delete(Subjects, subjectKey(s, id)); err != nil {
				return err
			}
		}
	}
	for _, s := range now {
		if !slices.Contains(old, s) {
			if err := w.tx.PutHead(Subjects, subjectKey(s, id), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// count takes a base that stands into the piles of its divisions, or out of them.
func (w *baseWriter) count(b baseRow, sign int) error {
	if !b.stands() {
		return nil
	}
	for _, d := range b.divisions {
		key := sumKey(d, b.class)
		sum, ok := w.sums[string(key)]
		if !ok {
			var err error
			if sum, err = readSum(w.tx, d, b.class); err != nil {
				return err
			}
		}
		w.sums[string(key)] = addPrint(sum, b.print, sign)
	}
	return nil
}

// flush writes the sums that changed.
func (w *baseWriter) flush() error {
	for key, sum := range w.sums {
		if err := putSum(w.tx, []byte(key), sum); err != nil {
			return err
		}
	}
	return nil
}

// source is who offers bases.
type source struct {
	epoch  ledger.Epoch
	hub    bool
	pull   uint64 // number of the centre's pull
	passed passedRow
	cert   segment.Certificate
}

// takeBase takes an offered base if it replaces what is here, and reports whether
// it did.
func (w *baseWriter) takeBase(b session.Base, from source) (bool, error) {
	state, err := record.DecodeState(b.State)
	if err != nil {
		return false, fmt.Errorf("base of %s: %w: %w", b.ID, ErrPage, err)
	}
	if !b.ID.Valid() {
		return false, fmt.Errorf("base of %s: %w", b.ID, ErrPage)
	}
	if from.hub && !inScope(from.cert, b.Class, b.Divisions) {
		return w.takeDeparture(session.Departure{ID: b.ID, Position: b.Position}, from)
	}
	old, _, err := readBase(w.tx, b.ID)
	if err != nil {
		return false, err
	}
	o := w.offer(b.ID, old, b.Position, from)
	o.state = func() record.State { return state }
	if !w.r.rules.replaces(o) {
		return false, nil
	}
	now := liveBase(b, state, from)
	now.places = old.places
	if from.hub && old.epoch == from.epoch {
		now.pull = old.pull
	}
	if old.places {
		for _, id := range old.subjects {
			now.subjects = withSubject(now.subjects, id)
		}
		if err := w.compareVerdicts(b.ID, state); err != nil {
			return false, err
		}
	}
	if err := w.put(b.ID, old, now, b.State); err != nil || !old.places {
		return true, err
	}
	return true, w.r.returnLent(w.tx, b.ID, now, state)
}

// compareVerdicts brings what is kept about own saves of a record in line with
// its new base: those admitted since are forgotten, those held since are noted.
func (w *baseWriter) compareVerdicts(id record.ID, s record.State) error {
	if err := w.readVerdicts(); err != nil {
		return err
	}
	for _, d := range w.verdicts[id] {
		if s.Applied(d) {
			if err := w.tx.Delete(Verdicts, dotKey(d)); err != nil {
				return err
			}
		}
	}
	for _, d := range s.Held {
		if slices.Contains(w.verdicts[id], d) {
			continue
		}
		at, ok, err := load(w.tx, Places, placeKey(id, d), unpackPlace)
		if err != nil {
			return err
		}
		if ok && at.own {
			if err := w.tx.PutHead(Verdicts, dotKey(d), verdictRow{record: id}.pack()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *baseWriter) readVerdicts() error {
	if w.verdicts != nil {
		return nil
	}
	w.verdicts = map[record.ID][]causal.Dot{}
	return scan(w.tx, Verdicts, nil, func(row Row) error {
		v, err := unpackVerdict(row.Head)
		if err != nil {
			return err
		}
		d, _, err := causal.DecodeDot(row.Key)
		w.verdicts[v.record] = append(w.verdicts[v.record], d)
		return err
	})
}

func (w *baseWriter) offer(id record.ID, old baseRow, at session.Position, from source) offered {
	return offered{
		here: old, offer: named{from.epoch, at}, hub: from.hub, passed: from.passed,
		old: func() record.State {
			row, _, _ := w.tx.Get(Bases, recordKey(id))
			s, _ := record.DecodeState(row.Body)
			return s
		},
	}
}

func liveBase(b session.Base, state record.State, from source) baseRow {
	now := baseRow{
		status: baseLive, epoch: from.epoch, position: b.Position, pull: from.pull,
		class: b.Class, divisions: slices.Clone(b.Divisions),
		print:    record.Fingerprint(b.ID, b.State),
		conflict: state.Conflicts() > 0,
	}
	now.subjects = subjectsOf(state)
	return now
}

// subjectsOf returns the residents that a state is about.
func subjectsOf(state record.State) (out []record.ID) {
	for _, e := range state.At(record.PathSubject) {
		if e.Value.Form == record.Present && len(e.Value.Bytes) == 16 {
			out = withSubject(out, record.ID(e.Value.Bytes))
		}
	}
	return out
}

// takeDeparture takes an offered departure. The centre's is kept even for a
// record that is not here, so that nobody's older base comes after it.
func (w *baseWriter) takeDeparture(d session.Departure, from source) (bool, error) {
	old, ok, err := readBase(w.tx, d.ID)
	if err != nil || !ok && from.hub {
		return false, err
	}
	o := w.offer(d.ID, old, d.Position, from)
	o.departed = true
	if !w.r.rules.replaces(o) {
		return false, nil
	}
	now := old.departedAt(named{from.epoch, d.Position})
	now.pull = from.pull
	return true, w.put(d.ID, old, now, nil)
}

// sweepUnnamed lets every base depart that a complete pull from nothing did not name;
// where the pull came in writing, but those that are newer than it, which it cannot have
// named.
func (w *baseWriter) sweepUnnamed(at named, pull uint64, written bool) error {
	return scan(w.tx, Bases, nil, func(row Row) error {
		old, err := unpackBase(row.Head)
		if err != nil || old.status == baseNone || old.pull == pull || written && old.newerThan(at) {
			return err
		}
		now, keep := w.r.rules.unnamed(old, at)
		if !keep {
			return w.remove(idOfKey(row.Key), old)
		}
		return w.put(idOfKey(row.Key), old, now, nil)
	})
}

// newerThan reports whether a base came from later in the same epoch.
func (b baseRow) newerThan(at named) bool {
	return b.status != baseNone && b.epoch == at.epoch && b.position > at.position
}

// narrow lets records depart that a new certificate no longer covers. When the
// certificate changes again before a pull has used this one, cursors still claim
// what departed; then they begin anew.
func (r *Replica) narrow(tx Tx, cert segment.Certificate) error {
	_, before, err := value(tx, valueNarrowed)
	if err != nil {
		return err
	}
	if before {
		if err := forgetCursors(tx); err != nil {
			return err
		}
	}
	departed, err := r.departOutside(tx, cert)
	if err != nil || departed == 0 || before {
		return err
	}
	return putValue(tx, valueNarrowed, []byte{1})
}

// beginAnewBetween has the next pull begin from nothing where the last one broke off between two pages and the scope
// becomes another one. A cursor in the middle has passed what left one division of the former scope for another
// of it, without being told, as it was still in scope; where it went to may not have been reached yet. If the new
// scope has only the former of the two, nothing behind the cursor says that it left.
func beginAnewBetween(tx Tx) error {
	_, between, err := value(tx, valueBetween)
	if err != nil || !between {
		return err
	}
	return forgetCursors(tx)
}

func forgetCursors(tx Tx) error {
	if err := tx.Delete(Values, []byte(valueNarrowed)); err != nil {
		return err
	}
	return scan(tx, Peers, nil, func(row Row) error { return tx.Delete(Peers, row.Key) })
}

// departOutside lets records depart that a certificate does not cover, and
// returns how many. They depart just below their positions, so that the same
// state can come back from anybody.
func (r *Replica) departOutside(tx Tx, cert segment.Certificate) (int, error) {
	w := r.newBaseWriter(tx)
	departed := 0
	err := scan(tx, Bases, nil, func(row Row) error {
		b, err := unpackBase(row.Head)
		if err != nil || !b.stands() || inScope(cert, b.class, b.divisions) {
			return err
		}
		departed++
		return w.put(idOfKey(row.Key), b, b.departedAt(named{b.epoch, max(b.position, 1) - 1}), nil)
	})
	if err != nil {
		return 0, err
	}
	return departed, w.flush()
}

// inScope reports whether a certificate covers a record: its class, and one of
// the divisions it is in. One that is in none is for those who see all.
func inScope(cert segment.Certificate, class record.Class, divisions []record.Division) bool {
	if !cert.AllowsClass(class) {
		return false
	}
	if len(divisions) == 0 {
		return class == record.ClassEveryone || slices.Contains(cert.Divisions, "")
	}
	return slices.ContainsFunc(divisions, func(d record.Division) bool { return d.WithinAny(cert.Divisions) })
}
