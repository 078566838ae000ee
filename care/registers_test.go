// SPDX-License-Identifier: Apache-2.0

package care

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

var update = flag.Bool("update", false, "write new rows into REGISTERS.md")

const registersHead = `# Registers

A register is what merges as one: of concurrent saves each value is kept whole, and none is mixed from two. This table
is made from the descriptors (` + "`go test ./care -run Registers -update`" + ` adds new rows) and frozen at release, like field
numbers: a row may gain parts, and changes in no other way.

A path is written as the numbers of the fields that lead to the register; ` + "`[key]`" + ` is the key of a map entry.
Besides these every record has the registers subject, scope and life.
`

// A row is one line of the table: path, name, type, and what the register holds.
type row struct {
	path, name, typ string
	parts           []string
}

func (r row) String() string {
	return fmt.Sprintf("| %s | %s | %s | %s |", r.path, r.name, r.typ, strings.Join(r.parts, ", "))
}

func parseRow(line string) (row, bool) {
	cells := strings.Split(line, "|")
	if len(cells) != 6 || strings.Contains(line, "---") || strings.Contains(line, "| path |") {
		return row{}, false
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	r := row{path: cells[1], name: cells[2], typ: cells[3]}
	if cells[4] != "" {
		r.parts = strings.Split(cells[4], ", ")
	}
	return r, true
}

func rowsOf(l *layout, path, name string) []row {
	var out []row
	for i := range l.slots {
		s := &l.slots[i]
		p, n := path+fmt.Sprint(s.field().Number()), name+s.name()
		if s.parts != nil {
			out = append(out, rowsOf(s.parts, p+".", n+".")...)
			continue
		}
		out = append(out, row{p + s.keyMark(), n + s.keyMark(), s.typeName(), s.partNames()})
	}
	return out
}

func (s *slot) keyMark() string {
	if s.keyed() {
		return "[key]"
	}
	return ""
}

func (s *slot) typeName() string {
	f := s.field()
	switch {
	case len(s.fields) > 1:
		return "one of"
	case f.IsMap():
		return "entry of " + typeName(f.MapValue())
	case f.IsList():
		return "list of " + typeName(f)
	}
	return typeName(f)
}

func typeName(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Message() != nil:
		return string(f.Message().Name())
	case f.Enum() != nil:
		return string(f.Enum().Name())
	}
	return f.Kind().String()
}

func (s *slot) partNames() []string {
	var out []string
	m := s.field().Message()
	if s.keyed() {
		m = s.field().MapValue().Message()
	}
	if len(s.fields) > 1 {
		for _, f := range s.fields {
			out = append(out, string(f.Name()))
		}
	} else if m != nil {
		for _, f := range byNumber(m.Fields()) {
			out = append(out, string(f.Name()))
		}
	}
	return out
}

func TestRegistersAreFrozen(t *testing.T) {
	var text strings.Builder
	text.WriteString(registersHead)
	now := map[string]row{} // by kind and path
	for _, kind := range slices.Sorted(maps.Keys(known())) {
		f := known()[kind]
		fmt.Fprintf(&text, "\n## %d %s\n\n| path | register | type | parts |\n|---|---|---|---|\n", kind, f.info.Name)
		for _, r := range rowsOf(f.layout, "", "") {
			fmt.Fprintln(&text, r)
			now[f.info.Name+" "+r.path] = r
		}
	}
	old, err := os.ReadFile("REGISTERS.md")
	if err != nil && !*update {
		t.Fatal(err)
	}
	for _, what := range thawed(string(old), now) {
		t.Error(what)
	}
	if *update && !t.Failed() {
		if err := os.WriteFile("REGISTERS.md", []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(old) != text.String() {
		t.Error("REGISTERS.md lacks what is new: go test ./care -run Registers -update")
	}
}

// thawed returns what is wrong with the registers of now beside the frozen table.
func thawed(table string, now map[string]row) (out []string) {
	kind := ""
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "## ") {
			kind = strings.Fields(line)[2]
		}
		was, ok := parseRow(line)
		if !ok {
			continue
		}
		is, ok := now[kind+" "+was.path]
		if !ok || is.name != was.name || is.typ != was.typ {
			out = append(out, fmt.Sprintf("%s: the frozen register\n%v\nis now\n%v", kind, was, is))
		}
		for _, part := range was.parts {
			if !slices.Contains(is.parts, part) {
				out = append(out, fmt.Sprintf("%s %s: has lost %s", kind, was.name, part))
			}
		}
	}
	return out
}

func TestAFrozenRegisterMayGainPartsOnly(t *testing.T) {
	now := map[string]row{"resident 16": {"16", "contact_person", "ContactPerson", []string{"name", "phone", "relation"}}}
	for name, c := range map[string]struct {
		row string
		bad int
	}{
		"as it is":      {"| 16 | contact_person | ContactPerson | name, phone, relation |", 0},
		"a part gained": {"| 16 | contact_person | ContactPerson | name, phone |", 0},
		"a part lost":   {"| 16 | contact_person | ContactPerson | name, phone, email |", 1},
		"another type":  {"| 16 | contact_person | string |  |", 1},
		"another name":  {"| 16 | contact | ContactPerson | name |", 1},
		"gone":          {"| 17 | contact_phone | string |  |", 1},
	} {
		if got := thawed("## 16 resident\n\n"+c.row+"\n", now); len(got) != c.bad {
			t.Errorf("%s: %d complaints, want %d: %v", name, len(got), c.bad, got)
		}
	}
}
