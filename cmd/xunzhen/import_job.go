// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care/intake"
	"github.com/xunzhen/xunzhen/care/sheets"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// importChunk is how many rows travel together, and are one transaction.
const importChunk = 400

// maxChunkBytes is about where a chunk ends, whatever its rows.
const maxChunkBytes = 512 << 10

// importJob is one import from reading to the report.
type importJob struct {
	c     *call
	flags importFlags
	file  *importFile
	plan  *intake.Plan
	began time.Time
	bar   *terminal.Bar
	out   *importPapers

	columns map[int]*columnFill
	read    int // rows

	chunk          *officev1.ImportChunk
	bytes          int
	aside, refused uint32 // since the last chunk
	asideAll       uint64
	refusedAll     uint64

	mu      sync.Mutex // the answers come from another goroutine
	pending map[uint64]importLine
	report  *officev1.ImportReport
}

// importLine is a row that is on its way.
type importLine struct {
	raw    []string
	doubts []intake.Doubt
}

// columnFill is how often a column is filled, and what stands in it.
type columnFill struct {
	filled  int
	samples []string
}

const maxSamples = 3

// run reads the file, has the centre look at the rows, and tells what became of them.
func (j *importJob) run() error {
	var err error
	if j.out, err = openPapers(j); err != nil {
		return err
	}
	j.columns, j.pending, j.chunk, j.report = map[int]*columnFill{}, map[uint64]importLine{}, &officev1.ImportChunk{}, &officev1.ImportReport{}
	j.bar = j.c.screen().Begin(j.c.say("import_bar"), 0)
	if j.flags.Offline {
		err = j.offline()
	} else {
		err = j.online()
	}
	j.bar.End("")
	if closing := j.out.close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return j.tell()
}

// offline looks at the file alone.
func (j *importJob) offline() error {
	if j.flags.Save {
		return problemf("problem_import_offline")
	}
	_, err := j.give(func(chunk *officev1.ImportChunk) error {
		for _, row := range chunk.GetRows() {
			delete(j.pending, row.GetNumber())
		}
		return j.c.ctx.Err()
	})
	j.report.Rows = uint64(j.read)
	return err
}

func (j *importJob) online() error {
	return j.flags.open(j.c, func(o *office.Office, _ office.ServingCounty) error {
		begin := &officev1.ImportBegin{
			Author: j.flags.Author, Content: j.plan.Content, FileName: j.file.name, FileSha256: j.file.sha256,
			SourceName: j.plan.Source, ProfileName: j.plan.Profile.GetName(), DryRun: !j.flags.Save, Preference: j.flags.preference(),
		}
		if begin.Author == "" {
			begin.Author = "dry-run"
		}
		if j.plan.Content == carev1.ImportSubject_IMPORT_SUBJECT_RECORDS {
			begin.RecordKind = uint32(j.plan.Kind)
		}
		report, err := o.Import(j.c.ctx, begin, j.give, j.answered)
		if err == nil {
			j.report = report
		} else if j.flags.Save {
			j.c.note("import_go_on")
		}
		return err
	})
}

// give reads the file and sends its rows in chunks.
func (j *importJob) give(send func(*officev1.ImportChunk) error) (*officev1.ImportEnd, error) {
	err := j.file.rows(j.plan, func(raw sheets.Row) error {
		if err := j.c.ctx.Err(); err != nil {
			return context.Cause(j.c.ctx)
		}
		j.row(raw)
		if len(j.chunk.GetRows()) < importChunk && j.bytes < maxChunkBytes {
			return nil
		}
		return j.flush(send)
	})
	if err == nil && len(j.chunk.GetRows()) > 0 {
		err = j.flush(send)
	}
	return &officev1.ImportEnd{Aside: j.aside, Refused: j.refused}, err
}

func (j *importJob) flush(send func(*officev1.ImportChunk) error) error {
	chunk := j.chunk
	chunk.Aside, chunk.Refused = j.aside, j.refused
	j.chunk, j.bytes, j.aside, j.refused = &officev1.ImportChunk{}, 0, 0, 0
	j.progress()
	return send(chunk)
}

// progress shows how far it is: rows, rows a second, and what is left by the part of the file that was read.
func (j *importJob) progress() {
	took := j.c.Clock().Sub(j.began).Seconds()
	if took <= 0 {
		return
	}
	rate, total := float64(j.read)/took, j.file.total
	if total < j.read {
		total = 0
	}
	note := j.c.say("import_rate", int(rate))
	if total > 0 && rate > 0 {
		left := time.Duration(float64(total-j.read)/rate) * time.Second
		note = j.c.say("import_rate_left", int(rate), left.Round(time.Second))
	}
	j.bar.Note(note)
	j.bar.Set(j.read, total)
}

