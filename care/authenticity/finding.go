// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// KindRuling is the kind of a ruling on a finding; its record has the finding's id.
const KindRuling record.Kind = 61

// MaxItems is how many records a finding names; More counts the others.
const MaxItems = 60

// Finding is one thing that a rule saw, with what it rests on.
type Finding struct {
	Rule    string
	Key     string // what it is about, within the rule: stays when more of the same comes
	Doctor  string // whose work it is about; empty: nobody's alone
	Unit    string // organisation of the first record
	Quarter Quarter
	Day     care.Date // of its latest record
	Items   []Item
	More    int
	// Divisions are those of all its records, sorted, and Class the most private of theirs.
	Divisions []record.Division
	Class     record.Class
	Numbers   []Number
	Test      *Test // nil: nothing was tested
	ZH, EN    string
}

// Item is a record that a finding rests on.
type Item struct {
	Record, Person record.ID
	Division       record.Division
	Class          record.Class
	Day            care.Date
}

// Number is a figure that a finding rests on; its name is made of small letters and "_".
type Number struct {
	Name  string
	Value float64
}

// ID returns the id of f, which is that of rulings on it.
func (f *Finding) ID() record.ID {
	return record.DerivedID(KindRuling, []byte("xunzhen/authenticity/1\x00"+f.Rule+"\x00"+f.Key))
}

// Severity returns how grave its rule is.
func (f *Finding) Severity() carev1.Severity {
	r, _ := Lookup(f.Rule)
	return r.Severity
}

// Digest names the evidence: what the finding says and the records it names.
func (f *Finding) Digest() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d", f.Rule, f.Key, f.EN, f.More)
	for _, i := range f.Items {
		h.Write(i.Record[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// item returns v as evidence.
func (v *Visit) item() Item { return Item{v.Record, v.Person, v.Division, v.Class, v.Day} }

// about returns a finding that rests on these visits, the earliest first.
func about(rule, key, doctor string, visits []*Visit) Finding {
	f := Finding{Rule: rule, Key: key, Doctor: doctor}
	items := make([]Item, len(visits))
	for i, v := range visits {
		items[i] = v.item()
		if f.Unit == "" {
			f.Unit = v.Unit
		}
	}
	f.rest(items)
	return f
}

// rest makes items the records that f rests on.
func (f *Finding) rest(items []Item) {
	slices.SortFunc(items, func(a, b Item) int { return cmp.Or(cmp.Compare(a.Day, b.Day), record.ID.Compare(a.Record, b.Record)) })
	items = slices.CompactFunc(items, func(a, b Item) bool { return a.Record == b.Record })
	for _, i := range items {
		f.Divisions = append(f.Divisions, i.Division)
		f.Class = max(f.Class, i.Class)
		f.Day = max(f.Day, i.Day)
	}
	slices.Sort(f.Divisions)
	f.Divisions = slices.Compact(f.Divisions)
	f.Quarter = QuarterOf(f.Day)
	f.Items = items[:min(len(items), MaxItems)]
	f.More = len(items) - len(f.Items)
}

// say puts the words of the rule around the figures.
func (f *Finding) say(numbers ...Number) {
	f.Numbers = numbers
	r, _ := Lookup(f.Rule)
	f.ZH, f.EN = fill(r.FoundZH, numbers), fill(r.FoundEN, numbers)
}

// fill replaces {name} by the number of that name.
func fill(text string, numbers []Number) string {
	for _, n := range numbers {
		shown := figure(n.Value)
		if n.IsDay() {
			shown = care.Date(n.Value).String()
		}
		text = strings.ReplaceAll(text, "{"+n.Name+"}", shown)
	}
	return text
}

// IsDay reports whether the value is a civil date.
func (n Number) IsDay() bool {
	switch n.Name {
	case "day", "from", "to", "earlier":
		return true
	}
	return false
}

// figure writes a number as people read it: whole, or with one or two decimals.
func figure(v float64) string {
	text := fmt.Sprintf("%.2f", v)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// Quarter is a quarter of a year: 20263 is the third of 2026; 0 is none.
type Quarter int

// QuarterOf returns the quarter of a day, 0 for one that is not known to the month.
func QuarterOf(d care.Date) Quarter {
	if d.Month() == 0 {
		return 0
	}
	return Quarter(d.Year()*10 + (d.Month()+2)/3)
}

// Year returns the year of q.
func (q Quarter) Year() int { return int(q) / 10 }

// String returns 2026Q3, and "" for none.
func (q Quarter) String() string {
	if q == 0 {
		return ""
	}
	return fmt.Sprintf("%dQ%d", q.Year(), int(q)%10)
}

// ParseQuarter reads what String writes, in small letters too.
func ParseQuarter(text string) (Quarter, bool) {
	var year, q int
	if n, err := fmt.Sscanf(strings.ToUpper(text), "%4dQ%1d", &year, &q); n != 2 || err != nil || q < 1 || q > 4 || year < 1900 {
		return 0, false
	}
	out := Quarter(year*10 + q)
	return out, strings.EqualFold(out.String(), text)
}
