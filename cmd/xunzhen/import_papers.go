// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/intake"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// shownDoubts is how many doubts are printed; all of them stand in the report.
const shownDoubts = 50

// importPapers are what an import leaves for a person: the report of doubts, masked, and the
// rows that were kept aside, as they were in the file.
type importPapers struct {
	job    *importJob
	report *paper
	aside  *paper
	shown  []string
	more   int
	notes  int
	counts map[string]int // of doubts by reason
	kept   int
}

// paper is a CSV file in UTF-8 with a byte order mark, for its owner's eyes.
type paper struct {
	file *os.File
	buf  *bufio.Writer
	csv  *csv.Writer
}

func newPaper(path string) (*paper, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	p := &paper{file: file, buf: bufio.NewWriterSize(file, 64<<10)}
	p.csv = csv.NewWriter(p.buf)
	_, err = p.buf.WriteString("\ufeff")
	return p, err
}

// write writes cells so that no spreadsheet takes one for a formula.
func (p *paper) write(cells ...string) {
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) && !(c[0] == '-' && len(c) > 1 && c[1] >= '0' && c[1] <= '9') {
			cells[i] = "'" + c
		}
	}
	p.csv.Write(cells) //nolint:errcheck // close tells
}

func (p *paper) close() error {
	if p == nil {
		return nil
	}
	p.csv.Flush()
	return errors.Join(p.csv.Error(), p.buf.Flush(), p.file.Close())
}

func openPapers(j *importJob) (*importPapers, error) {
	p := &importPapers{job: j, counts: map[string]int{}}
	var err error
	if j.flags.Report != "" {
		if p.report, err = newPaper(j.flags.Report); err != nil {
			return nil, err
		}
		p.report.write(append([]string{j.c.say("import_paper_file")}, strings.Split(j.c.say("import_paper_head"), "|")...)...)
	}
	path := j.flags.Aside
	if path == "" && j.flags.Save {
		path = j.flags.File + ".aside.csv"
	}
	if path == "" {
		return p, nil
	}
	if p.aside, err = newPaper(path); err != nil {
		return nil, errors.Join(err, p.report.close())
	}
	head := []string{j.c.say("import_paper_row"), j.c.say("import_paper_why")}
	for _, col := range j.plan.Columns {
		head = append(head, col.Head)
	}
	p.aside.write(head...)
	return p, nil
}

func (p *importPapers) close() error { return errors.Join(p.report.close(), p.aside.close()) }

func (p *importPapers) doubts(all []intake.Doubt) {
	for _, d := range all {
		p.line(d.Row, d.Column, p.job.c.say("import_why_"+string(d.Reason)), d.Shown, d.Weight)
	}
}

// centre takes a doubt of the centre.
func (p *importPapers) centre(r *officev1.ImportResult, columns string) {
	why, shown := p.doubtText(r), ""
	w := intake.Aside
	if r.GetOutcome() == officev1.ImportOutcome_IMPORT_OUTCOME_REFUSED {
		w = intake.Refused
	}
	p.line(int(r.GetNumber()), columns, why, shown, w)
}

func (p *importPapers) doubtText(r *officev1.ImportResult) string {
	name := strings.ToLower(strings.TrimPrefix(r.GetDoubt().String(), "IMPORT_DOUBT_"))
	text := p.job.c.say("import_doubt_" + name)
	switch r.GetDoubt() {
	case officev1.ImportDoubt_IMPORT_DOUBT_TWICE:
		text += " " + strconv.FormatUint(r.GetDetail(), 10)
	case officev1.ImportDoubt_IMPORT_DOUBT_SEEN_LATER, officev1.ImportDoubt_IMPORT_DOUBT_OTHER_DAY:
		text += " " + care.Date(r.GetDetail()).String()
	}
	return text
}

func (p *importPapers) line(row int, column, why, shown string, w intake.Weight) {
	c := p.job.c
	sheet := p.job.file.book.Sheets[p.job.file.sheet].Name
	if p.report != nil {
		p.report.write(p.job.file.name, sheet, strconv.Itoa(row), column, why, shown, c.say([]string{"import_weight_note", "import_weight_aside", "import_weight_refused"}[w]))
	}
	if w == intake.Note {
		p.notes++
	}
	p.counts[why]++
	if len(p.shown) >= shownDoubts || w == intake.Note && p.counts[why] > 3 {
		p.more++
		return
	}
	p.shown = append(p.shown, fmt.Sprintf("%s %d\x00%s\x00%s\x00%s", sheet, row, column, why, shown))
}

// keep writes a row that was kept aside, as it was in the file.
func (p *importPapers) keep(row int, line importLine) {
	p.kept++
	if p.aside == nil {
		return
	}
	var why []string
	for _, d := range line.doubts {
		if intake.WeightOf(d.Reason) > intake.Note {
			why = append(why, strings.TrimSpace(d.Column+" "+p.job.c.say("import_why_"+string(d.Reason))))
		}
	}
	cells := []string{strconv.Itoa(row), strings.Join(why, "; ")}
	for _, col := range p.job.plan.Columns {
		text := ""
		if col.At < len(line.raw) {
			text = line.raw[col.At]
		}
		cells = append(cells, text)
	}
	p.aside.write(cells...)
}

