// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/care/rules"
)

// How a proposal stands to what is in its field.
const (
	FieldEmpty = "empty" // nothing is there: Fill puts it in
	FieldSame  = "same"  // it is what is there
	FieldOther = "other" // a person put in something else, which stays
)

// Proposal is what the rules offer for one field. Only a person's save makes it part of
// the record.
type Proposal struct {
	RuleID   string
	Path     string
	LabelZH  string
	LabelEN  string
	ValueZH  string // the value in words
	ValueEN  string
	ReasonZH string
	ReasonEN string
	Field    string // FieldEmpty, FieldSame, FieldOther
	Computed bool   // the field is computed from others: it is filled in by itself

	offer rules.Proposal
}

// maxRounds is how often what was filled in may lead to something further: a score, the
// level it makes, what follows from that.
const maxRounds = 4

// proposal returns an offer as the form has it; false where the form has no room for it.
func (c *Check) proposal(o rules.Proposal) (*Proposal, bool) {
	sample := c.edited.ProtoReflect().New()
	if o.Set(sample.Interface()) != nil {
		return nil, false
	}
	want, ok := spotAt(sample, o.Path)
	has, had := spotAt(c.edited.ProtoReflect(), o.Path)
	if !ok || !had {
		return nil, false
	}
	v := want.holder.Get(want.field)
	p := &Proposal{
		RuleID: o.RuleID, Path: o.Path, LabelZH: want.zh, LabelEN: want.en, ReasonZH: o.ReasonZH, ReasonEN: o.ReasonEN,
		ValueZH: wording{true}.field(want.field, v), ValueEN: wording{}.field(want.field, v),
		Computed: len(fieldOptions(want.field).GetDerivedFrom()) > 0, Field: FieldOther, offer: o,
	}
	switch {
	case sameField(want, has):
		p.Field = FieldSame
	case !has.holder.Has(has.field) && !cannotBeEmpty(has.field):
		p.Field = FieldEmpty
	}
	return p, true
}

// cannotBeEmpty reports whether nothing and an answer look the same: a truth value
// without presence.
func cannotBeEmpty(f protoreflect.FieldDescriptor) bool {
	return f.Kind() == protoreflect.BoolKind && !f.IsList() && !f.HasPresence()
}

// sameField reports whether a field has the same content in two forms.
func sameField(a, b spot) bool {
	return a.holder.Has(a.field) == b.holder.Has(b.field) && a.holder.Get(a.field).Equal(b.holder.Get(b.field))
}

// compute fills in what is computed from other fields, and looks at the form then. What a
// person put into such a field themselves stays, and the rules say if it is wrong.
func (c *Check) compute() error {
	for range maxRounds {
		c.again()
		changed := c.clearStale()
		for _, p := range c.proposals {
			if p.Computed && p.Field != FieldSame && (p.Field == FieldEmpty || c.untouched(p.Path)) {
				changed = true
				if err := c.fillIn(p); err != nil {
					return err
				}
			}
		}
		if !changed {
			return nil
		}
	}
	c.again()
	return nil
}

// Fill puts what is proposed into fields that are empty; a field that a person filled
// stays as it is. Filled says what was put.
func (c *Check) Fill() error {
	for range maxRounds {
		changed := false
		for _, p := range c.proposals {
			if p.Field == FieldEmpty {
				changed = true
				if err := c.fillIn(p); err != nil {
					return fail("fill", err)
				}
			}
		}
		if !changed {
			return nil
		}
		if err := c.compute(); err != nil {
			return fail("fill", err)
		}
	}
	return nil
}

func (c *Check) fillIn(p *Proposal) error {
	if err := p.offer.Set(c.edited); err != nil {
		return err
	}
	c.put[p.Path] = true
	c.filled = append(c.filled, p)
	return nil
}

// untouched reports whether a computed field says what it said when the form was opened,
// though what it is computed from does not; or whether it was filled in here.
func (c *Check) untouched(path string) bool {
	if c.put[path] {
		return true
	}
	was, ok := spotAt(c.shown.ProtoReflect(), path)
	is, has := spotAt(c.edited.ProtoReflect(), path)
	if !ok || !has || !sameField(was, is) {
		return false
	}
	for _, name := range fieldOptions(is.field).GetDerivedFrom() {
		f := is.field.ContainingMessage().Fields().ByName(protoreflect.Name(name))
		if f == nil {
			continue
		}
		was.field, is.field = f, f
		if !sameField(was, is) {
			return true
		}
	}
	return false
}

// clearStale empties computed fields that say what was computed before from something
// that is not there any more.
func (c *Check) clearStale() bool {
	offered := map[string]bool{}
	for _, p := range c.proposals {
		offered[p.Path] = true
	}
	kind := c.book.KindName(c.kind)
	cleared := false
	eachComputed(c.edited.ProtoReflect(), "", func(m protoreflect.Message, f protoreflect.FieldDescriptor, path string) {
		if offered[path] || !c.book.offered[kind+" "+path] || !c.untouched(path) {
			return
		}
		m.Clear(f)
		cleared = true
	})
	return cleared
}

// eachComputed calls visit with the filled computed fields of a form and of the single
// messages in it.
func eachComputed(m protoreflect.Message, prefix string, visit func(protoreflect.Message, protoreflect.FieldDescriptor, string)) {
	for _, f := range inOrder(m.Descriptor()) {
		switch {
		case !m.Has(f) || f.IsList() || f.IsMap():
		case f.Message() != nil:
			eachComputed(m.Mutable(f).Message(), prefix+string(f.Name())+".", visit)
		case len(fieldOptions(f).GetDerivedFrom()) > 0:
			visit(m, f, prefix+string(f.Name()))
		}
	}
}
