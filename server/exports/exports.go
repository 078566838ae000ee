// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Pack is the rule pack by which populations are told.
type Pack interface {
	export.Populations
	Name() string
	Version() string
	Content() *carev1.RulePackContent
}

// Found lists what rules find; *findings.Findings does.
type Found interface {
	List(ctx context.Context, q findings.Filter, after findings.Position, limit int) (findings.Listing, error)
}

// Figures gives figures of the assessment.
type Figures interface {
	// Figures returns what the units of a level have reached in some indicators, and how many changes are not counted yet.
	Figures(ctx context.Context, q FiguresQuery, codes []indicators.Code) ([]Figure, uint64, error)
	// Scores returns the score sheets of the units of a level, without names of units, and how many changes are not counted yet.
	Scores(ctx context.Context, q FiguresQuery) ([]export.ScoreLine, uint64, error)
}

// Figure is what a unit has reached in one indicator.
type Figure struct {
	Code                   indicators.Code
	Division               record.Division
	Numerator, Denominator int64
}

// FiguresQuery says which figures are wanted.
type FiguresQuery struct {
	Divisions []record.Division // prefixes
	Level     care.Level
	Period    indicators.Period
	AsOf      care.Date
	Sensitive bool
}

// Config is what Exports are made of. All but Cards, Found and Figures must be given.
type Config struct {
	Records  Records
	Cards    *Module // nil: who is in a table is found by reading everything
	County   string  // its code
	Pack     func(context.Context) (Pack, error)
	Complete func(_ context.Context, last care.Date) (Completeness, error)
	Persons  Persons // nil: no person is exported
	History  History
	Found    Found   // nil: there are no findings here
	Figures  Figures // nil: there are no figures here
	Dir      string  // where files are made; it is emptied now
	Clock    func() time.Time
}

// Exports makes files of one county, one at a time. Its methods may be called from many goroutines.
type Exports struct {
	cfg  Config
	turn chan struct{}
}

// New returns the exports of a county. What an earlier run left in the folder is removed.
func New(cfg Config) (*Exports, error) {
	err := errors.Join(os.RemoveAll(cfg.Dir), os.MkdirAll(cfg.Dir, 0o700))
	if err != nil {
		return nil, fmt.Errorf("exports: %w", err)
	}
	return &Exports{cfg: cfg, turn: make(chan struct{}, 1)}, nil
}

// Format is what kind of file is made.
type Format int

// Formats.
const (
	Workbook Format = iota // .xlsx
	CSV
)

// Request says which file is wanted.
type Request struct {
	Export   string // Names
	Disease  string // of chronic: hypertension, diabetes or copd; empty: each on a sheet of its own
	Period   indicators.Period
	Division record.Division // prefix; empty: all that the scope has
	Level    care.Level      // of the units of a table by unit; 0: township
	Format   Format
	Encoding Encoding
	RowsOnly bool // of CSV: no lines above the header
	Scope    Scope
	View     export.View
}

// Part is one table in a file.
type Part struct {
	Table  string
	Rows   int
	Digest [sha256.Size]byte // of the rows as CSV, see spool.digest
}

// File is a file that was made. It is the caller's to Close, which removes it.
type File struct {
	file   *os.File
	dir    string
	Size   int64
	Sha256 [sha256.Size]byte
	Parts  []Part
	Basis  Basis
}

// Rows returns how many rows there are in all tables.
func (f *File) Rows() (n int) {
	for _, p := range f.Parts {
		n += p.Rows
	}
	return n
}

// Read reads on from the beginning.
func (f *File) Read(b []byte) (int, error) { return f.file.Read(b) }

// Close removes the file.
func (f *File) Close() error { return errors.Join(f.file.Close(), os.RemoveAll(f.dir)) }

// Progress is told how far a file is: rows that were read, of 0 that are not counted yet; then
// rows that were written, of all.
type Progress func(done, of int)

