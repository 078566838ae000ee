// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"fmt"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// Query selects records. The zero value selects all of them.
type Query struct {
	Kind          string // only this kind
	SubjectID     string // only what is about this resident
	ConflictsOnly bool   // only what has siblings that differ
	ReturnedOnly  bool   // only what is returned for correction, and neither void nor departed
	After         string // only ids behind this one, in the order of the list
	Limit         int    // at most so many; 0: all
}

// Get returns a record. Reasons: id, unknown_record, locked.
func (t *Tablet) Get(id string) (*Record, error) {
	r, err := t.get(id)
	return r, fail("get", err)
}

func (t *Tablet) get(text string) (*Record, error) {
	id, err := parseID(text)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	v, err := t.viewer(ctx)
	if err != nil {
		return nil, err
	}
	s, err := t.rep().View(ctx, id)
	if err != nil {
		return nil, err
	}
	return t.see(ctx, v, s)
}

func (t *Tablet) viewer(ctx context.Context) (viewer, error) {
	v := viewer{own: map[causal.ReplicaID]bool{}}
	ids, err := t.rep().IDs(ctx)
	for _, id := range ids {
		v.own[id] = true
	}
	return v, err
}

func (t *Tablet) see(ctx context.Context, v viewer, s replica.Screen) (*Record, error) {
	w, err := t.rep().Where(ctx, s.Record)
	if err != nil {
		return nil, err
	}
	return v.record(s, w)
}

// List returns the records that a query selects, in order of kind and id. Reasons:
// unknown_kind, id, locked.
func (t *Tablet) List(q *Query) (*RecordList, error) {
	l, err := t.list(*q)
	return l, fail("list", err)
}

// Conflicts returns the records in which a person must decide.
func (t *Tablet) Conflicts() (*RecordList, error) { return t.List(&Query{ConflictsOnly: true}) }

func (t *Tablet) list(q Query) (*RecordList, error) {
	rq := replica.Query{Conflicts: q.ConflictsOnly, Limit: q.Limit}
	var err error
	if q.Kind != "" {
		var ok bool
		if rq.Kind, ok = care.KindNamed(q.Kind); !ok {
			return nil, fmt.Errorf("kind %q: %w", q.Kind, care.ErrUnknownKind)
		}
	}
	if rq.Subject, err = optionalID(q.SubjectID); err != nil {
		return nil, err
	}
	if rq.After, err = optionalID(q.After); err != nil {
		return nil, err
	}
	if rq.Kind == 0 && rq.After.IsZero() {
		rq.After = record.LastID(record.MaxActKind) // what a hub brought of the centre's acts is no record of care
	}
	ctx := context.Background()
	v, err := t.viewer(ctx)
	if err != nil {
		return nil, err
	}
	screens, err := t.screens(ctx, rq, q.ReturnedOnly)
	if err != nil {
		return nil, err
	}
	out := &RecordList{}
	for _, s := range screens {
		r, err := t.see(ctx, v, s)
		if err != nil {
			return nil, err
		}
		out.all = append(out.all, r)
	}
	return out, nil
}

// screens returns what a query selects.
func (t *Tablet) screens(ctx context.Context, q replica.Query, returnedOnly bool) ([]replica.Screen, error) {
	if !returnedOnly {
		return t.rep().List(ctx, q)
	}
	var out []replica.Screen
	err := t.eachScreen(ctx, q, func(s replica.Screen) (bool, error) {
		if isReturned(s) {
			out = append(out, s)
		}
		return q.Limit == 0 || len(out) < q.Limit, nil
	})
	return out, err
}

func parseID(text string) (record.ID, error) {
	id, err := record.ParseID(text)
	if err != nil {
		return id, fmt.Errorf("%q: %w", text, errID)
	}
	return id, nil
}

func optionalID(text string) (record.ID, error) {
	if text == "" {
		return record.ID{}, nil
	}
	return parseID(text)
}

// Held is an own save that the centre received and does not admit.
type Held struct {
	RecordID string
	Dot      string
	Reason   string // held_scope, …; "" while it is not known here
}

// Held lists own saves that the centre holds, also of records that departed.
func (t *Tablet) Held() (*HeldList, error) {
	saves, err := t.rep().Held(context.Background())
	if err != nil {
		return nil, fail("held", err)
	}
	out := &HeldList{}
	for _, h := range saves {
		one := &Held{RecordID: h.Record.String(), Dot: h.Dot.String()}
		if h.Verdict != 0 {
			one.Reason = h.Verdict.String()
		}
		out.all = append(out.all, one)
	}
	return out, nil
}

// State returns how far one own save has come, as in Record, and for a held one
// why behind a colon: "held:held_scope". Reasons: id, unknown_record, locked.
func (t *Tablet) State(id, dot string) (string, error) {
	rec, err := parseID(id)
	if err != nil {
		return "", fail("state", err)
	}
	d, err := causal.ParseDot(dot)
	if err != nil {
		return "", fail("state", fmt.Errorf("%w: %w", err, errID))
	}
	w, err := t.rep().WhereSave(context.Background(), rec, d)
	if err != nil {
		return "", fail("state", err)
	}
	var r Record
	if r.whereabouts(w); r.Reason != "" {
		return r.State + ":" + r.Reason, nil
	}
	return r.State, nil
}
