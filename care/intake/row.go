// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/sheets"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Person is by what a resident is found.
type Person struct {
	Number string
	Name   string
	Birth  care.Date
}

// Row is what a row of a file says.
type Row struct {
	Number   int
	Division record.Division // 12 digits; empty: not said
	Key      string          // what the source calls it; may be empty
	Person   Person          // of a row about a resident
	// Forms is one form; of a row of figures one a figure. None where the row is kept aside or
	// refused.
	Forms  []proto.Message
	Doubts []Doubt
}

// Weight returns what becomes of the row: the heaviest of its doubts.
func (r Row) Weight() (w Weight) {
	for _, d := range r.Doubts {
		w = max(w, WeightOf(d.Reason))
	}
	return w
}

// Row reads a row below the head.
func (p *Plan) Row(raw sheets.Row) Row {
	form, err := care.New(p.Kind)
	r := rowReader{plan: p, raw: raw, out: Row{Number: raw.Number}}
	if err != nil { // a plan has a kind
		return r.out
	}
	r.form = form.ProtoReflect()
	if why := r.useless(); why != "" {
		r.whole(why)
		return r.out
	}
	r.entrySeed = p.Source
	if raw.Hidden {
		r.whole(HiddenRow)
	}
	for i := range p.Columns {
		if c := &p.Columns[i]; c.Field.Path != "" && c.Field.Path != Ignored {
			r.column(c)
		}
	}
	r.finish()
	if r.out.Weight() > Note {
		r.out.Forms = nil
	}
	return r.out
}

type rowReader struct {
	plan      *Plan
	raw       sheets.Row
	form      protoreflect.Message
	out       Row
	township  string
	item      int32
	now       *Column
	entrySeed string
	village   sheets.Cell
	figures   []figure
	filled    int
}

type figure struct {
	code, year int32
	field      Field
	cell       sheets.Cell
	column     *Column
}

// useless says why nothing can be made of a row.
func (r *rowReader) useless() Reason {
	again, first := 0, ""
	for i, c := range r.raw.Cells {
		w := same(c.Text)
		if w == "" {
			continue
		}
		if first == "" {
			first = w
		}
		if i < len(r.plan.heads) && w == r.plan.heads[i] {
			again++
		}
		if slices.Contains(sumWords, w) {
			return Total
		}
	}
	if again >= 2 && again*2 > len(r.plan.heads) {
		return HeadAgain
	}
	for _, w := range sumWords {
		if strings.HasPrefix(first, w) {
			return Total
		}
	}
	return ""
}

func (r *rowReader) cell(at int) sheets.Cell {
	if at < len(r.raw.Cells) {
		return r.raw.Cells[at]
	}
	return sheets.Cell{}
}

// column reads the cell of a column.
func (r *rowReader) column(col *Column) {
	c := r.cell(col.At)
	r.now = col
	text := Tidy(c.Text)
	if c.Formula && c.Kind == sheets.Empty {
		r.doubt(col, c, NoCached)
		return
	}
	if nilWords[strings.ToLower(text)] {
		return
	}
	r.filled++
	switch {
	case c.Kind == sheets.Fault, strings.HasPrefix(text, "#") && (strings.HasSuffix(text, "!") || text == "#N/A" || strings.HasSuffix(text, "?")):
		r.doubt(col, c, FaultCell)
		return
	case strings.ContainsRune(text, '\ufffd'):
		r.doubt(col, c, Unreadable)
		return
	}
	if c.Formula {
		r.note(col.Field, c, Calculated)
	}
	if why := r.take(col, c, text); why != "" {
		r.doubt(col, c, why)
	}
}

func (r *rowReader) take(col *Column, c sheets.Cell, text string) Reason {
	f := col.Field
	if !f.role {
		return r.value(f, c)
	}
	switch f.Path {
	case Township:
		r.township = text
	case Division:
		r.village = c
	case Key:
		key, lossy := LongNumber(c)
		if lossy {
			return Lossy
		}
		r.out.Key = key
	case Number:
		number, lossy := LongNumber(c)
		if lossy {
			return Lossy
		}
		r.out.Person.Number = care.NormaliseNumber(number)
	case Name:
		r.out.Person.Name = text
	case Birth:
		d, why := ReadDate(c, int(r.plan.Profile.GetTwoDigitYearsFrom()), false)
		r.out.Person.Birth = d
		return why
	case Item:
		code, err := parseField(r.plan.Kind, "code")
		if err != nil {
			return CodeUnknown
		}
		n, why := r.code(code, text)
		r.item = int32(n)
		return why
	default:
		r.figures = append(r.figures, figure{f.statistic, f.year, f, c, col})
	}
	return ""
}

// division reads the code of a division, or the name of one that the profile knows.
func (r *rowReader) division(c sheets.Cell, township string) (record.Division, Reason) {
	text, lossy := LongNumber(c)
	if lossy {
		return "", Lossy
	}
	if code, err := care.ParseDivision(text); err == nil {
		return code, ""
	}
	for _, name := range []string{township + text, text} {
		if code, ok := r.plan.divisions[same(name)]; ok {
			return code, ""
		}
	}
	return "", DivisionWrong
}