// Errors of requests.
var (
	ErrUnknown   = errors.New("no such export")
	ErrOneTable  = errors.New("a CSV file has room for one table: name the disease")
	ErrNoFigures = errors.New("there are no figures of the assessment here")
	ErrNoFound   = errors.New("there are no findings here")
	ErrTooMany   = errors.New("more rows than a sheet has room for: take CSV, or one township after the other")
	ErrFuture    = errors.New("the period has not begun")
	ErrMonths    = errors.New("a monthly report is of whole months, at most twelve")
	ErrOutside   = errors.New("the division is not among those that may be seen")
)

// Make makes a file. When ctx ends it ends, and leaves nothing behind. Errors beside the
// records': the ones above, which say what is wrong with the request.
func (e *Exports) Make(ctx context.Context, q Request, tell Progress) (_ *File, err error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	dir, err := os.MkdirTemp(e.cfg.Dir, "job-")
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	j := &job{Exports: e, q: q, dir: dir, tell: tell}
	defer func() {
		for _, s := range j.sheets {
			err = errors.Join(err, s.rows.close())
		}
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	f, err := j.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("export %s: %w", q.Export, err)
	}
	return f, nil
}

// job is one file that is being made.
type job struct {
	*Exports
	q        Request
	dir      string
	tell     Progress
	question export.Question
	basis    Basis
	sheets   []sheet
	written  int
	total    int
}

func (j *job) run(ctx context.Context) (*File, error) {
	if err := j.begin(ctx); err != nil {
		return nil, err
	}
	fill, ok := fillers()[j.q.Export]
	if !ok {
		return nil, ErrUnknown
	}
	if err := fill(ctx, j); err != nil {
		return nil, err
	}
	parts, err := j.finish(ctx)
	if err != nil {
		return nil, err
	}
	return j.write(ctx, parts)
}

func (j *job) begin(ctx context.Context) error {
	now := j.cfg.Clock()
	today := care.DateOf(now)
	if j.q.Period.From > today {
		return ErrFuture
	}
	if j.q.Division != "" && !j.q.Division.WithinAny(j.q.Scope.Divisions) {
		return ErrOutside
	}
	pack, err := j.cfg.Pack(ctx)
	if err != nil {
		return err
	}
	j.question = export.Question{Period: j.q.Period, AsOf: today, Rules: pack}
	complete, err := j.cfg.Complete(ctx, j.question.Until())
	if err != nil {
		return err
	}
	j.basis = Basis{At: now, Period: j.q.Period, AsOf: j.question.Until(), Complete: complete, Pack: pack.Name() + " " + pack.Version()}
	if j.q.Level == 0 {
		j.q.Level = care.LevelTownship
	}
	return j.names(ctx)
}

// names reads what staff, organisations and teams are called.
func (j *job) names(ctx context.Context) error {
	_, err := j.listed(ctx, everyone(), []record.Kind{care.KindStaff, kindOrganisation, kindTeam}, func(id record.ID, form any, _ syncengine.RecordRow) {
		if form != nil {
			j.question.Names.Add(id, form)
		}
	})
	return err
}

// listed calls do with every record of these kinds, as of the position that it returns. One
// that changes meanwhile is given again, and the later one counts; one that is voided, or no
// more in the scope, has no form.
func (j *job) listed(ctx context.Context, scope Scope, kinds []record.Kind, do func(record.ID, any, syncengine.RecordRow)) (syncengine.Position, error) {
	n := 0
	take := func(row syncengine.RecordRow) error {
		if !slices.Contains(kinds, row.ID.Kind()) {
			return nil
		}
		if n++; n%progressEach == 0 {
			j.tell(n, 0)
		}
		e, err := entryOf(row)
		switch {
		case err != nil:
			return err
		case e.Voided || !scope.has(row):
			do(row.ID, nil, row)
		default:
			do(row.ID, e.Form, row)
		}
		return nil
	}
	end := j.cfg.Records.Position()
	for _, kind := range kinds {
		q := syncengine.FeedQuery{Divisions: scope.Divisions, Classes: scope.Classes, Kind: kind, UpTo: end}
		if err := feed(ctx, j.cfg.Records, q, take); err != nil {
			return 0, err
		}
	}
	for next := j.cfg.Records.Position(); next > end; next = j.cfg.Records.Position() {
		all := everyone()
		if err := feed(ctx, j.cfg.Records, syncengine.FeedQuery{Divisions: all.Divisions, Classes: all.Classes, After: end, UpTo: next}, take); err != nil {
			return 0, err
		}
		end = next
	}
	return end, nil
}