// row reads one row and puts it into the chunk, or aside.
func (j *importJob) row(raw sheets.Row) {
	j.read++
	j.fill(raw)
	row := j.plan.Row(raw)
	line := importLine{doubts: row.Doubts}
	for _, c := range raw.Cells {
		line.raw = append(line.raw, c.Text)
	}
	if w := row.Weight(); w > intake.Note {
		j.mu.Lock()
		defer j.mu.Unlock()
		if w == intake.Refused {
			j.refused++
			j.refusedAll++
		} else {
			j.aside++
			j.asideAll++
		}
		j.out.doubts(row.Doubts)
		j.out.keep(row.Number, line)
		return
	}
	for _, form := range row.Forms {
		wire, err := proto.Marshal(form)
		if err != nil { // text is valid: it was decoded
			continue
		}
		j.chunk.Rows = append(j.chunk.Rows, &officev1.ImportRow{
			Number: uint64(row.Number), Kind: uint32(j.plan.Kind), Form: wire, Division: string(row.Division), Key: row.Key,
			Person: &officev1.ImportPerson{DocumentNumber: row.Person.Number, Name: row.Person.Name, BirthDate: int32(row.Person.Birth)},
		})
		j.bytes += len(wire) + 100
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.out.doubts(row.Doubts) // notes
	j.pending[uint64(row.Number)] = line
}

// fill counts a row's cells by column.
func (j *importJob) fill(raw sheets.Row) {
	for i := range j.plan.Columns {
		col := &j.plan.Columns[i]
		if col.At >= len(raw.Cells) || raw.Cells[col.At].Kind == sheets.Empty {
			continue
		}
		f := j.columns[col.At]
		if f == nil {
			f = &columnFill{}
			j.columns[col.At] = f
		}
		f.filled++
		if len(f.samples) < maxSamples {
			text := intake.Mask(col.Field, intake.Tidy(raw.Cells[col.At].Text))
			if col.Field.Path == "" || col.Field.Path == intake.Ignored {
				text = maskUnknown(text)
			}
			if !slices.Contains(f.samples, text) {
				f.samples = append(f.samples, text)
			}
		}
	}
}

// maskUnknown shows of a column that is mapped to nothing the first character: it may name anybody.
func maskUnknown(text string) string {
	r := []rune(text)
	if len(r) < 2 {
		return text
	}
	return string(r[:1]) + strings.Repeat("*", min(len(r)-1, 8))
}

// answered takes what the centre says of the rows of a chunk.
func (j *importJob) answered(results []*officev1.ImportResult) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range results {
		line, ok := j.pending[r.GetNumber()]
		if r.GetOutcome() < officev1.ImportOutcome_IMPORT_OUTCOME_ASIDE {
			delete(j.pending, r.GetNumber())
			continue
		}
		if r.GetDoubt() != 0 {
			j.out.centre(r, j.columnsOf(r.GetFields()))
		}
		if ok {
			j.out.keep(int(r.GetNumber()), line)
			delete(j.pending, r.GetNumber())
		}
	}
}

// columnsOf names the columns that fields were read from.
func (j *importJob) columnsOf(fields []string) string {
	var out []string
	for _, field := range fields {
		name := field
		for _, c := range j.plan.Columns {
			if c.Field.Path == field || strings.HasPrefix(c.Field.Path, field+".") {
				name = c.Head
				break
			}
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// printMap prints what columns stand for, as a profile to begin with.
func (j *importJob) printMap() error {
	c := j.c
	fmt.Fprintf(c.Stdout, "# %s\n", terminal.Tame(j.file.name))
	fmt.Fprintln(c.Stdout, `name: "my-source"`)
	for _, col := range j.plan.Columns {
		field := col.Field.Path
		if strings.HasPrefix(field, "@statistic") {
			continue // found by its words
		}
		if field == "" {
			field = intake.Ignored
			fmt.Fprintf(c.Stdout, "# %s\n", c.say("import_map_unknown"))
		}
		fmt.Fprintf(c.Stdout, "columns { field: %q heads: %q }\n", field, terminal.Tame(col.Head))
	}
	return nil
}
