// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"strings"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// A rule is one row for one kind.
type rule struct {
	row     *carev1.Rule
	place   int // in the pack, by which findings are ordered
	when    expression
	message message
	paths   []string
	reads   reads
}

// rule compiles a row for each of its kinds.
func (c *compiler) rule(place int, row *carev1.Rule) {
	if row.GetWhen() != "" && len(row.GetKinds()) == 0 {
		c.fault(row, row.GetId(), "a rule with a condition names its kinds")
		return
	}
	known := map[string]bool{}
	for _, k := range c.kindsNamed(row, row.GetKinds()) {
		one := &rule{row: row, place: place}
		for _, path := range row.GetPaths() {
			if hasPath(k.desc, path) {
				known[path] = true
				one.paths = append(one.paths, path)
			}
		}
		if row.GetCheck() != 0 {
			one.message = c.schemaMessage(row)
		} else {
			one.when = c.expression(k, row, "when", row.GetWhen(), cel.BoolType)
			one.message = c.message(k, row, row.GetValues())
			one.reads.add(one.when.reads)
			for _, v := range one.message.values {
				one.reads.add(v.expr.reads)
			}
		}
		k.add(one)
	}
	for _, path := range row.GetPaths() {
		if !known[path] {
			c.fault(row, row.GetId(), "none of its kinds has the field %q", path)
		}
	}
}

// add keeps a rule that is not switched off.
func (k *kindPack) add(r *rule) {
	k.ranks[r.row.GetId()] = r.place
	switch {
	case r.row.GetOff():
	case r.row.GetCheck() != 0:
		k.checks[r.row.GetCheck()] = append(k.checks[r.row.GetCheck()], r)
	default:
		k.rules = append(k.rules, r)
	}
}

// hasPath reports whether names with dots lead to a field of desc, through single messages only.
func hasPath(desc protoreflect.MessageDescriptor, path string) bool {
	return fieldAt(desc, path) != nil
}

// fieldAt returns the field that names with dots lead to, nil if there is none.
func fieldAt(desc protoreflect.MessageDescriptor, path string) protoreflect.FieldDescriptor {
	var f protoreflect.FieldDescriptor
	for name := range strings.SplitSeq(path, ".") {
		if f != nil && (f.Message() == nil || f.IsList() || f.IsMap()) {
			return nil
		}
		if f != nil {
			desc = f.Message()
		}
		if f = desc.Fields().ByName(protoreflect.Name(name)); f == nil {
			return nil
		}
	}
	return f
}
