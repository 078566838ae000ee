// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Most rules of most forms do not hold, and CEL takes its time to say so. A quick
// expression is the same checked expression as Go functions over the form's
// messages: it says yes, no, or that it is open, and what is open is left to CEL.
//
// The law: where a quick expression is not open, CEL gives the same. So a part that
// it does not know, and all that CEL could call an error, is open; and what && and
// || absorb in CEL, they absorb here.

// truth is yes, no or open.
type truth int8

const (
	open truth = iota
	yes
	no
)

func truthOf(v bool) truth {
	if v {
		return yes
	}
	return no
}

// What parts of an expression become. A number, text or message that is open has a false beside it.
type (
	truthFunc   func(*scope) truth
	numberFunc  func(*scope) (int64, bool)
	textFunc    func(*scope) (string, bool)
	messageFunc func(*scope) (protoreflect.Message, bool)
)

func openTruth(*scope) truth                          { return open }
func openNumber(*scope) (int64, bool)                 { return 0, false }
func openText(*scope) (string, bool)                  { return "", false }
func openMessage(*scope) (protoreflect.Message, bool) { return nil, false }

// A quickener turns a checked expression over forms of k into Go functions.
type quickener struct {
	checked *ast.AST
	pack    *Pack
	k       *kindPack              // nil for expressions over a person
	numbers map[string]numberFunc  // variables of loops
	things  map[string]messageFunc // variables of loops
}

// truths returns a condition as a function.
func (q *quickener) truths(e ast.Expr) truthFunc {
	switch e.Kind() {
	case ast.LiteralKind:
		v, ok := e.AsLiteral().(types.Bool)
		if !ok {
			return openTruth
		}
		return func(*scope) truth { return truthOf(bool(v)) }
	case ast.IdentKind:
		if i, ok := q.definition(e); ok {
			return func(s *scope) truth { return s.quickTruth(i) }
		}
	case ast.SelectKind:
		return q.truthField(e)
	case ast.CallKind:
		return q.truthCall(e)
	case ast.ComprehensionKind:
		return q.loop(e.AsComprehension())
	}
	return openTruth
}

// truthField is has(a.b), or a field that is a truth value.
func (q *quickener) truthField(e ast.Expr) truthFunc {
	sel := e.AsSelect()
	of, f := q.field(e)
	switch {
	case f == nil:
		return openTruth
	case sel.IsTestOnly():
		if i, ok := q.slot(e); ok {
			return func(s *scope) truth {
				v := s.field(i, of, f)
				if v.state != known {
					return open
				}
				return truthOf(v.has)
			}
		}
		return func(s *scope) truth {
			m, ok := of(s)
			if !ok {
				return open
			}
			return truthOf(m.Has(f))
		}
	case f.Kind() != protoreflect.BoolKind || f.IsList() || f.IsMap():
		return openTruth
	}
	return func(s *scope) truth {
		m, ok := of(s)
		if !ok {
			return open
		}
		return truthOf(m.Get(f).Bool())
	}
}

func (q *quickener) truthCall(e ast.Expr) truthFunc {
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd:
		return all(q.eachTruth(args), no, yes)
	case operators.LogicalOr:
		return all(q.eachTruth(args), yes, no)
	case operators.LogicalNot:
		of := q.truths(args[0])
		return func(s *scope) truth { return of(s).not() }
	case operators.Conditional:
		when, then, other := q.truths(args[0]), q.truths(args[1]), q.truths(args[2])
		return func(s *scope) truth {
			switch when(s) {
			case yes:
				return then(s)
			case no:
				return other(s)
			}
			return open
		}
	case operators.In:
		return q.in(args[0], args[1])
	case "whole":
		of := q.number(args[0])
		return func(s *scope) truth {
			n, ok := of(s)
			if !ok {
				return open
			}
			return truthOf(dateOf(types.Int(n)).Whole())
		}
	}
	return q.comparison(call.FunctionName(), args)
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return open
}

func (q *quickener) eachTruth(args []ast.Expr) []truthFunc {
	var out []truthFunc
	for _, a := range args {
		out = append(out, q.truths(a))
	}
	return out
}

// all is && for decisive no, and || for decisive yes: one decisive part decides,
// whatever the others are.
func all(parts []truthFunc, decisive, otherwise truth) truthFunc {
	return func(s *scope) truth {
		result := otherwise
		for _, part := range parts {
			switch part(s) {
			case decisive:
				return decisive
			case open:
				result = open
			}
		}
		return result
	}
}

