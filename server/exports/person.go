// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/export/fhir"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Persons says which records belong to one person; *projection.Projection does.
type Persons interface {
	Person(ctx context.Context, id record.ID) (*projection.Person, error)
	State(ctx context.Context) (projection.State, error)
}

// History gives the saves of a record; *syncengine.Engine does.
type History interface {
	History(ctx context.Context, id record.ID, from syncengine.HistoryPlace, limit int) ([]syncengine.RevisionView, syncengine.HistoryPlace, error)
}

// ErrNobody says that there is no such person among those that may be seen.
var ErrNobody = errors.New("no such person")

// Person makes a FHIR R4 bundle of a person, by any of its residents. Error: ErrNobody.
func (e *Exports) Person(ctx context.Context, id record.ID, scope Scope, view export.View) (*File, error) {
	f, err := e.person(ctx, id, scope, view)
	if syncengine.ReasonOf(err) == syncengine.ReasonNotFound || errors.Is(err, fhir.ErrNobody) {
		err = ErrNobody
	}
	if err != nil {
		return nil, fmt.Errorf("export person: %w", err)
	}
	return f, nil
}

func (e *Exports) person(ctx context.Context, id record.ID, scope Scope, view export.View) (*File, error) {
	state, err := e.cfg.Persons.State(ctx)
	if err != nil {
		return nil, err
	}
	p, err := e.cfg.Persons.Person(ctx, id)
	if err != nil {
		return nil, err
	}
	j := &job{Exports: e, q: Request{Scope: scope, View: view}, tell: func(int, int) {}}
	if err := j.names(ctx); err != nil {
		return nil, err
	}
	now := e.cfg.Clock()
	bundle := fhir.Person{ID: p.ID, Names: j.question.Names, View: view, Position: state.Position, At: now}
	ids := make([]record.ID, 0, len(p.Rows))
	for id := range p.Rows {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b record.ID) int { return slices.Compare(a[:], b[:]) })
	rows, err := e.cfg.Records.Rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if !scope.has(row) {
			continue
		}
		r, err := e.recordOf(ctx, row, view)
		if err != nil {
			return nil, err
		}
		bundle.Records = append(bundle.Records, r)
	}
	text, err := fhir.Bundle(bundle)
	if err != nil {
		return nil, err
	}
	complete, err := e.cfg.Complete(ctx, care.DateOf(now))
	if err != nil {
		return nil, err
	}
	return e.written(append(text, '\n'), Basis{Position: syncengine.Position(state.Position), At: now, AsOf: care.DateOf(now), Complete: complete}, len(bundle.Records))
}

func (e *Exports) written(text []byte, b Basis, records int) (*File, error) {
	dir, err := os.MkdirTemp(e.cfg.Dir, "job-")
	if err != nil {
		return nil, err
	}
	to, err := os.OpenFile(filepath.Join(dir, "file"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		if _, err = to.Write(text); err == nil {
			_, err = to.Seek(0, 0)
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &File{
		file: to, dir: dir, Size: int64(len(text)), Sha256: sha256.Sum256(text), Basis: b, Parts: []Part{{Table: "person", Rows: records}},
	}, nil
}

// recordOf reads a record with its conflicts and its saves.
func (e *Exports) recordOf(ctx context.Context, row syncengine.RecordRow, view export.View) (r fhir.Record, err error) {
	if r.Entry, err = entryOf(row); err != nil {
		return r, err
	}
	state, err := record.DecodeState(row.State)
	if err != nil {
		return r, err
	}
	for _, g := range state.Registers() {
		if g.Conflict() {
			r.Conflicts = append(r.Conflicts, conflictOf(row.ID.Kind(), g, view))
		}
	}
	for from := (syncengine.HistoryPlace{}); ; {
		part, next, err := e.cfg.History.History(ctx, row.ID, from, 100)
		if err != nil {
			return r, err
		}
		for _, v := range part {
			if v.Verdict == ledger.Admitted {
				d := v.Revision.Dot
				r.Revisions = append(r.Revisions, fhir.Revision{
					Dot: d.String(), Replica: d.Replica.String(), Author: v.Revision.Author, SavedAt: time.UnixMilli(v.Revision.ClockMs), ReceivedAt: v.ReceivedAt,
				})
			}
		}
		if next == (syncengine.HistoryPlace{}) {
			return r, nil
		}
		from = next
	}
}

// conflictOf says in words what the values are that are not shown. Who sees numbers masked sees
// none of a register that names somebody.
func conflictOf(kind record.Kind, g record.Register, view export.View) fhir.Conflict {
	c := fhir.Conflict{Path: care.FormatPath(kind, g.Path)}
	if view.Masked && care.Personal(kind, g.Path) {
		return c
	}
	for i := 1; i < len(g.Siblings); i++ {
		other := record.Register{Path: g.Path, Siblings: []record.Sibling{g.Siblings[i]}}
		form, err := care.Message(kind, []record.Register{other})
		if err != nil {
			continue
		}
		form.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if text, err := protojson.Marshal(form); err == nil {
				c.Others = append(c.Others, string(text))
			}
			return false
		})
	}
	return c
}
