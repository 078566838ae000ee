// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletForm tells which fields the JSON of a form has, for which it needs no tablet, or
// begins one for a resident.
type tabletForm struct {
	tabletFlags
	Kind string `arg:"" optional:"" help:"help_form_kind" placeholder:"KIND"`
	For  string `help:"help_form_for" placeholder:"RESIDENT"`
}

// Run prints a table: each field's path in the JSON, its label, and what it takes.
// Without a kind it lists the kinds.
func (f tabletForm) Run(c *call) error {
	if f.Kind == "" {
		return c.tellKinds()
	}
	number, ok := care.KindNamed(f.Kind)
	if !ok {
		return problemf("reason_unknown_kind")
	}
	if f.For != "" {
		return f.begin(c)
	}
	m, err := care.New(number)
	if err != nil {
		return err
	}
	t := terminal.Table{Columns: cmp.Or(c.tableColumns(), formColumns)}
	t.Add(c.say("head_field"), c.say("head_what"), c.say("head_takes"))
	fieldRows(c, &t, m.ProtoReflect().Descriptor(), "", 0)
	return t.Write(c.Stdout)
}

// begin prints a new form for a resident, with what may be carried over from earlier
// ones, as save takes it.
func (f tabletForm) begin(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		text, err := t.NewDocument(f.For, f.Kind)
		if err == nil {
			_, err = fmt.Fprintln(c.Stdout, terminal.TameJSON(text))
		}
		return err
	})
}

// tellKinds lists the kinds by number: what they are called here, and by people.
func (c *call) tellKinds() error {
	t := terminal.Table{Head: []string{c.say("head_kind"), ""}}
	for kind := range record.MaxKind + 1 {
		if info, ok := care.Kinds().Lookup(kind); ok {
			t.Add(info.Name, c.kind(info.Name))
		}
	}
	return t.Write(c.Stdout)
}

// formColumns is how wide the table is where there is no terminal to say it.
const formColumns = 160

// deepest is how deep messages lie in each other in any form.
const deepest = 6

// fieldRows adds a row for each field, and behind it those of the message in it.
func fieldRows(c *call, t *terminal.Table, m protoreflect.MessageDescriptor, under string, depth int) {
	r := formReader{c.words.Language()}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		path, inner := under+string(f.Name()), f
		switch {
		case f.IsMap():
			path, inner = path+".KEY", f.MapValue()
		case f.IsList():
			path += "[]"
		}
		t.Add(path, r.label(f), r.takes(c, f, inner))
		if inner.Message() != nil && depth < deepest {
			fieldRows(c, t, inner.Message(), path+".", depth+1)
		}
	}
}

// takes says what one value of a field may be. inner is the field itself, or what
// the entries of its map are.
func (r formReader) takes(c *call, f, inner protoreflect.FieldDescriptor) string {
	o := optionsOf(f)
	switch {
	case inner.Enum() != nil:
		return r.names(inner.Enum())
	case inner.Message() != nil:
		return ""
	case inner.Kind() == protoreflect.BoolKind:
		return "true, false"
	case inner.Kind() == protoreflect.StringKind, inner.Kind() == protoreflect.BytesKind:
		return c.say("takes_text")
	case o.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE:
		return c.say("takes_date")
	case o.GetFormat() == schemav1.Format_FORMAT_INSTANT_MS:
		return c.say("takes_instant")
	case o.GetDecimals() > 0:
		return c.say("takes_decimal", decimal(1, int(o.GetDecimals())), o.GetUnit())
	}
	return strings.TrimSpace(c.say("takes_number", o.GetUnit()))
}

// names lists the codes of a field, each with its label.
func (r formReader) names(e protoreflect.EnumDescriptor) string {
	var out []string
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); v.Number() != 0 {
			out = append(out, fmt.Sprintf("%s (%s)", v.Name(), r.code(e, v.Number())))
		}
	}
	return strings.Join(out, r.comma())
}
