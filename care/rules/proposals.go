// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// A Proposal is what a form is offered for one of its fields. A person accepts it or not.
type Proposal struct {
	RuleID             string
	Path               string // by names with dots from the form's root
	Value              Value
	ReasonZH, ReasonEN string
}

// A Value is a number, numbers, a text or a truth value, as the field has it.
type Value struct {
	Numbers []int64 // one for a single field, codes and truth values (0, 1) included
	Text    string
	IsText  bool
}

// String returns the numbers with commas, or the text.
func (v Value) String() string {
	if v.IsText {
		return v.Text
	}
	var out []string
	for _, n := range v.Numbers {
		out = append(out, strconv.FormatInt(n, 10))
	}
	return strings.Join(out, ",")
}

type proposalRule struct {
	row         *carev1.ProposalRule
	field       protoreflect.FieldDescriptor
	when, value expression
	message     message
}

// proposal compiles a row.
func (c *compiler) proposal(row *carev1.ProposalRule) {
	k := c.kindNamed(row, row.GetKind())
	if k == nil {
		return
	}
	field := fieldAt(k.desc, row.GetPath())
	wanted := typesOf(field)
	if wanted == nil {
		c.fault(row, row.GetId(), "%s has no field %q that can be proposed", k.name, row.GetPath())
		return
	}
	one := &proposalRule{
		row: row, field: field,
		when:    c.expression(k, row, "when", row.GetWhen(), cel.BoolType),
		value:   c.expression(k, row, "value", row.GetValue(), wanted...),
		message: c.message(k, row, row.GetValues()),
	}
	if !row.GetOff() {
		k.proposals = append(k.proposals, one)
	}
}

// typesOf returns what may be proposed for a field, nil for one that takes nothing.
func typesOf(f protoreflect.FieldDescriptor) []*cel.Type {
	if f == nil || f.IsMap() {
		return nil
	}
	var typ *cel.Type
	switch f.Kind() {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.EnumKind:
		typ = cel.IntType
	case protoreflect.BoolKind:
		typ = cel.BoolType
	case protoreflect.StringKind:
		typ = cel.StringType
	default:
		return nil
	}
	switch {
	case f.IsList() && typ == cel.IntType:
		return []*cel.Type{cel.ListType(cel.IntType)}
	case f.IsList():
		return nil
	}
	return []*cel.Type{typ}
}

// Proposals returns what a form is offered, at most one proposal for a field, in
// the order of the pack; the form is seen as by Check. Faults are findings about
// rows that could not be evaluated.
func (p *Pack) Proposals(person *Person, form Entry, asOf care.Date) (offers []Proposal, faults []*carev1.Finding) {
	if form.Voided || form.Form == nil {
		return nil, nil
	}
	v := p.visit(person.With(form), asOf)
	k, at := v.find(form)
	if k == nil {
		return nil, nil
	}
	return v.scopeOf(k, at).proposals()
}

func (s *scope) proposals() (offers []Proposal, faults []*carev1.Finding) {
	taken := map[string]bool{}
	for _, r := range s.k.proposals {
		if taken[r.row.GetPath()] {
			continue
		}
		offer, ok, err := s.propose(r)
		switch {
		case err != nil:
			faults = append(faults, s.fault(r.row.GetId()))
		case ok:
			taken[r.row.GetPath()] = true
			offers = append(offers, offer)
		}
	}
	return offers, faults
}

func (s *scope) propose(r *proposalRule) (Proposal, bool, error) {
	if ok, err := s.holds(r.when); err != nil || !ok {
		return Proposal{}, false, err
	}
	v, err := s.eval(r.value)
	if err != nil {
		return Proposal{}, false, err
	}
	zh, en, err := r.message.words(s)
	return Proposal{r.row.GetId(), r.row.GetPath(), valueOf(v), zh, en}, true, err
}

func valueOf(v ref.Val) Value {
	switch v := v.(type) {
	case types.Int:
		return Value{Numbers: []int64{int64(v)}}
	case types.Bool:
		if v {
			return Value{Numbers: []int64{1}}
		}
		return Value{Numbers: []int64{0}}
	case types.String:
		return Value{Text: string(v), IsText: true}
	case traits.Lister:
		out := Value{Numbers: []int64{}}
		for it := v.Iterator(); it.HasNext() == types.True; {
			n, _ := it.Next().(types.Int)
			out.Numbers = append(out.Numbers, int64(n))
		}
		return out
	}
	return Value{}
}

// Set writes the value into a form of the kind that the proposal is for. It
// returns an error if the form has no such field or the number no room in it.
func (p Proposal) Set(form proto.Message) error {
	m := form.ProtoReflect()
	f := fieldAt(m.Descriptor(), p.Path)
	if f == nil {
		return fmt.Errorf("%s: the form has no field %q", p.RuleID, p.Path)
	}
	names := strings.Split(p.Path, ".")
	for _, name := range names[:len(names)-1] {
		m = m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(name))).Message()
	}
	if f.IsList() {
		list := m.NewField(f).List()
		for _, n := range p.Value.Numbers {
			v, err := scalar(f, n)
			if err != nil {
				return fmt.Errorf("%s: %w", p.RuleID, err)
			}
			list.Append(v)
		}
		m.Set(f, protoreflect.ValueOfList(list))
		return nil
	}
	if p.Value.IsText && f.Kind() == protoreflect.StringKind {
		m.Set(f, protoreflect.ValueOfString(p.Value.Text))
		return nil
	}
	if len(p.Value.Numbers) != 1 {
		return fmt.Errorf("%s: %q is no value of %s", p.RuleID, p.Value, p.Path)
	}
	v, err := scalar(f, p.Value.Numbers[0])
	if err != nil {
		return fmt.Errorf("%s: %w", p.RuleID, err)
	}
	m.Set(f, v)
	return nil
}

// scalar returns a number as the field has it.
func scalar(f protoreflect.FieldDescriptor, n int64) (protoreflect.Value, error) {
	small := n >= math.MinInt32 && n <= math.MaxInt32
	switch {
	case f.Kind() == protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(n), nil
	case f.Kind() == protoreflect.BoolKind:
		return protoreflect.ValueOfBool(n != 0), nil
	case f.Kind() == protoreflect.Int32Kind && small:
		return protoreflect.ValueOfInt32(int32(n)), nil
	case f.Kind() == protoreflect.EnumKind && small:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n)), nil
	}
	return protoreflect.Value{}, fmt.Errorf("%d has no room in %s", n, f.Name())
}
