// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"regexp"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

var (
	rowName  = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(\.[a-z0-9_]+)*$`)
	partName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// checkShape finds what is wrong with a pack before any expression is looked at.
func (d *draft) checkShape() {
	c := d.content
	if c.GetName() == "" || c.GetVersion() == "" {
		d.fault(c, "", "the pack has no name or no version")
	}
	d.checkSizes()
	if len(d.faults) > 0 {
		return // what follows compares rows with each other
	}
	d.checkNames()
	d.checkSources()
	for _, t := range c.GetThresholds() {
		if t.GetValue() == nil {
			d.fault(t, t.GetId(), "a threshold without a value")
		}
		if t.GetStrength() == 0 {
			d.fault(t, t.GetId(), "a threshold without strength")
		}
	}
	for _, r := range c.GetRules() {
		if r.GetSeverity() == 0 {
			d.fault(r, r.GetId(), "a rule without severity")
		}
		if (r.GetWhen() == "") == (r.GetCheck() == 0) {
			d.fault(r, r.GetId(), "a rule has either a condition or a check of the schema")
		}
	}
	for _, t := range c.GetTests() {
		if t.GetName() == "" || t.GetAsOf() == 0 {
			d.fault(t, t.GetName(), "a test row without name or day")
		}
	}
}

// checkSizes wants every list and every text to be of a size that a pack can have.
func (d *draft) checkSizes() {
	d.content.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !f.IsList() {
			return true
		}
		if v.List().Len() > maxRows {
			d.fault(d.content, "", "more than %d %s", maxRows, f.Name())
		}
		for i := range min(v.List().Len(), maxRows) {
			m := v.List().Get(i).Message()
			d.checkTexts(m.Interface(), m, f.Name() == "tests")
		}
		return true
	})
}

// checkTexts looks at the texts in m, which belongs to row.
func (d *draft) checkTexts(row proto.Message, m protoreflect.Message, isTest bool) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				d.checkTexts(row, v.List().Get(i).Message(), isTest)
			}
		case f.Message() != nil:
			d.checkTexts(row, v.Message(), isTest)
		case f.IsList() && v.List().Len() > maxRows:
			d.fault(row, idOf(row), "more than %d %s", maxRows, f.Name())
		case f.Kind() == protoreflect.StringKind && !f.IsList():
			if n := utf8.RuneCountInString(v.String()); n > longest(f.Name(), isTest) {
				d.fault(row, "", "%s has %d characters, at most %d", f.Name(), n, longest(f.Name(), isTest))
			}
		}
		return true
	})
}

func longest(name protoreflect.Name, isTest bool) int {
	switch name {
	case "when", "value", "expression", "due_on", "grace_days", "ahead_days":
		return maxExpression
	case "zh", "en":
		return maxMessage
	case "form":
		if isTest {
			return maxBytes
		}
	}
	return maxText
}

func idOf(m proto.Message) string {
	if r, ok := m.(row); ok {
		return r.GetId()
	}
	return ""
}

// checkNames wants ids that can be named, each once.
func (d *draft) checkNames() {
	rows, parts, tests := map[string]bool{}, map[string]bool{}, map[string]bool{}
	once := func(seen map[string]bool, at proto.Message, name, what string) {
		if seen[name] {
			d.fault(at, name, "a second %s with this name", what)
		}
		seen[name] = true
	}
	eachSwitchable(d.content, func(r row) {
		if !rowName.MatchString(r.GetId()) {
			d.fault(r, r.GetId(), "an id begins with a large letter and has letters, digits and dots")
		}
		once(rows, r, r.GetId(), "row")
	})
	for _, t := range d.content.GetThresholds() {
		if !partName.MatchString(t.GetId()) {
			d.fault(t, t.GetId(), "a threshold's id has small letters, digits and underscores")
		}
		once(parts, t, t.GetId(), "threshold")
	}
	for _, def := range d.content.GetDefinitions() {
		if !partName.MatchString(def.GetId()) {
			d.fault(def, def.GetId(), "a definition's id has small letters, digits and underscores")
		}
		for _, kind := range def.GetKinds() {
			once(parts, def, kind+"/"+def.GetId(), "definition")
		}
	}
	for _, t := range d.content.GetTests() {
		once(tests, t, t.GetName(), "test row")
	}
}

// A sourcedRow says where it comes from.
type sourcedRow interface {
	row
	GetSource() *carev1.RuleSource
}

// A wordedRow has words for people.
type wordedRow interface {
	row
	GetZh() string
	GetEn() string
}

// checkSources wants a source and words in both languages: no source, no rule.
func (d *draft) checkSources() {
	check := func(r row) {
		if s, ok := r.(sourcedRow); ok && !sourced(s.GetSource()) {
			d.fault(r, r.GetId(), "no source: document, section and mark")
		}
		if w, ok := r.(wordedRow); ok && (w.GetZh() == "" || w.GetEn() == "") {
			d.fault(r, r.GetId(), "no words in Chinese or in English")
		}
	}
	eachSwitchable(d.content, check)
	for _, t := range d.content.GetThresholds() {
		check(t)
	}
	for _, t := range d.content.GetTests() {
		if !sourced(t.GetSource()) {
			d.fault(t, t.GetName(), "no source: document, section and mark")
		}
	}
}

func sourced(s *carev1.RuleSource) bool {
	return s.GetDocument() != "" && s.GetSection() != "" && s.GetMark() != 0
}
