// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	careintake "github.com/xunzhen/xunzhen/care/intake"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Shard is what an import needs of one; *syncengine.Engine is one.
type Shard interface {
	List(context.Context, syncengine.FeedQuery) ([]syncengine.RecordRow, error)
	Rows(context.Context, []record.ID) ([]syncengine.RecordRow, error)
	Position() syncengine.Position
	Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error)
}

// People finds residents; *followers.People does.
type People interface {
	Match(context.Context, []followers.Wanted) ([]followers.Matched, error)
}

// Config is what an importer works with. All must be given.
type Config struct {
	Shard  Shard
	People People
	County record.Division // 6 digits
	// Holds reports whether a division is the county's.
	Holds func(record.Division) bool
	Clock func() time.Time
}

// Importer makes records of rows, for one county. One import runs at a time.
type Importer struct {
	cfg  Config
	turn chan struct{} // has room for the one who imports
}

// New returns an importer.
func New(cfg Config) *Importer { return &Importer{cfg, make(chan struct{}, 1)} }

// Begin says what is imported.
type Begin struct {
	Author   string
	Content  carev1.ImportSubject
	Kind     record.Kind // of the rows, where the content leaves it open
	FileName string
	Sha256   []byte
	Source   string
	Profile  string
	DryRun   bool
	Prefer   officev1.ImportPreference
	// Divisions are where the caller may save, as prefixes; Classes what privacy classes.
	Divisions []record.Division
	Classes   []record.Class
}

// Row is one form of a row of the file. Forms of one row come one behind the other.
type Row struct {
	Number   uint64
	Kind     record.Kind
	Form     []byte
	Division record.Division
	Key      string
	Person   careintake.Person
}

// MaxRows is how many rows a chunk may have.
const MaxRows = 500

// Longest texts of a Begin, in characters, as the form has them.
const (
	longestFile   = 200
	longestSource = 64
	longestKey    = 64
)

// check returns ReasonInvalid for what is no beginning.
func (b Begin) check() error {
	kinds := careintake.KindsOf(b.Content, "")
	known := false
	for _, k := range kinds {
		known = known || k == b.Kind || b.Kind == 0 && b.Content != carev1.ImportSubject_IMPORT_SUBJECT_RECORDS
	}
	switch {
	case b.Content == 0 || carev1.ImportSubject_name[int32(b.Content)] == "" || !known:
		return invalid("content %d of kind %d", b.Content, b.Kind)
	case b.Source == "" || utf8.RuneCountInString(b.Source) > longestSource || utf8.RuneCountInString(b.Profile) > longestSource:
		return invalid("source")
	case b.FileName == "" || utf8.RuneCountInString(b.FileName) > longestFile || len(b.Sha256) != sha256.Size:
		return invalid("file")
	case officev1.ImportPreference_name[int32(b.Prefer)] == "":
		return invalid("preference %d", b.Prefer)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "import", Err: fmt.Errorf(format, args...)}
}

// Run is one import under way. Its methods are called one after the other.
type Run struct {
	i       *Importer
	b       Begin
	batch   batch
	known   known
	seen    map[[8]byte]uint64 // rows by the record they are about
	counts  *officev1.ImportReport
	clearup func()
}

