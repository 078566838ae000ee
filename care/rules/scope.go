// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A visit is one evaluation of a pack for a person on a day. What is the same for
// many expressions is computed once.
type visit struct {
	pack    *Pack
	person  *Person
	asOf    care.Date
	days    map[care.Date]*carev1.RulePerson
	records map[record.Kind][]ref.Val
	lists   map[string]ref.Val
	fields  map[*kindPack][]fieldValue // of the one form that is looked at; used again for the next
}

func (p *Pack) visit(person *Person, asOf care.Date) *visit {
	return &visit{p, person, asOf, map[care.Date]*carev1.RulePerson{}, map[record.Kind][]ref.Val{}, map[string]ref.Val{}, map[*kindPack][]fieldValue{}}
}

// on returns the person on a day.
func (v *visit) on(day care.Date) *carev1.RulePerson {
	out, ok := v.days[day]
	if !ok {
		out = v.person.facts.on(day)
		v.days[day] = out
	}
	return out
}

// forms returns the forms of a kind as values, newest first.
func (v *visit) forms(kind record.Kind) []ref.Val {
	out, ok := v.records[kind]
	if !ok {
		for _, t := range v.person.timelines[kind] {
			out = append(out, v.pack.registry.NativeToValue(t.Form))
		}
		v.records[kind] = out
	}
	return out
}

// list returns what records.K is.
func (v *visit) list(k *kindPack) ref.Val {
	out, ok := v.lists[k.name]
	if !ok {
		out = v.values(v.forms(k.kind), MaxRecords)
		v.lists[k.name] = out
	}
	return out
}

func (v *visit) values(all []ref.Val, most int) ref.Val {
	return types.NewRefValList(v.pack.registry, all[:min(len(all), most)])
}

// A scope is what expressions see: of one form, or of a person if k is nil.
type scope struct {
	*visit
	k       *kindPack
	entry   Entry
	at      int // its place in its timeline
	person  *carev1.RulePerson
	history ref.Val
	defined []ref.Val // results of definitions, nil where not computed yet
	loops   [maxLoops]loopVariable
	fields  []fieldValue // by slot
}

// scopeOf returns what expressions see of the form at a place of its timeline.
func (v *visit) scopeOf(k *kindPack, at int) *scope {
	t := v.person.timelines[k.kind][at]
	return &scope{
		visit: v, k: k, entry: t.Entry, at: at, person: v.on(t.day), defined: make([]ref.Val, len(k.definitions)), fields: v.unreadFields(k),
	}
}

// unreadFields returns room for what the fields of one form are.
func (v *visit) unreadFields(k *kindPack) []fieldValue {
	out, ok := v.fields[k]
	if !ok {
		out = make([]fieldValue, len(k.slots))
		v.fields[k] = out
	}
	clear(out)
	return out
}

// scopeOfPerson returns what expressions see of a person without a form.
func (v *visit) scopeOfPerson() *scope { return &scope{visit: v, person: v.on(v.asOf)} }

// Parent returns nil: nothing lies outside.
func (s *scope) Parent() cel.Activation { return nil }

// ResolveName returns the value of a variable.
func (s *scope) ResolveName(name string) (any, bool) {
	switch name {
	case "r":
		return s.entry.Form, s.k != nil
	case "person":
		return s.person, true
	case "as_of":
		return types.Int(s.asOf), true
	case "previous":
		return s.previous(), s.k != nil
	case "history":
		return s.earlier(), s.k != nil
	}
	if s.k != nil {
		if i, ok := s.k.defined[name]; ok {
			return s.definition(i), true
		}
	}
	if k, ok := s.pack.lists[name]; ok {
		return s.list(k), true
	}
	return nil, false
}

func (s *scope) previous() proto.Message {
	if line := s.visit.person.timelines[s.k.kind]; s.at+1 < len(line) {
		return line[s.at+1].Form
	}
	return s.k.empty
}

func (s *scope) earlier() ref.Val {
	if s.history == nil {
		s.history = s.values(s.forms(s.k.kind)[s.at+1:], MaxHistory)
	}
	return s.history
}

// definition returns the result of a definition, an error value if it has none.
func (s *scope) definition(i int) ref.Val {
	if s.defined[i] == nil {
		s.defined[i] = s.define(s.k.definitions[i].expr)
	}
	return s.defined[i]
}

func (s *scope) define(e expression) ref.Val {
	if e.truth != nil {
		if t := e.truth(s); t != open {
			return types.Bool(t == yes)
		}
	}
	if e.number != nil {
		if n, ok := e.number(s); ok {
			return types.Int(n)
		}
	}
	v, err := s.eval(e)
	if err != nil {
		return types.WrapErr(err)
	}
	return v
}

// quickTruth returns the result of a definition that is a condition, open if it has none.
func (s *scope) quickTruth(i int) truth {
	v, ok := s.definition(i).(types.Bool)
	if !ok {
		return open
	}
	return truthOf(bool(v))
}

// quickNumber returns the result of a definition that is a number, if it has one.
func (s *scope) quickNumber(i int) (int64, bool) {
	v, ok := s.definition(i).(types.Int)
	return int64(v), ok
}

var errUnknown = errors.New("the expression has no result")

// eval returns the result of an expression.
func (s *scope) eval(e expression) (ref.Val, error) {
	out, _, err := e.program.Eval(s)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	if types.IsUnknownOrError(out) {
		return nil, errUnknown
	}
	return out, nil
}

// holds returns whether a condition holds.
func (s *scope) holds(e expression) (bool, error) {
	if t := e.truth(s); t != open {
		return t == yes, nil
	}
	v, err := s.eval(e)
	return v == types.True, err
}

// number returns the result of an expression that gives a number.
func (s *scope) number(e expression) (int64, error) {
	if n, ok := e.number(s); ok {
		return n, nil
	}
	v, err := s.eval(e)
	n, _ := v.(types.Int)
	return int64(n), err
}
