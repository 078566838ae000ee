// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"math/bits"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// number returns a part that is a number.
func (q *quickener) number(e ast.Expr) numberFunc {
	if v, ok := q.constant(e).(types.Int); ok {
		n := int64(v)
		return func(*scope) (int64, bool) { return n, true }
	}
	switch e.Kind() {
	case ast.IdentKind:
		if f, ok := q.numbers[e.AsIdent()]; ok {
			return f
		}
		if i, ok := q.definition(e); ok {
			return func(s *scope) (int64, bool) { return s.quickNumber(i) }
		}
		if e.AsIdent() == "as_of" {
			return func(s *scope) (int64, bool) { return int64(s.asOf), true }
		}
	case ast.SelectKind:
		return q.numberField(e)
	case ast.CallKind:
		return q.numberCall(e)
	}
	return openNumber
}

func (q *quickener) numberField(e ast.Expr) numberFunc {
	of, f := q.field(e)
	if f == nil || f.IsList() || f.IsMap() || !isNumber(f) || e.AsSelect().IsTestOnly() {
		return openNumber
	}
	if i, ok := q.slot(e); ok {
		return func(s *scope) (int64, bool) {
			v := s.field(i, of, f)
			return v.number, v.state == known
		}
	}
	return func(s *scope) (int64, bool) {
		m, ok := of(s)
		if !ok {
			return 0, false
		}
		return numberOf(f, m.Get(f)), true
	}
}

// A fieldValue is what a field of r, previous or person was found to be: many rules
// look at the same few fields.
type fieldValue struct {
	state   fieldState
	has     bool
	number  int64
	message protoreflect.Message
}

type fieldState uint8

const (
	unread fieldState = iota
	known
	unknown // of a message that is open
)

// slot returns the place at which the value of a field of r, previous or person is kept.
func (q *quickener) slot(e ast.Expr) (int, bool) {
	if q.k == nil {
		return 0, false
	}
	path := ""
	for ; e.Kind() == ast.SelectKind && q.name(e) == ""; e = e.AsSelect().Operand() {
		path += "." + e.AsSelect().FieldName()
	}
	if e.Kind() != ast.IdentKind || q.things[e.AsIdent()] != nil || q.numbers[e.AsIdent()] != nil {
		return 0, false
	}
	switch e.AsIdent() {
	case "r", "previous", "person":
	default:
		return 0, false
	}
	path = e.AsIdent() + path
	i, ok := q.k.slots[path]
	if !ok {
		i = len(q.k.slots)
		q.k.slots[path] = i
	}
	return i, true
}

// field returns the value that is kept at a place, read when it is asked for first.
func (s *scope) field(i int, of messageFunc, f protoreflect.FieldDescriptor) *fieldValue {
	v := &s.fields[i]
	if v.state != unread {
		return v
	}
	m, ok := of(s)
	if !ok {
		v.state = unknown
		return v
	}
	v.state, v.has = known, m.Has(f)
	switch {
	case f.IsList() || f.IsMap():
	case f.Message() != nil:
		v.message = m.Get(f).Message() // an empty one if it is not there, as in CEL
	case isNumber(f):
		v.number = numberOf(f, m.Get(f))
	}
	return v
}

func isNumber(f protoreflect.FieldDescriptor) bool {
	switch f.Kind() {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind, protoreflect.EnumKind:
		return true
	}
	return false
}

func numberOf(f protoreflect.FieldDescriptor, v protoreflect.Value) int64 {
	if f.Kind() == protoreflect.EnumKind {
		return int64(v.Enum())
	}
	return v.Int()
}

// What expressions call with two numbers; each is total.
var pairFunctions = map[string]func(a, b int64) int64{
	"days_between": func(a, b int64) int64 { return dayNumber(b) - dayNumber(a) },
	"add_days":     addDays, "add_months": addMonths, "age_on": ageOn, "months_on": monthsOn, "round_div": roundDiv,
}

