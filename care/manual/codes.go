// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

const (
	inlineCodes = 6  // a list of more is only linked to from the cell of its field
	openCodes   = 15 // a list of more is folded
)

func codeOptions(v protoreflect.EnumValueDescriptor) *schemav1.CodeOptions {
	options, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
	return options
}

func entryKeys(f protoreflect.FieldDescriptor) []string {
	if f.Message() == nil {
		return nil
	}
	options, _ := proto.GetExtension(f.Message().Options(), schemav1.E_Entry).(*schemav1.EntryOptions)
	return options.GetKeys()
}

// codesOf returns the codes of a list as it prints them, without the one for "not answered".
func codesOf(e protoreflect.EnumDescriptor) []protoreflect.EnumValueDescriptor {
	var out []protoreflect.EnumValueDescriptor
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); v.Number() != 0 {
			out = append(out, v)
		}
	}
	return out
}

// printed returns a code as the national list prints it.
func printed(v protoreflect.EnumValueDescriptor) string {
	return cmp.Or(codeOptions(v).GetCode(), fmt.Sprint(v.Number()))
}

func codeLabel(v protoreflect.EnumValueDescriptor, l language) string {
	o := codeOptions(v)
	return cmp.Or(l.say(o.GetZh(), o.GetEn()), string(v.Name()))
}

// codesNamed writes the codes with these numbers, those that the list lacks as numbers.
func codesNamed(e protoreflect.EnumDescriptor, numbers []int32, l language) []string {
	var out []string
	for _, n := range numbers {
		if e == nil || e.Values().ByNumber(protoreflect.EnumNumber(n)) == nil {
			out = append(out, fmt.Sprint(n))
			continue
		}
		v := e.Values().ByNumber(protoreflect.EnumNumber(n))
		out = append(out, text(printed(v)+" "+codeLabel(v, l)))
	}
	return out
}

// choice says which codes a field takes.
func (r row) choice(l language) string {
	e := r.inner.Enum()
	out := l.say("单选：", "one of ")
	if r.field.IsList() {
		out = l.say("多选：", "any of ")
	}
	codes, name := codesOf(e), string(e.Name())
	if len(codes) > inlineCodes {
		return out + fmt.Sprintf(l.say("%s（%d 项）", "%s (%d codes)"), link(code(name), "#"+slug(listTitle(l, name))), len(codes))
	}
	var named []string
	for _, v := range codes {
		named = append(named, text(printed(v)+" "+codeLabel(v, l)))
	}
	return out + strings.Join(named, l.comma())
}

// codeLists writes the lists that the fields of a kind use, by name.
func (b *book) codeLists(s *sheet, l language, k *kind) {
	lists, users := map[string]protoreflect.EnumDescriptor{}, map[string][]string{}
	var names []string
	for _, r := range k.rows {
		e := r.inner.Enum()
		if e == nil {
			continue
		}
		name := string(e.Name())
		if lists[name] == nil {
			lists[name] = e
			names = append(names, name)
		}
		if label := text(labelOf(r.field, l)); !slices.Contains(users[name], label) {
			users[name] = append(users[name], label)
		}
	}
	if len(names) == 0 {
		return
	}
	s.heading(2, l.say("代码表", "Code lists"))
	slices.Sort(names)
	for _, name := range names {
		s.heading(3, listTitle(l, name))
		b.codeList(s, l, lists[name], users[name])
	}
}

// listTitle is the heading of a code list: no section is called so.
func listTitle(l language, name string) string { return l.say("代码 ", "Codes of ") + name }

func (b *book) codeList(s *sheet, l language, e protoreflect.EnumDescriptor, users []string) {
	about := l.say("用于：", "Used by: ") + strings.Join(users, l.comma())
	if c := b.comments[e.FullName()]; c != "" && l == english {
		about = text(c) + " " + about
	}
	s.block(about)
	var rows [][]string
	for _, v := range codesOf(e) {
		name := text(codeLabel(v, l))
		if codeOptions(v).GetExclusive() {
			name += l.say("（只能单独选）", " (stands alone)")
		}
		rows = append(rows, []string{text(printed(v)), name, fmt.Sprint(v.Number()), code(string(v.Name()))})
	}
	t := table([]string{l.say("代码", "Code"), l.say("名称", "Name"), l.say("存储值", "Stored"), l.say("常量", "Constant")}, rows)
	if len(rows) > openCodes {
		t = fold(fmt.Sprintf(l.say("%d 项", "%d codes"), len(rows)), t)
	}
	s.block(t)
}
