// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Shown is what a save must know of the screen its form was opened on, beside
// the parents inside the changes. It goes with the form, not with the moment of
// saving: whatever arrives in between was not seen.
type Shown struct {
	Record record.ID
	Life   []causal.Dot     // the values shown in the life register
	Scope  record.ScopeSeen // the scope shown; zero when there was none
}

// SaveRequest is one press of the save button.
type SaveRequest struct {
	// Shown is the screen of an existing record; zero for a new one.
	Shown Shown
	// Kind is the kind of a new record whose Record is zero.
	Kind record.Kind
	// Record is the id of a new record that everybody derives alike; else zero.
	Record record.ID
	// Author is the staff id of who saves.
	Author string
	// Subject is the resident a new record is about; zero: none.
	Subject record.ID
	// Scope is the division of a new record, or of one that was shown without any.
	Scope record.Division
	// Changes come from the form, each with the dots shown at its path as parents.
	Changes []record.Change
}

// Saved is a durable save.
type Saved struct {
	Record record.ID
	Dot    causal.Dot
	// Shown is the screen the same form now stands on: its values are the saved
	// ones, so a further save from it has Dot as the parent of every saved path.
	Shown Shown
}

// VoidRequest declares a record void that was saved by mistake.
type VoidRequest struct {
	Shown  Shown
	Author string
	Reason string
}

// Save makes one revision and returns when it is on disk. It refuses, before a
// dot is taken, what wraps record.ErrTooLarge or record.ErrMalformed, ErrNoForm
// and ErrNoScope. To resolve a conflict, save a change whose parents are the
// siblings shown. It needs no certificate and no connection.
func (r *Replica) Save(ctx context.Context, q SaveRequest) (Saved, error) {
	var out Saved
	salt, err := r.salt()
	if err != nil {
		return out, err
	}
	err = r.update(ctx, func(tx Tx) error {
		out, err = r.save(tx, q, salt)
		return err
	})
	if err != nil {
		return Saved{}, fmt.Errorf("save: %w", err)
	}
	return out, nil
}

// Void saves that a record is void. Beside somebody's edit that it did not see
// it becomes a conflict that people resolve.
func (r *Replica) Void(ctx context.Context, q VoidRequest) (Saved, error) {
	return r.Save(ctx, SaveRequest{
		Shown:   q.Shown,
		Author:  q.Author,
		Changes: []record.Change{{Path: record.PathLife, Value: record.Voided(q.Reason), Parents: q.Shown.Life}},
	})
}

func (r *Replica) salt() (salt [16]byte, err error) {
	if _, err = io.ReadFull(r.cfg.Rand, salt[:]); err != nil {
		err = fmt.Errorf("save: salt: %w", err)
	}
	return salt, err
}

func (r *Replica) save(tx Tx, q SaveRequest, salt [16]byte) (Saved, error) {
	s, err := r.readSelf(tx)
	if err != nil {
		return Saved{}, err
	}
	rev := record.Revision{Author: q.Author, ScopeSeen: q.Shown.Scope}
	rev.Dot = causal.Dot{Replica: s.id, Counter: r.rules.counter(s.own.counter)}
	if rev.ClockMs, err = r.clock(tx, q); err != nil {
		return Saved{}, err
	}
	if rev.Record, err = q.id(s.id, rev.ClockMs, salt); err != nil {
		return Saved{}, err
	}
	if rev.Prev, err = readPrev(tx, s.id, rev.Record); err != nil {
		return Saved{}, err
	}
	if rev.Changes, err = q.changes(); err != nil {
		return Saved{}, err
	}
	if err := rev.Check(); err != nil {
		return Saved{}, err
	}
	if rev, _, err = rev.Seal(salt[:]); err != nil {
		return Saved{}, err
	}
	if err := keepSave(tx, s, rev, salt); err != nil {
		return Saved{}, err
	}
	return Saved{rev.Record, rev.Dot, q.Shown.after(rev)}, nil
}

// clock returns the clock of the save: the device's, but later than any before.
func (r *Replica) clock(tx Reader, q SaveRequest) (int64, error) {
	raw, _, err := value(tx, valueClock)
	if err != nil {
		return 0, err
	}
	last := int64(0)
	if len(raw) == 8 {
		last = int64(binary.BigEndian.Uint64(raw))
	}
	seen := func() int64 { return greatestClock(tx, q.Shown.Record) }
	return r.rules.clock(last, r.nowMs(), seen), nil
}

// id returns the record the save is about.
func (q SaveRequest) id(maker causal.ReplicaID, clockMs int64, salt [16]byte) (record.ID, error) {
	switch {
	case !q.Shown.Record.IsZero():
		return q.Shown.Record, nil
	case q.Record.IsZero():
		return record.MakeID(q.Kind, time.UnixMilli(clockMs), maker, salt)
	case q.Record[6]>>4 != 8:
		return record.ID{}, fmt.Errorf("%s: %w", q.Record, ErrNoForm)
	}
	return q.Record, nil
}