func (q *quickener) numberCall(e ast.Expr) numberFunc {
	call := e.AsCall()
	args := call.Args()
	if f, ok := pairFunctions[call.FunctionName()]; ok && len(args) == 2 {
		return pair(q.number(args[0]), q.number(args[1]), func(a, b int64) (int64, bool) { return f(a, b), true })
	}
	switch call.FunctionName() {
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide:
		if q.checked.GetType(e.ID()).Kind() != types.IntKind {
			return openNumber
		}
		return pair(q.number(args[0]), q.number(args[1]), arithmetic(call.FunctionName()))
	case operators.Conditional:
		return q.choice(args)
	case operators.Index:
		return q.indexed(args)
	case "size":
		return q.size(call)
	}
	return openNumber
}

func pair(a, b numberFunc, f func(a, b int64) (int64, bool)) numberFunc {
	return func(s *scope) (int64, bool) {
		x, ok := a(s)
		if !ok {
			return 0, false
		}
		y, ok := b(s)
		if !ok {
			return 0, false
		}
		return f(x, y)
	}
}

// arithmetic is open where a result has no room or does not exist, which CEL calls an error.
func arithmetic(operator string) func(a, b int64) (int64, bool) {
	switch operator {
	case operators.Add:
		return func(a, b int64) (int64, bool) { return a + b, (a+b > a) == (b > 0) }
	case operators.Subtract:
		return func(a, b int64) (int64, bool) { return a - b, (a-b < a) == (b > 0) }
	case operators.Multiply:
		return func(a, b int64) (int64, bool) { return a * b, fits(a, b) }
	}
	return func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 {
			return 0, false
		}
		return a / b, true
	}
}