// all returns the records of these kinds in sight and in the division, voided ones left out,
// by id: the file is as of their position.
func (j *job) all(ctx context.Context, kinds ...record.Kind) (map[record.ID]found, error) {
	out := map[record.ID]found{}
	var err error
	j.basis.Position, err = j.listed(ctx, j.q.Scope, kinds, func(id record.ID, form any, row syncengine.RecordRow) {
		delete(out, id)
		if form != nil && j.inside(row.Divisions) {
			out[id] = found{form, row}
		}
	})
	return out, err
}

// found is one record that is about nobody.
type found struct {
	form any
	row  syncengine.RecordRow
}

func (j *job) inside(divisions []record.Division) bool {
	return j.q.Division == "" || slices.ContainsFunc(divisions, func(d record.Division) bool { return d.Within(j.q.Division) })
}

// table begins a table of the file.
func (j *job) table(t export.Table) (*spool, error) {
	s, err := newSpool(j.dir, t)
	if err != nil {
		return nil, err
	}
	j.sheets = append(j.sheets, sheet{rows: s})
	return s, nil
}

// finish sorts the rows of all tables and says above them what they are.
func (j *job) finish(ctx context.Context) (parts []Part, err error) {
	unit := j.question.Names.Unit(record.Division(j.cfg.County))
	if j.q.Division != "" {
		unit = j.question.Names.Unit(j.q.Division)
	}
	for i, s := range j.sheets {
		if err := s.rows.sort(); err != nil {
			return nil, err
		}
		digest, err := s.rows.digest(ctx)
		if err != nil {
			return nil, err
		}
		j.total += len(s.rows.rows)
		j.sheets[i].head = headOf(s.rows.table, unit, j.basis, len(s.rows.rows), digest)
		parts = append(parts, Part{s.rows.table.Name, len(s.rows.rows), digest})
	}
	return parts, nil
}

func (j *job) wrote() {
	if j.written++; j.written%progressEach == 0 {
		j.tell(j.written, j.total)
	}
}

// write writes the file beside the rows.
func (j *job) write(ctx context.Context, parts []Part) (_ *File, err error) {
	if j.q.Format == Workbook && tooMany(j.sheets) {
		return nil, ErrTooMany
	}
	if j.q.Format == CSV && len(j.sheets) > 1 {
		return nil, ErrOneTable
	}
	to, err := os.OpenFile(filepath.Join(j.dir, "file"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, to.Close())
		}
	}()
	sum := &summed{to: to, hash: sha256.New()}
	if j.q.Format == CSV {
		err = writeCSV(ctx, sum, j.sheets[0], j.q.Encoding, j.q.RowsOnly, j.wrote)
	} else {
		err = writeWorkbook(ctx, sum, j.sheets, j.basis, j.dir, j.wrote)
	}
	if err != nil {
		return nil, err
	}
	j.tell(j.total, j.total)
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return &File{file: to, dir: j.dir, Size: sum.size, Sha256: [sha256.Size]byte(sum.hash.Sum(nil)), Parts: parts, Basis: j.basis}, nil
}

// summed counts and hashes what is written.
type summed struct {
	to   io.Writer
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	size int64
}

func (s *summed) Write(b []byte) (int, error) {
	n, err := s.to.Write(b)
	s.size += int64(n)
	s.hash.Write(b[:n])
	return n, err
}