// comparison compares numbers, texts or truth values.
func (q *quickener) comparison(operator string, args []ast.Expr) truthFunc {
	if len(args) != 2 {
		return openTruth
	}
	switch q.checked.GetType(args[0].ID()).Kind() {
	case types.IntKind:
		if q.checked.GetType(args[1].ID()).Kind() == types.IntKind {
			return compareNumbers(operator, q.number(args[0]), q.number(args[1]))
		}
	case types.StringKind:
		if q.checked.GetType(args[1].ID()).Kind() == types.StringKind && (operator == operators.Equals || operator == operators.NotEquals) {
			return equalTexts(q.text(args[0]), q.text(args[1]), operator == operators.Equals)
		}
	case types.BoolKind:
		if operator == operators.Equals || operator == operators.NotEquals {
			return equalTruths(q.truths(args[0]), q.truths(args[1]), operator == operators.Equals)
		}
	}
	return openTruth
}

func compareNumbers(operator string, a, b numberFunc) truthFunc {
	var holds func(a, b int64) bool
	switch operator {
	case operators.Equals:
		holds = func(a, b int64) bool { return a == b }
	case operators.NotEquals:
		holds = func(a, b int64) bool { return a != b }
	case operators.Less:
		holds = func(a, b int64) bool { return a < b }
	case operators.LessEquals:
		holds = func(a, b int64) bool { return a <= b }
	case operators.Greater:
		holds = func(a, b int64) bool { return a > b }
	case operators.GreaterEquals:
		holds = func(a, b int64) bool { return a >= b }
	default:
		return openTruth
	}
	return func(s *scope) truth {
		x, ok := a(s)
		if !ok {
			return open
		}
		y, ok := b(s)
		if !ok {
			return open
		}
		return truthOf(holds(x, y))
	}
}

func equalTexts(a, b textFunc, want bool) truthFunc {
	return func(s *scope) truth {
		x, ok := a(s)
		y, ok2 := b(s)
		if !ok || !ok2 {
			return open
		}
		return truthOf((x == y) == want)
	}
}

func equalTruths(a, b truthFunc, want bool) truthFunc {
	return func(s *scope) truth {
		x, y := a(s), b(s)
		if x == open || y == open {
			return open
		}
		return truthOf((x == y) == want)
	}
}

// in is whether a number is one of a list: of numbers in the expression, or of the
// numbers in a field.
func (q *quickener) in(what, list ast.Expr) truthFunc {
	if q.checked.GetType(what.ID()).Kind() != types.IntKind {
		return openTruth
	}
	number := q.number(what)
	if numbers, ok := q.constants(list); ok {
		return func(s *scope) truth {
			n, ok := number(s)
			if !ok {
				return open
			}
			return truthOf(slices.Contains(numbers, n))
		}
	}
	of, f := q.field(list)
	if f == nil || !f.IsList() || !isNumber(f) {
		return openTruth
	}
	return func(s *scope) truth {
		n, ok := number(s)
		if !ok {
			return open
		}
		m, ok := of(s)
		if !ok {
			return open
		}
		all := m.Get(f).List()
		for i := range all.Len() {
			if numberOf(f, all.Get(i)) == n {
				return yes
			}
		}
		return no
	}
}

// loop is exists or all over the forms of records.K or history, over the numbers of
// a field, or over a list that is written out.
func (q *quickener) loop(c ast.ComprehensionExpr) truthFunc {
	init, isBool := literalBool(c.AccuInit())
	step := c.LoopStep()
	if !isBool || c.HasIterVar2() || step.Kind() != ast.CallKind || c.Result().Kind() != ast.IdentKind || c.Result().AsIdent() != c.AccuVar() {
		return openTruth
	}
	call := step.AsCall()
	args := call.Args()
	if len(args) != 2 || args[0].Kind() != ast.IdentKind || args[0].AsIdent() != c.AccuVar() {
		return openTruth
	}
	switch {
	case !init && call.FunctionName() == operators.LogicalOr:
		return q.over(c.IterRange(), c.IterVar(), args[1], yes, no)
	case init && call.FunctionName() == operators.LogicalAnd:
		return q.over(c.IterRange(), c.IterVar(), args[1], no, yes)
	}
	return openTruth
}

func literalBool(e ast.Expr) (value, ok bool) {
	if e.Kind() != ast.LiteralKind {
		return false, false
	}
	v, ok := e.AsLiteral().(types.Bool)
	return bool(v), ok
}