// fits reports whether a product surely has room.
func fits(a, b int64) bool {
	return bits.Len64(magnitude(a))+bits.Len64(magnitude(b)) <= 62
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func (q *quickener) choice(args []ast.Expr) numberFunc {
	when, then, other := q.truths(args[0]), q.number(args[1]), q.number(args[2])
	return func(s *scope) (int64, bool) {
		switch when(s) {
		case yes:
			return then(s)
		case no:
			return other(s)
		}
		return 0, false
	}
}

// indexed is an element of a threshold with several numbers.
func (q *quickener) indexed(args []ast.Expr) numberFunc {
	numbers, ok := q.constants(args[0])
	if !ok {
		return openNumber
	}
	at := q.number(args[1])
	return func(s *scope) (int64, bool) {
		i, ok := at(s)
		if !ok || i < 0 || i >= int64(len(numbers)) {
			return 0, false
		}
		return numbers[i], true
	}
}

// size is the number of entries of a list or map, or of forms.
func (q *quickener) size(call ast.CallExpr) numberFunc {
	of := call.Target()
	if !call.IsMemberFunction() {
		of = call.Args()[0]
	}
	if forms := q.forms(of); forms != nil {
		return func(s *scope) (int64, bool) { return int64(len(forms(s))), true }
	}
	holder, f := q.field(of)
	switch {
	case f == nil:
		return openNumber
	case f.IsMap():
		return func(s *scope) (int64, bool) {
			m, ok := holder(s)
			if !ok {
				return 0, false
			}
			return int64(m.Get(f).Map().Len()), true
		}
	case f.IsList():
		return func(s *scope) (int64, bool) {
			m, ok := holder(s)
			if !ok {
				return 0, false
			}
			return int64(m.Get(f).List().Len()), true
		}
	}
	return openNumber
}

// text returns a part that is a text.
func (q *quickener) text(e ast.Expr) textFunc {
	if v, ok := q.constant(e).(types.String); ok {
		text := string(v)
		return func(*scope) (string, bool) { return text, true }
	}
	of, f := q.field(e)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() || f.IsMap() {
		return openText
	}
	return func(s *scope) (string, bool) {
		m, ok := of(s)
		if !ok {
			return "", false
		}
		return m.Get(f).String(), true
	}
}

// field returns the message around a field and the field, nil if e is none.
func (q *quickener) field(e ast.Expr) (messageFunc, protoreflect.FieldDescriptor) {
	if e.Kind() != ast.SelectKind || q.name(e) != "" {
		return openMessage, nil
	}
	of, desc := q.message(e.AsSelect().Operand())
	if desc == nil {
		return openMessage, nil
	}
	return of, desc.Fields().ByName(protoreflect.Name(e.AsSelect().FieldName()))
}

// message returns a part that is a message, with what it is; nil if it is none.
func (q *quickener) message(e ast.Expr) (messageFunc, protoreflect.MessageDescriptor) {
	desc := q.descriptor(e)
	if desc == nil {
		return openMessage, nil
	}
	switch e.Kind() {
	case ast.IdentKind:
		return q.variable(e.AsIdent()), desc
	case ast.SelectKind:
		of, f := q.field(e)
		if f == nil || f.Message() == nil || f.IsList() || f.IsMap() {
			return openMessage, nil
		}
		if i, ok := q.slot(e); ok {
			return func(s *scope) (protoreflect.Message, bool) {
				v := s.field(i, of, f)
				return v.message, v.state == known
			}, desc
		}
		return func(s *scope) (protoreflect.Message, bool) {
			m, ok := of(s)
			if !ok {
				return nil, false
			}
			return m.Get(f).Message(), true
		}, desc
	case ast.CallKind:
		return q.formAt(e.AsCall()), desc
	}
	return openMessage, nil
}

func (q *quickener) variable(name string) messageFunc {
	if f, ok := q.things[name]; ok {
		return f
	}
	if _, ok := q.numbers[name]; ok {
		return openMessage
	}
	switch {
	case name == "person":
		return func(s *scope) (protoreflect.Message, bool) { return s.person.ProtoReflect(), true }
	case name == "r" && q.k != nil:
		return func(s *scope) (protoreflect.Message, bool) { return s.entry.Form.ProtoReflect(), true }
	case name == "previous" && q.k != nil:
		return func(s *scope) (protoreflect.Message, bool) { return s.previous().ProtoReflect(), true }
	}
	return openMessage
}

// formAt is records.K[n] or history[n].
func (q *quickener) formAt(call ast.CallExpr) messageFunc {
	if call.FunctionName() != operators.Index || len(call.Args()) != 2 {
		return openMessage
	}
	forms, at := q.forms(call.Args()[0]), q.number(call.Args()[1])
	if forms == nil {
		return openMessage
	}
	return func(s *scope) (protoreflect.Message, bool) {
		line := forms(s)
		i, ok := at(s)
		if !ok || i < 0 || i >= int64(len(line)) {
			return nil, false
		}
		return line[i].Form.ProtoReflect(), true
	}
}

// descriptor returns what message a part is, nil for anything else.
func (q *quickener) descriptor(e ast.Expr) protoreflect.MessageDescriptor {
	typ := q.checked.GetType(e.ID())
	if typ.Kind() != types.StructKind {
		return nil
	}
	return q.pack.messages[protoreflect.FullName(typ.TypeName())]
}

// name returns the variable that a part is, dots in its name included; "" if it is none.
func (q *quickener) name(e ast.Expr) string {
	if r := q.checked.ReferenceMap()[e.ID()]; r != nil {
		return r.Name
	}
	return ""
}

// definition returns the place of the definition that a part is.
func (q *quickener) definition(e ast.Expr) (int, bool) {
	if q.k == nil {
		return 0, false
	}
	i, ok := q.k.defined[q.name(e)]
	return i, ok
}

// constant returns the value of a literal, a code or a threshold; nil for anything else.
func (q *quickener) constant(e ast.Expr) ref.Val {
	if e.Kind() == ast.LiteralKind {
		return e.AsLiteral()
	}
	if r := q.checked.ReferenceMap()[e.ID()]; r != nil {
		return r.Value
	}
	return nil
}

// constants returns the numbers of a list that does not change.
func (q *quickener) constants(e ast.Expr) ([]int64, bool) {
	var out []int64
	if e.Kind() == ast.ListKind {
		for _, element := range e.AsList().Elements() {
			v, ok := q.constant(element).(types.Int)
			if !ok {
				return nil, false
			}
			out = append(out, int64(v))
		}
		return out, true
	}
	list, ok := q.constant(e).(traits.Lister)
	if !ok {
		return nil, false
	}
	for it := list.Iterator(); it.HasNext() == types.True; {
		v, ok := it.Next().(types.Int)
		if !ok {
			return nil, false
		}
		out = append(out, int64(v))
	}
	return out, true
}
