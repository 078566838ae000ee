// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// ErrPack is wrapped by every error about a pack that is refused.
var ErrPack = errors.New("rule pack refused")

// A Source is one file of a pack: a RulePackContent as prototext. Comments begin with #.
type Source struct {
	Name string
	Text []byte
}

// Extends reports whether the file is a county's own, to be laid over a pack. A file
// that cannot be read extends nothing: Load says what is wrong with it.
func (s Source) Extends() bool {
	return slices.ContainsFunc(fieldsOf(s.Text), func(f textField) bool { return f.name == "extends" })
}

// A Fault is one thing that is wrong with a pack. It wraps ErrPack.
type Fault struct {
	File string // empty for a pack that came as bytes
	Line int    // 1 is the first; 0 for a pack that came as bytes
	Row  string // the id of the row, empty where it has none
	What string
}

// Error returns "file:line: row: what".
func (f *Fault) Error() string {
	var b strings.Builder
	if f.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", f.File, f.Line)
	}
	if f.Row != "" {
		b.WriteString(f.Row + ": ")
	}
	return b.String() + f.What
}

func (f *Fault) Unwrap() error { return ErrPack }

// What a pack may be at most: a county's pack is a few hundred rows.
const (
	maxBytes      = 4 << 20 // of all sources
	maxRows       = 5000    // of each kind of row
	maxExpression = 4000    // characters of an expression
	maxMessage    = 500     // characters of a message
	maxText       = 500     // characters of any other text
	maxFaults     = 50      // that are told of one pack
)

// A row is anything in a pack that has an id.
type row interface {
	proto.Message
	GetId() string
}

// A place is where a row stands.
type place struct {
	file string
	line int
}

// A draft is a pack that is being composed, with the places of its rows.
type draft struct {
	content *carev1.RulePackContent
	places  map[proto.Message]place
	faults  []error
}

func newDraft() *draft {
	return &draft{content: &carev1.RulePackContent{}, places: map[proto.Message]place{}}
}

func (d *draft) fault(at proto.Message, row, format string, args ...any) {
	if len(d.faults) < maxFaults {
		p := d.places[at]
		d.faults = append(d.faults, &Fault{p.file, p.line, row, fmt.Sprintf(format, args...)})
	}
}

// err returns all that is wrong, nil if nothing is.
func (d *draft) err() error { return errors.Join(d.faults...) }

// compose reads sources and lays those that extend the pack over it.
func compose(sources []Source) *draft {
	d := newDraft()
	var overlays []*carev1.RulePackContent
	size := 0
	for _, s := range slices.SortedFunc(slices.Values(sources), byName) {
		if size += len(s.Text); size > maxBytes {
			d.faults = append(d.faults, &Fault{s.Name, 1, "", fmt.Sprintf("the pack has more than %d bytes", maxBytes)})
			return d
		}
		content := d.parse(s)
		if content.GetExtends() != "" {
			overlays = append(overlays, content)
			continue
		}
		d.merge(content)
	}
	for _, o := range overlays {
		d.overlay(o)
	}
	if len(sources) > 0 {
		d.places[d.content] = place{slices.MinFunc(sources, byName).Name, 1}
	}
	return d
}

func byName(a, b Source) int { return strings.Compare(a.Name, b.Name) }

// parse reads one source and notes where its rows stand. It returns nil for a
// text that cannot be read.
func (d *draft) parse(s Source) *carev1.RulePackContent {
	content := &carev1.RulePackContent{}
	if deepest(s.Text) > maxNesting {
		d.faults = append(d.faults, &Fault{s.Name, 1, "", fmt.Sprintf("nested more than %d deep", maxNesting)})
		return nil
	}
	if err := prototext.Unmarshal(s.Text, content); err != nil {
		line, what := splitPosition(err, s.Text)
		d.faults = append(d.faults, &Fault{s.Name, line, "", what})
		return nil
	}
	seen := map[string]int{}
	for _, at := range fieldsOf(s.Text) {
		f := content.ProtoReflect().Descriptor().Fields().ByTextName(at.name)
		if f == nil || !f.IsList() {
			continue
		}
		if list := content.ProtoReflect().Get(f).List(); seen[at.name] < list.Len() {
			d.places[list.Get(seen[at.name]).Message().Interface()] = place{s.Name, at.line}
		}
		seen[at.name]++
	}
	d.places[content] = place{s.Name, 1}
	return content
}