func (q *quickener) over(list ast.Expr, name string, body ast.Expr, decisive, otherwise truth) truthFunc {
	if list.Kind() == ast.ListKind {
		var parts []truthFunc
		for _, element := range list.AsList().Elements() {
			if q.checked.GetType(element.ID()).Kind() != types.IntKind {
				return openTruth
			}
			parts = append(parts, q.with(name, q.number(element), nil).truths(body))
		}
		return all(parts, decisive, otherwise)
	}
	if forms := q.forms(list); forms != nil {
		return q.overForms(forms, name, body, decisive, otherwise)
	}
	of, f := q.field(list)
	if f != nil && f.IsList() && f.Message() != nil {
		return q.overMessages(of, f, name, body, decisive, otherwise)
	}
	if f == nil || !f.IsList() || !isNumber(f) {
		return openTruth
	}
	slot := q.slots()
	part := q.with(name, func(s *scope) (int64, bool) { return s.loops[slot].number, true }, nil).truths(body)
	return func(s *scope) truth {
		m, ok := of(s)
		if !ok {
			return open
		}
		numbers := m.Get(f).List()
		if numbers.Len() > mostEntries {
			return open // CEL counts what it costs
		}
		return s.loop(slot, numbers.Len(), decisive, otherwise, part, func(i int, v *loopVariable) { v.number = numberOf(f, numbers.Get(i)) })
	}
}

func (q *quickener) overMessages(of messageFunc, f protoreflect.FieldDescriptor, name string, body ast.Expr, decisive, otherwise truth) truthFunc {
	slot := q.slots()
	part := q.with(name, nil, func(s *scope) (protoreflect.Message, bool) { return s.loops[slot].message, true }).truths(body)
	return func(s *scope) truth {
		m, ok := of(s)
		if !ok {
			return open
		}
		messages := m.Get(f).List()
		if messages.Len() > mostEntries {
			return open // CEL counts what it costs
		}
		return s.loop(slot, messages.Len(), decisive, otherwise, part, func(i int, v *loopVariable) { v.message = messages.Get(i).Message() })
	}
}

func (q *quickener) overForms(forms func(*scope) []timed, name string, body ast.Expr, decisive, otherwise truth) truthFunc {
	slot := q.slots()
	part := q.with(name, nil, func(s *scope) (protoreflect.Message, bool) { return s.loops[slot].message, true }).truths(body)
	return func(s *scope) truth {
		line := forms(s)
		return s.loop(slot, len(line), decisive, otherwise, part, func(i int, v *loopVariable) { v.message = line[i].Form.ProtoReflect() })
	}
}

// maxLoops is how deep quick loops may be nested.
const maxLoops = 3

// A loopVariable is what a loop is at.
type loopVariable struct {
	number  int64
	message protoreflect.Message
}

// slots returns the place of the next loop variable; those of loops around it are before it.
func (q *quickener) slots() int { return len(q.numbers) + len(q.things) }

// with returns the quickener of a loop's body.
func (q *quickener) with(name string, number numberFunc, thing messageFunc) *quickener {
	inner := &quickener{checked: q.checked, pack: q.pack, k: q.k, numbers: map[string]numberFunc{}, things: map[string]messageFunc{}}
	for n, f := range q.numbers {
		inner.numbers[n] = f
	}
	for n, f := range q.things {
		inner.things[n] = f
	}
	delete(inner.numbers, name)
	delete(inner.things, name)
	if number != nil {
		inner.numbers[name] = number
	} else {
		inner.things[name] = thing
	}
	return inner
}

// loop runs the body for each of n, until one is decisive.
func (s *scope) loop(slot, n int, decisive, otherwise truth, part truthFunc, set func(int, *loopVariable)) truth {
	if slot >= maxLoops {
		return open
	}
	result := otherwise
	for i := range n {
		set(i, &s.loops[slot])
		switch part(s) {
		case decisive:
			return decisive
		case open:
			result = open
		}
	}
	return result
}

// forms returns what a list of forms is: history, or records of a kind; nil for anything else.
func (q *quickener) forms(e ast.Expr) func(*scope) []timed {
	name := q.name(e)
	if name == "history" && q.k != nil {
		return func(s *scope) []timed {
			line := s.visit.person.timelines[s.k.kind][s.at+1:]
			return line[:min(len(line), MaxHistory)]
		}
	}
	k, ok := q.pack.lists[name]
	if !ok {
		return nil
	}
	return func(s *scope) []timed { return s.visit.recordsOf(k.kind) }
}

func (v *visit) recordsOf(kind record.Kind) []timed {
	line := v.person.timelines[kind]
	return line[:min(len(line), MaxRecords)]
}