// changes returns the request's changes and those of the header registers.
func (q SaveRequest) changes() ([]record.Change, error) {
	all := slices.Clone(q.Changes)
	for i := range all {
		all[i].Value = all[i].Value.Writable()
	}
	has := func(p record.Path) bool {
		return slices.ContainsFunc(all, func(c record.Change) bool { return c.Path == p })
	}
	if !has(record.PathLife) {
		all = append(all, record.Change{Path: record.PathLife, Value: record.Active(), Parents: q.Shown.Life})
	}
	if q.Shown.Scope.Dot.IsZero() && !has(record.PathScope) {
		if q.Scope == "" {
			return nil, ErrNoScope
		}
		all = append(all, record.Change{Path: record.PathScope, Value: record.Of([]byte(q.Scope))})
	}
	if q.Shown.Record.IsZero() && !q.Subject.IsZero() && !has(record.PathSubject) {
		all = append(all, record.Change{Path: record.PathSubject, Value: record.Of(q.Subject[:])})
	}
	return record.Normalise(all)
}

// after returns the screen of a form from which rev was saved.
func (s Shown) after(rev record.Revision) Shown {
	out := Shown{Record: rev.Record, Life: []causal.Dot{rev.Dot}, Scope: s.Scope}
	if c, ok := rev.Change(record.PathScope); ok && c.Value.Form == record.Present {
		out.Scope = record.ScopeSeen{Dot: rev.Dot, Division: record.Division(c.Value.Bytes)}
	}
	return out
}

func readPrev(r Reader, id causal.ReplicaID, rec record.ID) (record.Prev, error) {
	p, _, err := load(r, Prevs, prevKey(id, rec), unpackPrev)
	return p, err
}

func prevKey(id causal.ReplicaID, rec record.ID) []byte {
	return append(slices.Clone(id[:]), rec[:]...)
}

func packPrev(d causal.Dot) []byte {
	var p packer
	p.num(d.Counter)
	p.raw(d.Hash[:])
	return p
}

func unpackPrev(raw []byte) (record.Prev, error) {
	u := unpacker{rest: raw}
	p := record.Prev{Counter: u.num(), Hash: u.hash8()}
	return p, u.done("previous save")
}

// keepSave writes everything that one save changes.
func keepSave(tx Tx, s self, rev record.Revision, salt [16]byte) error {
	s.own.counter = rev.Dot.Counter
	if err := tx.PutHead(Own, s.id[:], s.own.pack()); err != nil {
		return err
	}
	if err := putValue(tx, valueClock, binary.BigEndian.AppendUint64(nil, uint64(rev.ClockMs))); err != nil {
		return err
	}
	if err := tx.PutHead(Prevs, prevKey(s.id, rev.Record), packPrev(rev.Dot)); err != nil {
		return err
	}
	if err := tx.Put(Revisions, revisionRow(rev, salt)); err != nil {
		return err
	}
	place := placeRow{own: true, prev: rev.Prev}
	if err := tx.PutHead(Places, placeKey(rev.Record, rev.Dot), place.pack()); err != nil {
		return err
	}
	return noteRecord(tx, rev)
}

// revisionRow is a save that is not yet sealed; its head is the saver's clock.
func revisionRow(rev record.Revision, salt [16]byte) Row {
	var head, body packer
	head.time(rev.ClockMs)
	body.raw(salt[:])
	body.blob(rev.AppendSkeleton(nil))
	body.blob(record.AppendBody(nil, rev.Changes))
	return Row{Key: counterKey(rev.Dot.Replica, rev.Dot.Counter), Head: head, Body: body}
}

func unpackRevision(raw []byte) (segment.Sealable, error) {
	u := unpacker{rest: raw}
	var out segment.Sealable
	copy(out.Salt[:], u.take(16))
	skeleton, body := u.blob(), u.blob()
	if err := u.done("unsealed save"); err != nil {
		return out, err
	}
	rev, err := record.DecodeSkeleton(skeleton)
	if err != nil {
		return out, fmt.Errorf("unsealed save: %w", err)
	}
	if rev.Changes, err = record.DecodeBody(rev.Changes, body); err != nil {
		return out, fmt.Errorf("unsealed save: %w", err)
	}
	rev.Dot.Hash = causal.Short(record.LeafHash(skeleton, record.BodyHash(out.Salt[:], body)))
	out.Revision = rev
	return out, nil
}

// noteRecord makes sure that the record of a revision held here is listed, also
// under the subject the revision names.
func noteRecord(tx Tx, rev record.Revision) error {
	b, ok, err := readBase(tx, rev.Record)
	if err != nil {
		return err
	}
	subjects := withSubjectOf(b.subjects, rev)
	if ok && b.places && len(subjects) == len(b.subjects) {
		return nil
	}
	for _, id := range subjects[len(b.subjects):] {
		if err := tx.PutHead(Subjects, subjectKey(id, rev.Record), nil); err != nil {
			return err
		}
	}
	b.places, b.subjects = true, subjects
	return tx.PutHead(Bases, recordKey(rev.Record), b.pack())
}

// withSubjectOf returns list with the resident that a revision names, if any.
func withSubjectOf(list []record.ID, rev record.Revision) []record.ID {
	c, has := rev.Change(record.PathSubject)
	if !has || c.Value.Form != record.Present || len(c.Value.Bytes) != 16 {
		return list
	}
	return withSubject(list, record.ID(c.Value.Bytes))
}

func withSubject(list []record.ID, id record.ID) []record.ID {
	if slices.Contains(list, id) {
		return list
	}
	return append(slices.Clone(list), id)
}

func subjectKey(subject, rec record.ID) []byte { return append(slices.Clone(subject[:]), rec[:]...) }

func readBase(r Reader, id record.ID) (baseRow, bool, error) {
	return load(r, Bases, recordKey(id), unpackBase)
}
