// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/sheets"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Options are what a caller says about a file.
type Options struct {
	Content carev1.ImportSubject
	// Kinds are those that the rows may be of, see KindsOf; the one whose fields the heads name
	// best is taken. At least one.
	Kinds   []record.Kind
	Profile *carev1.ImportProfile // nil: none
	// Map says what columns are, by their heads: a field's path, or Ignored.
	Map map[string]string
	// Division is that of rows that name none.
	Division record.Division
	// Year is that of figures whose column names none.
	Year int
	// Today is the last day that a date may be.
	Today care.Date
	// Source is what keys of map entries are made of, beside the row's own key.
	Source string
}

// Column is one column of a file.
type Column struct {
	At   int
	Head string // as written, of two rows joined by a blank
	// Field is what it stands for; one without a path for a column that is mapped to nothing.
	Field Field
	// Why says who mapped it: form, words, profile, caller, figure.
	Why string
}

// Plan is how the rows of a table are read.
type Plan struct {
	Options
	Kind    record.Kind
	HeadRow int // the last row of the head
	Columns []Column

	heads     []string // of the head's last row, to know it again
	codes     map[string]map[string]string
	divisions map[string]record.Division
}

// MapError says that the caller maps a column that is not there, or to no field.
type MapError struct{ Head, Field string }

// Error says which.
func (e *MapError) Error() string { return fmt.Sprintf("map %s=%s", e.Head, e.Field) }

// headRows is how far down the head of a table may stand.
const headRows = 40

// Heads gathers the first rows of a table until the head is found among them.
type Heads struct {
	options Options
	rows    []sheets.Row
}

// NewHeads returns one for a table.
func NewHeads(o Options) *Heads { return &Heads{options: o} }

// Add takes a row, and reports whether it wants more.
func (h *Heads) Add(r sheets.Row) bool {
	r.Cells = append([]sheets.Cell(nil), r.Cells...)
	h.rows = append(h.rows, r)
	return len(h.rows) < headRows
}

// Plan finds the head among the rows and returns how the rest is to be read, with the rows
// below the head that were gathered. ok is false where no row names at least two fields.
// Errors: *MapError.
func (h *Heads) Plan() (p *Plan, rest []sheets.Row, ok bool, err error) {
	best, at := -1, 0
	for _, kind := range h.options.Kinds {
		words, err := vocabulary(kind, h.options)
		if err != nil {
			return nil, nil, false, err
		}
		for i := range h.rows {
			if n := h.options.Profile.GetHeadRow(); n > 0 && h.rows[i].Number != int(n) {
				continue
			}
			for two := range 2 {
				if two == 1 && i == 0 {
					continue
				}
				one := words.read(h.rows, i, two == 1)
				// A second row must earn its place by two columns.
				if score := one.score*4 - two*5; one.score >= 2 && score > best {
					best, at = score, i
					p = &Plan{Options: h.options, Kind: kind, Columns: one.columns, HeadRow: h.rows[i].Number}
				}
			}
		}
	}
	if p == nil {
		return nil, nil, false, nil
	}
	for _, c := range h.rows[at].Cells {
		p.heads = append(p.heads, same(c.Text))
	}
	if err := p.obey(); err != nil {
		return nil, nil, false, err
	}
	p.prepare()
	return p, h.rows[at+1:], true, nil
}

// words is what heads can mean for a kind.
type words struct {
	kind record.Kind
	by   []meaning
	figs *codeList // of statistics
	year int
}

type meaning struct {
	why  string
	head map[string]string
}

func vocabulary(kind record.Kind, o Options) (words, error) {
	own, err := labels(kind)
	if err != nil {
		return words{}, err
	}
	info, _ := care.Kinds().Lookup(kind)
	w := words{kind: kind, year: o.Year}
	profile := map[string]string{}
	for _, c := range o.Profile.GetColumns() {
		for _, head := range c.GetHeads() {
			profile[same(head)] = c.GetField()
		}
	}
	caller := map[string]string{}
	for head, field := range o.Map {
		caller[same(head)] = field
	}
	others := maps.Clone(otherHeads()[info.Name])
	if others == nil {
		others = map[string]string{}
	}
	more := []string{"any"}
	if care.AboutResident(kind) {
		more = []string{"*", "any"}
	}
	for _, set := range more {
		for head, field := range otherHeads()[set] {
			if _, ok := others[head]; !ok {
				others[head] = field
			}
		}
	}
	w.by = []meaning{{"caller", caller}, {"profile", profile}, {"words", others}, {"form", own}}
	if info.Name == "statistic" {
		f, err := parseField(kind, "code")
		if err != nil {
			return w, err
		}
		w.figs = f.codes
	}
	return w, nil
}