// Begin waits for its turn and begins an import. End or Close must be called. Errors:
// ReasonInvalid for what is no beginning, or the shard's.
func (i *Importer) Begin(ctx context.Context, b Begin) (*Run, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	select {
	case i.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r := &Run{i: i, b: b, seen: map[[8]byte]uint64{}, counts: &officev1.ImportReport{}, clearup: func() { <-i.turn }}
	if err := r.open(ctx); err != nil {
		r.Close()
		return nil, fmt.Errorf("import: %w", err)
	}
	return r, nil
}

func (r *Run) open(ctx context.Context) (err error) {
	if r.batch, err = r.readBatches(ctx); err != nil {
		return err
	}
	r.known, err = r.readKnown(ctx)
	return err
}

// Close gives the turn to the next one. What was saved stays, and its account says that it
// was not finished.
func (r *Run) Close() {
	if r.clearup != nil {
		r.clearup()
		r.clearup = nil
	}
}

// Take makes records of a chunk of rows, with the rows since the chunk before that were kept
// aside and refused when they were read. It answers each row. Errors: ReasonInvalid for too
// many rows, or for rows out of order; the shard's.
func (r *Run) Take(ctx context.Context, rows []Row, aside, refused int) ([]*officev1.ImportResult, error) {
	if len(rows) > MaxRows {
		return nil, invalid("%d rows", len(rows))
	}
	plan, err := r.plan(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	r.count(plan, aside, refused)
	if err := r.save(ctx, plan, false); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	out := make([]*officev1.ImportResult, len(plan))
	for i, d := range plan {
		out[i] = d.result()
	}
	return out, nil
}

// End closes the account and returns it.
func (r *Run) End(ctx context.Context, aside, refused int) (*officev1.ImportReport, error) {
	defer r.Close()
	r.count(nil, aside, refused)
	if err := r.save(ctx, nil, true); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return proto.Clone(r.counts).(*officev1.ImportReport), nil
}

// count takes the rows of a plan into the account, each row once.
func (r *Run) count(plan []*decision, aside, refused int) {
	c := r.counts
	c.Aside += uint64(aside)
	c.Refused += uint64(refused)
	for i, d := range plan {
		if i > 0 && plan[i-1].row.Number == d.row.Number {
			continue
		}
		switch d.rowOutcome {
		case officev1.ImportOutcome_IMPORT_OUTCOME_CREATED:
			c.Created++
		case officev1.ImportOutcome_IMPORT_OUTCOME_UPDATED:
			c.Updated++
		case officev1.ImportOutcome_IMPORT_OUTCOME_SAME:
			c.Same++
		case officev1.ImportOutcome_IMPORT_OUTCOME_ASIDE:
			c.Aside++
		default:
			c.Refused++
		}
	}
	c.Rows = c.Created + c.Updated + c.Same + c.Aside + c.Refused
}

// save writes what a plan comes to, the account in front, as one transaction. A chunk that
// changes nothing is not written; its rows are in the account of the next one that does.
func (r *Run) save(ctx context.Context, plan []*decision, last bool) error {
	var saves []syncengine.OfficeSave
	for _, d := range plan {
		if d.rowOutcome == officev1.ImportOutcome_IMPORT_OUTCOME_CREATED || d.rowOutcome == officev1.ImportOutcome_IMPORT_OUTCOME_UPDATED {
			if len(d.changes) > 0 {
				saves = append(saves, syncengine.OfficeSave{Record: d.id, Changes: d.changes})
			}
		}
	}
	if r.b.DryRun || len(saves) == 0 && !(last && r.batch.begun) && !(last && !r.batch.complete) {
		return nil
	}
	account, err := r.account(len(saves), last)
	if err != nil {
		return err
	}
	saved, err := r.i.cfg.Shard.Save(ctx, r.b.Author, append([]syncengine.OfficeSave{account}, saves...)...)
	if err != nil {
		return err
	}
	r.batch.took(saved)
	r.counts.Batch = r.batch.id[:]
	return nil
}

// derived returns the id of the record that a row of the source makes.
func (r *Run) derived(kind record.Kind, natural string) record.ID {
	return record.DerivedID(kind, []byte("xunzhen/import/1\x00"+r.b.Source+"\x00"+natural))
}

// once reports the row before this one that is about the same record, if there is one.
func (r *Run) once(id record.ID, number uint64) (uint64, bool) {
	key := [8]byte(id[8:]) // the half that is drawn or hashed
	was, ok := r.seen[key]
	if !ok {
		r.seen[key] = number
	}
	return was, ok
}

var errForm = errors.New("no form of its kind")

// decode reads the form of a row.
func (row Row) decode() (proto.Message, error) {
	m, err := care.New(row.Kind)
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(row.Form, m); err != nil || len(m.ProtoReflect().GetUnknown()) > 0 {
		return nil, errForm
	}
	return m, nil
}

func dateText(d int32) string { return strconv.Itoa(int(d)) }