// importTold is an import for programs.
type importTold struct {
	File    string         `json:"file"`
	Sheet   string         `json:"sheet,omitempty"`
	Kind    string         `json:"kind"`
	HeadRow int            `json:"head_row"`
	Columns []importColumn `json:"columns"`
	Saved   bool           `json:"saved"`
	Rows    uint64         `json:"rows"`
	Created uint64         `json:"created"`
	Updated uint64         `json:"updated"`
	Same    uint64         `json:"same"`
	Aside   uint64         `json:"aside"`
	Refused uint64         `json:"refused"`
	Doubts  map[string]int `json:"doubts"`
	Batch   string         `json:"batch,omitempty"`
	Offline bool           `json:"offline,omitempty"`
}

// importColumn is one column for programs.
type importColumn struct {
	Head    string   `json:"head"`
	Field   string   `json:"field"` // empty: mapped to nothing
	By      string   `json:"by,omitempty"`
	Filled  int      `json:"filled"`
	Samples []string `json:"samples"` // masked
}

// tell tells what became of the file.
func (j *importJob) tell() error {
	t := j.told()
	if j.flags.Json {
		return j.c.json(t)
	}
	c := j.c
	c.line("import_read", strings.TrimSpace(t.File+" "+t.Sheet), t.HeadRow, kindName(j.plan.Kind))
	j.tellBook()
	table := terminal.Table{Columns: c.tableColumns(), Head: strings.Split(c.say("import_columns_head"), "|"), Right: []bool{false, false, false, true}}
	for _, col := range t.Columns {
		field := col.Field
		if field == "" {
			field = c.say("import_unknown_column")
		}
		rate := "0 %"
		if j.read > 0 {
			rate = fmt.Sprintf("%d %%", (col.Filled*100+j.read/2)/j.read)
		}
		table.Add(col.Head, field, col.By, rate, strings.Join(col.Samples, " | "))
	}
	if err := table.Write(c.Stdout); err != nil {
		return err
	}
	j.tellDoubts()
	return j.tellCounts(t)
}

func (j *importJob) tellBook() {
	b := j.file.book
	if b.Macros {
		j.c.line("import_macros")
	}
	if b.Encoding != "" {
		j.c.line("import_encoding", b.Encoding, map[byte]string{',': ",", '\t': "TAB", ';': ";", '|': "|"}[b.Separator])
	}
	if n := len(j.plan.Unknown()); n > 0 {
		j.c.line("import_unknown_columns", n)
	}
}

func (j *importJob) tellDoubts() {
	p := j.out
	if len(p.shown) == 0 {
		return
	}
	table := terminal.Table{Columns: j.c.tableColumns(), Head: strings.Split(j.c.say("import_doubts_head"), "|")}
	for _, one := range p.shown {
		cells := strings.Split(one, "\x00")
		table.Add(cells[0], cells[1], cells[2], cells[3])
	}
	table.Write(j.c.Stdout) //nolint:errcheck // the counts follow
	if p.more > 0 {
		j.c.line("import_more_doubts", p.more)
	}
}

func (j *importJob) tellCounts(t importTold) error {
	c := j.c
	if t.Offline {
		c.line("import_offline", t.Rows, t.Aside, t.Refused)
		return nil
	}
	key := "import_would"
	if t.Saved {
		key = "import_did"
	}
	c.line(key, t.Rows, t.Created, t.Updated, t.Same, t.Aside, t.Refused)
	if j.out.aside != nil && j.out.kept > 0 {
		c.line("import_aside_file", j.out.kept, j.out.aside.file.Name())
	}
	if !t.Saved {
		c.line("import_how_to_save")
	}
	return nil
}

func (j *importJob) told() importTold {
	r := j.report
	t := importTold{
		File: j.file.name, Sheet: j.file.book.Sheets[j.file.sheet].Name, Kind: kindName(j.plan.Kind), HeadRow: j.plan.HeadRow, Saved: j.flags.Save,
		Rows: r.GetRows(), Created: r.GetCreated(), Updated: r.GetUpdated(), Same: r.GetSame(), Aside: r.GetAside(), Refused: r.GetRefused(),
		Doubts: j.out.counts, Offline: j.flags.Offline,
	}
	if j.flags.Offline {
		t.Aside, t.Refused = j.asideAll, j.refusedAll
	}
	if id, err := idFromWire(r.GetBatch()); err == nil {
		t.Batch = id.String()
	}
	for _, col := range j.plan.Columns {
		one := importColumn{Head: col.Head, Field: col.Field.Path, By: col.Why, Samples: []string{}}
		if f := j.columns[col.At]; f != nil {
			one.Filled, one.Samples = f.filled, f.samples
		}
		t.Columns = append(t.Columns, one)
	}
	return t
}