type headRead struct {
	columns []Column
	score   int
}

// read reads row i as a head, with two together with the row above.
func (w words) read(rows []sheets.Row, i int, two bool) headRead {
	var out headRead
	group := ""
	used := map[string]bool{}
	wide := len(rows[i].Cells)
	if two {
		wide = max(wide, len(rows[i-1].Cells))
	}
	for at := range wide {
		head, above := textAt(rows[i], at), ""
		if two {
			if above = textAt(rows[i-1], at); above != "" {
				group = above
			} else if head != "" {
				above = group
			}
		}
		if head == "" && above == "" {
			continue
		}
		c := Column{At: at, Head: strings.TrimSpace(above + " " + head)}
		c.Field, c.Why = w.meaning(above, head)
		if c.Field.Path != "" && c.Field.Path != Ignored {
			if used[c.Field.Path] && c.Why != "caller" {
				c.Field, c.Why = Field{}, "" // the first one of that name is meant
			} else {
				used[c.Field.Path] = true
				if c.Why != "figure" || c.Field.year != 0 {
					out.score++ // a figure of no year is none yet
				}
			}
		}
		out.columns = append(out.columns, c)
	}
	return out
}

func textAt(r sheets.Row, at int) string {
	if at >= len(r.Cells) || len(r.Cells[at].Text) > 400 {
		return ""
	}
	return Tidy(r.Cells[at].Text)
}

// meaning returns the field that a head names, by itself or below a group's.
func (w words) meaning(above, head string) (Field, string) {
	var spellings []string
	if above != "" {
		spellings = append(spellings, above+head, withoutBrackets(above)+withoutBrackets(head))
	}
	spellings = append(spellings, head, withoutBrackets(head))
	for _, m := range w.by {
		for _, s := range spellings {
			if path, ok := m.head[same(s)]; ok && path != "" && same(s) != "" {
				if f, err := parseField(w.kind, path); err == nil {
					return f, m.why
				}
			}
		}
	}
	if w.figs != nil {
		if f, ok := w.figure(above + head); ok {
			return f, "figure"
		}
		if f, ok := w.figure(head); ok {
			return f, "figure"
		}
	}
	return Field{}, ""
}

var fourDigits = regexp.MustCompile(`((?:19|20)\d{2})年?度?末?`)

// figure reads a head such as 2024年常住人口.
func (w words) figure(head string) (Field, bool) {
	year := w.year
	if at := fourDigits.FindStringSubmatch(head); at != nil {
		year, _ = strconv.Atoi(at[1])
		head = strings.Replace(head, at[0], "", 1)
	}
	for _, s := range []string{head, withoutBrackets(head)} {
		if n, ok := w.figs.by[same(s)]; ok {
			f := Field{Path: fmt.Sprintf("%s.%d.%d", statOf, n, year), role: true, statistic: int32(n), year: int32(year)}
			return f, true
		}
	}
	return Field{}, false
}

// obey holds what the caller said against the columns that there are.
func (p *Plan) obey() error {
	for head, field := range p.Map {
		if _, err := parseField(p.Kind, field); err != nil {
			return &MapError{head, field}
		}
		found := false
		for _, c := range p.Columns {
			found = found || same(c.Head) == same(head) || same(withoutBrackets(c.Head)) == same(head) || c.Why == "caller" && c.Field.Path == field
		}
		if !found {
			return &MapError{head, field}
		}
	}
	return nil
}

func (p *Plan) prepare() {
	p.codes, p.divisions = map[string]map[string]string{}, map[string]record.Division{}
	for _, list := range p.Profile.GetCodes() {
		by := p.codes[list.GetField()]
		if by == nil {
			by = map[string]string{}
			p.codes[list.GetField()] = by
		}
		for _, one := range list.GetCodes() {
			by[same(one.GetWritten())] = one.GetMeans()
		}
	}
	for _, d := range p.Profile.GetDivisions() {
		if code, err := care.ParseDivision(d.GetCode()); err == nil {
			p.divisions[same(d.GetName())] = code
		}
	}
}

// Unknown returns the columns that are mapped to nothing.
func (p *Plan) Unknown() (out []Column) {
	for _, c := range p.Columns {
		if c.Field.Path == "" {
			out = append(out, c)
		}
	}
	return out
}

// SourceName returns the source of a profile.
func SourceName(p *carev1.ImportProfile) string {
	if s := p.GetSourceName(); s != "" {
		return s
	}
	return p.GetName()
}