// put sets a value in the form, below the entries of maps that lead to it.
func (r *rowReader) put(f Field, v protoreflect.Value) Reason {
	m := r.form
	for _, s := range f.steps[:len(f.steps)-1] {
		if !s.field.IsMap() {
			m = m.Mutable(s.field).Message()
			continue
		}
		key := r.entryKey(s, v)
		m = m.Mutable(s.field).Map().Mutable(protoreflect.ValueOfString(key).MapKey()).Message()
	}
	if f.leaf.IsList() {
		list := m.Mutable(f.leaf).List()
		for i := range list.Len() {
			if list.Get(i).Equal(v) {
				return ""
			}
		}
		list.Append(v)
		return ""
	}
	m.Set(f.leaf, v)
	return ""
}

// entryKey names the entry of a map: by its number in the row, or by its value. It says nothing
// itself, is the same whenever the row is read again, and is another one in each source.
func (r *rowReader) entryKey(s step, v protoreflect.Value) string {
	what := fmt.Sprint(s.index)
	if s.index < 0 {
		what = v.String()
	}
	sum := sha256.Sum256([]byte(r.entrySeed + "\x00" + string(s.field.FullName()) + "\x00" + what))
	return entryLetters.EncodeToString(sum[:5])
}

// As care.NewEntryKey writes keys.
var entryLetters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

func (r *rowReader) doubt(col *Column, c sheets.Cell, why Reason) {
	r.out.Doubts = append(r.out.Doubts, Doubt{r.raw.Number, col.Head, col.Field.Path, why, WeightOf(why), Mask(col.Field, Tidy(c.Text))})
}

func (r *rowReader) note(f Field, c sheets.Cell, why Reason) {
	r.out.Doubts = append(r.out.Doubts, Doubt{r.raw.Number, r.now.Head, f.Path, why, WeightOf(why), Mask(f, Tidy(c.Text))})
}

func (r *rowReader) whole(why Reason) {
	r.out.Doubts = append(r.out.Doubts, Doubt{Row: r.raw.Number, Reason: why, Weight: WeightOf(why)})
}

// Mask returns a text as lists of doubts show it: of what names somebody little more than its length.
func Mask(f Field, text string) string {
	runes := []rune(text)
	if len(runes) > 40 {
		runes = append(runes[:39], '…')
	}
	text = string(runes)
	switch {
	case f.Path == Number || strings.HasSuffix(f.Path, "number"):
		return care.MaskNumber(text)
	case strings.HasSuffix(f.Path, "phone"):
		return care.MaskPhone(text)
	case !f.Personal() || len(runes) == 0:
		return text
	case f.Path == Birth || strings.HasSuffix(f.Path, "date"):
		return string(runes[:min(4, len(runes))]) + strings.Repeat("*", max(0, len(runes)-4))
	}
	return string(runes[:1]) + strings.Repeat("*", len(runes)-1)
}

// finish makes whole what the columns said, and looks at the row as such.
func (r *rowReader) finish() {
	if r.filled == 0 {
		r.whole(NoKey)
		return
	}
	r.settle()
	switch m := r.form.Interface().(type) {
	case *carev1.Resident:
		r.resident(m)
	case *carev1.Organisation:
		r.need(m.GetOrganisationCode() != "" || m.GetName() != "", m.GetOrganisationCode() != "")
	case *carev1.Staff:
		r.need(m.GetStaffId() != "" || m.GetName() != "", m.GetStaffId() != "")
	case *carev1.Team:
		r.need(m.GetName() != "", m.GetOrganisationCode() != "")
	case *carev1.Statistic:
		r.statistics(m)
		return
	default:
		r.service()
	}
	if r.out.Weight() == Note {
		r.out.Forms = []proto.Message{r.form.Interface()}
	}
}

// need wants anything that says what a row is about, and the key of it.
func (r *rowReader) need(something, key bool) {
	switch {
	case !something:
		r.whole(NoKey)
	case !key:
		r.whole(NoName)
	}
}

// settle finds out the division: that which the row names, else the caller's. What is named and
// not known is doubtful, whatever the caller says.
func (r *rowReader) settle() {
	at := r.plan.Division
	if r.village.Kind != sheets.Empty || r.township != "" {
		code, why := r.division(r.village, r.township)
		switch {
		case why == "":
			at = code
		case r.village.Kind != sheets.Empty && Tidy(r.village.Text) != "":
			r.divisionDoubt(why)
			return
		}
	}
	if at != "" {
		r.out.Division = care.FullCode(at)
	}
}

func (r *rowReader) divisionDoubt(why Reason) {
	for i := range r.plan.Columns {
		if c := &r.plan.Columns[i]; c.Field.Path == Division {
			r.doubt(c, r.village, why)
			return
		}
	}
}
