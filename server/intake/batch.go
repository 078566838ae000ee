// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// kindImport is import_batch.
const kindImport record.Kind = 60

// maxRuns is how many runs of one file are kept; the oldest finished ones make room.
const maxRuns = 64

// maxSpans is how many spans of saves a run keeps.
const maxSpans = 512

// batch is the account of the file that is imported, and what earlier files of its source saved.
type batch struct {
	id       record.ID
	form     *carev1.ImportBatch
	shown    []record.Register
	run      *carev1.ImportRun
	key      string
	begun    bool                        // this run saved something
	complete bool                        // an earlier run of this very file was finished
	spans    map[causal.ReplicaID][]span // of all files of the source
}

// span is successive counters, both included.
type span struct{ first, last uint64 }

// batchID names the account of a file of a source.
func batchID(b Begin) record.ID {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%d\x00%d\x00%s\x00%x", b.Content, b.Kind, b.Source, b.Sha256)))
	return record.DerivedID(kindImport, sum[:])
}

// readBatches reads the accounts of the source.
func (r *Run) readBatches(ctx context.Context) (batch, error) {
	b := batch{id: batchID(r.b), spans: map[causal.ReplicaID][]span{}}
	err := r.each(ctx, kindImport, func(id record.ID, state record.State, m proto.Message) {
		form := m.(*carev1.ImportBatch)
		if form.GetSourceName() != r.b.Source {
			return
		}
		for key, run := range form.GetRuns() {
			b.learn(run, dotOfRun(state, key))
		}
		if id == b.id {
			b.form, b.shown = form, state.Registers()
		}
	})
	if err != nil {
		return b, err
	}
	if b.form == nil {
		b.form = &carev1.ImportBatch{
			FileName: r.b.FileName, FileSha256: r.b.Sha256, Content: r.b.Content, SourceName: r.b.Source, ProfileName: r.b.Profile,
		}
		if r.b.Kind != 0 {
			kind := int32(r.b.Kind)
			b.form.RecordKind = &kind
		}
	}
	for _, run := range b.form.GetRuns() {
		b.complete = b.complete || run.GetFinishedAtMs() != 0
	}
	now := r.i.cfg.Clock().UnixMilli()
	b.key = runKey(now)
	b.run = &carev1.ImportRun{StartedAtMs: now, AuthorId: r.b.Author, FilePreferred: r.b.Prefer == 2}
	b.spansSorted()
	return b, nil
}

// runKey names a run by when it began, so that runs stand in their order.
func runKey(ms int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(ms))
	return fmt.Sprintf("%x", b[2:])
}

// dotOfRun returns the dot of the save that wrote a run last.
func dotOfRun(state record.State, key string) causal.Dot {
	for _, g := range state.Registers() {
		if len(g.Siblings) > 0 && g.Path == record.Field(16).Key(key) {
			return g.Siblings[0].Dot
		}
	}
	return causal.Dot{}
}

// learn takes the saves of a run into the spans: those it names, and those that came in one
// transaction with its latest account, right behind that.
func (b *batch) learn(run *carev1.ImportRun, at causal.Dot) {
	for _, s := range run.GetSpans() {
		if len(s.GetReplicaKeySha256()) == len(causal.ReplicaID{}) && s.GetSavesCount() > 0 {
			first := uint64(s.GetFirstCounter())
			b.add(causal.ReplicaID(s.GetReplicaKeySha256()), span{first, first + uint64(s.GetSavesCount()) - 1})
		}
	}
	if n := run.GetLatestSavesCount(); n > 0 && !at.IsZero() {
		b.add(at.Replica, span{at.Counter, at.Counter + uint64(n)})
	}
}

func (b *batch) add(r causal.ReplicaID, s span) { b.spans[r] = append(b.spans[r], s) }

// spansSorted joins spans that touch.
func (b *batch) spansSorted() {
	for r, all := range b.spans {
		slices.SortFunc(all, func(x, y span) int {
			if x.first < y.first {
				return -1
			}
			return 1
		})
		out := all[:0]
		for _, s := range all {
			if n := len(out); n > 0 && s.first <= out[n-1].last+1 {
				out[n-1].last = max(out[n-1].last, s.last)
			} else {
				out = append(out, s)
			}
		}
		b.spans[r] = out
	}
}

// made reports whether an import of the source made a save.
func (b *batch) made(d causal.Dot) bool {
	all := b.spans[d.Replica]
	i, _ := slices.BinarySearchFunc(all, d.Counter, func(s span, n uint64) int {
		if s.last < n {
			return -1
		}
		return 1
	})
	return i < len(all) && all[i].first <= d.Counter
}