// merge adds the rows of one file of the pack.
func (d *draft) merge(file *carev1.RulePackContent) {
	to := d.content
	if file.GetName() != "" {
		if to.GetName() != "" {
			d.fault(file, "", "the pack is called %q already", to.GetName())
		}
		to.Name, to.Version = file.GetName(), file.GetVersion()
	}
	if len(file.GetChanges()) > 0 {
		d.fault(file.GetChanges()[0], "", "changes are for a pack that extends another")
	}
	to.Thresholds = append(to.Thresholds, file.GetThresholds()...)
	to.Definitions = append(to.Definitions, file.GetDefinitions()...)
	to.Rules = append(to.Rules, file.GetRules()...)
	to.Proposals = append(to.Proposals, file.GetProposals()...)
	to.Populations = append(to.Populations, file.GetPopulations()...)
	to.Due = append(to.Due, file.GetDue()...)
	to.Tests = append(to.Tests, file.GetTests()...)
}

// overlay replaces rows of the same id, adds the others and makes the changes of a county's pack.
func (d *draft) overlay(o *carev1.RulePackContent) {
	to := d.content
	if o.GetExtends() != to.GetName() {
		d.fault(o, "", "extends %q, and the pack is called %q", o.GetExtends(), to.GetName())
	}
	if o.GetName() != "" {
		to.Name, to.Version = o.GetName(), o.GetVersion()
	}
	to.Thresholds = laid(to.GetThresholds(), o.GetThresholds(), sameID)
	to.Definitions = laid(to.GetDefinitions(), o.GetDefinitions(), sameDefinition)
	to.Rules = laid(to.GetRules(), o.GetRules(), sameID)
	to.Proposals = laid(to.GetProposals(), o.GetProposals(), sameID)
	to.Populations = laid(to.GetPopulations(), o.GetPopulations(), sameID)
	to.Due = laid(to.GetDue(), o.GetDue(), sameID)
	to.Tests = laid(to.GetTests(), o.GetTests(), func(a, b *carev1.RuleTest) bool { return a.GetName() == b.GetName() })
	for _, c := range o.GetChanges() {
		d.change(c)
	}
}

func sameID[R row](a, b R) bool { return a.GetId() == b.GetId() }

func sameDefinition(a, b *carev1.Definition) bool {
	return a.GetId() == b.GetId() && slices.Equal(a.GetKinds(), b.GetKinds())
}

// laid returns base with the rows of over in the place of those that are the
// same, and the rest of over behind them.
func laid[R any](base, over []R, same func(a, b R) bool) []R {
	out := slices.Clone(base)
	for _, o := range over {
		if i := slices.IndexFunc(base, func(b R) bool { return same(b, o) }); i >= 0 {
			out[i] = o
			continue
		}
		out = append(out, o)
	}
	return out
}

// change makes one change of a county. The rows of the pack that it extends are
// shared with nobody: they were parsed for this draft.
func (d *draft) change(c *carev1.RuleChange) {
	found := d.switchable(c.GetId())
	switch {
	case found == nil:
		d.fault(c, c.GetId(), "the pack has no such row to change")
	case c.GetOff() && c.GetOn():
		d.fault(c, c.GetId(), "both on and off")
	case !sourced(c.GetSource()):
		d.fault(c, c.GetId(), "a change says where it comes from: document, section and mark")
	}
	if found == nil {
		return
	}
	if c.GetOff() || c.GetOn() {
		f := found.ProtoReflect().Descriptor().Fields().ByName("off")
		setBool(found, f, c.GetOff())
	}
	if c.GetSeverity() != 0 {
		r, ok := found.(*carev1.Rule)
		if !ok {
			d.fault(c, c.GetId(), "only a rule has a severity")
			return
		}
		r.Severity = c.GetSeverity()
	}
}

// switchable returns the row with this id that can be switched off, nil if there is none.
func (d *draft) switchable(id string) row {
	var out row
	eachSwitchable(d.content, func(r row) {
		if r.GetId() == id && out == nil {
			out = r
		}
	})
	return out
}

func eachSwitchable(c *carev1.RulePackContent, visit func(row)) {
	for _, r := range c.GetRules() {
		visit(r)
	}
	for _, r := range c.GetProposals() {
		visit(r)
	}
	for _, r := range c.GetPopulations() {
		visit(r)
	}
	for _, r := range c.GetDue() {
		visit(r)
	}
}