// account makes the save that writes the counts as they are, in front of so many others.
func (r *Run) account(saves int, last bool) (syncengine.OfficeSave, error) {
	b, c := &r.batch, r.counts
	set := func(to **int64, n uint64) {
		v := int64(n)
		*to = &v
	}
	run := proto.Clone(b.run).(*carev1.ImportRun)
	set(&run.RowsCount, c.Rows)
	set(&run.CreatedCount, c.Created)
	set(&run.UpdatedCount, c.Updated)
	set(&run.SameCount, c.Same)
	set(&run.AsideCount, c.Aside)
	set(&run.RefusedCount, c.Refused)
	set(&run.LatestSavesCount, uint64(saves))
	if last {
		run.FinishedAtMs = r.i.cfg.Clock().UnixMilli()
	}
	form := proto.Clone(b.form).(*carev1.ImportBatch)
	if form.Runs == nil {
		form.Runs = map[string]*carev1.ImportRun{}
	}
	for keys := slices.Sorted(maps.Keys(form.Runs)); len(form.Runs) >= maxRuns && form.Runs[b.key] == nil; keys = keys[1:] {
		delete(form.Runs, keys[0])
	}
	form.Runs[b.key] = run
	changes, err := care.Diff(kindImport, b.shown, form)
	if err != nil {
		return syncengine.OfficeSave{}, err
	}
	if b.shown == nil {
		changes = append(changes,
			record.Change{Path: record.PathScope, Value: record.Of([]byte(care.FullCode(r.i.cfg.County)))},
			record.Change{Path: record.PathLife, Value: record.Active()})
	}
	b.form, b.run = form, run
	return syncengine.OfficeSave{Record: b.id, Changes: changes}, nil
}

// took notes what the last transaction saved: the account first.
func (b *batch) took(saved []syncengine.Saved) {
	b.begun = true
	own := saved[0].Dot
	first, last := own.Counter, own.Counter
	for _, s := range saved {
		if s.Dot.Replica == own.Replica {
			first, last = min(first, s.Dot.Counter), max(last, s.Dot.Counter)
		}
	}
	if last-first+1 == uint64(len(saved)) {
		b.add(own.Replica, span{first, last})
		b.spansSorted()
		b.remember(own.Replica, span{first, last})
	}
	b.show(own)
}

// remember adds a span to the run's own.
func (b *batch) remember(r causal.ReplicaID, s span) {
	if n := len(b.run.Spans); n > 0 {
		at := b.run.Spans[n-1]
		if causal.ReplicaID(at.ReplicaKeySha256) == r && uint64(at.GetFirstCounter()+at.GetSavesCount()) == s.first {
			*at.SavesCount += int64(s.last - s.first + 1)
			return
		}
	}
	if len(b.run.Spans) < maxSpans {
		first, n := int64(s.first), int64(s.last-s.first+1)
		b.run.Spans = append(b.run.Spans, &carev1.ImportSpan{ReplicaKeySha256: r[:], FirstCounter: &first, SavesCount: &n})
	}
}

// show makes the registers of the account what this centre has just saved: nobody else saves
// this record, so its latest save is what the next one replaces.
func (b *batch) show(own causal.Dot) {
	changes, err := care.Diff(kindImport, nil, b.form)
	if err != nil {
		return // it was written just now
	}
	was := map[record.Path]record.Register{}
	for _, g := range b.shown {
		was[g.Path] = g
	}
	var shown []record.Register
	for _, c := range changes {
		g := record.Register{Path: c.Path, Siblings: []record.Sibling{{Dot: own, Value: c.Value}}}
		if old, ok := was[c.Path]; ok && len(old.Siblings) == 1 && slices.Equal(old.Siblings[0].Value.Bytes, c.Value.Bytes) {
			g = old
		}
		shown = append(shown, g)
	}
	b.shown = shown
}

// each reads all records of a kind that are not void.
func (r *Run) each(ctx context.Context, kind record.Kind, f func(record.ID, record.State, proto.Message)) error {
	q := syncengine.FeedQuery{
		Kind: kind, Limit: 500, Bytes: 1 << 20, Divisions: []record.Division{""}, UpTo: r.i.cfg.Shard.Position(),
		Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
	}
	for {
		rows, err := r.i.cfg.Shard.List(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			q.After = row.Position
			state, err := record.DecodeState(row.State)
			if err != nil {
				return fmt.Errorf("record %s: %w", row.ID, err)
			}
			if state.Life() == record.LifeVoided {
				continue
			}
			m, err := care.Message(kind, state.Registers())
			if err != nil {
				return err
			}
			f(row.ID, state, m)
		}
		if !q.Full(rows) {
			return nil
		}
	}
}
