// SPDX-License-Identifier: Apache-2.0

package care

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// everyCodeList calls visit with every enum of the forms, each once.
func everyCodeList(visit func(protoreflect.EnumDescriptor)) {
	seen := map[protoreflect.FullName]bool{}
	everyField(func(f protoreflect.FieldDescriptor, _ *schemav1.FieldOptions) {
		if e := f.Enum(); e != nil && !seen[e.FullName()] {
			seen[e.FullName()] = true
			visit(e)
		}
	})
}

func codeOptions(v protoreflect.EnumValueDescriptor) *schemav1.CodeOptions {
	o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
	return o
}

func TestEveryCodeHasItsLabelsAndItsNumber(t *testing.T) {
	n := 0
	everyCodeList(func(e protoreflect.EnumDescriptor) {
		var zh, en []string
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			o := codeOptions(v)
			for _, what := range missingOfCode(v, o) {
				t.Errorf("%s: %s", v.FullName(), what)
			}
			if v.Number() != 0 {
				n, zh, en = n+1, append(zh, o.GetZh()), append(en, o.GetEn())
			}
		}
		for _, label := range append(twice(zh), twice(en)...) {
			t.Errorf("%s: two codes are called %s", e.FullName(), label)
		}
	})
	if n < 400 {
		t.Errorf("only %d codes seen: the walk is broken", n)
	}
}

func missingOfCode(v protoreflect.EnumValueDescriptor, o *schemav1.CodeOptions) []string {
	if v.Number() == 0 {
		if o != nil || !strings.HasSuffix(string(v.Name()), "_UNSPECIFIED") {
			return []string{"zero is no answer and has no label"}
		}
		return nil
	}
	out := missingLabel(string(v.Name()), o.GetZh(), o.GetEn())
	if code := o.GetCode(); code != "" && !answers(code, int(v.Number())) {
		out = append(out, fmt.Sprintf("number %d for the code %q", v.Number(), code))
	}
	return out
}

// answers reports whether a code with this number is printed as code: itself, with
// zeros before it, or zeros only for the first number of one digit more.
func answers(code string, number int) bool {
	if strings.Trim(code, "0") == "" {
		return fmt.Sprint(number) == "1"+code
	}
	return fmt.Sprintf("%0*d", len(code), number) == code
}

func TestACodeThatLacksItsLabelIsNamed(t *testing.T) {
	headache := (*new(schemav1.Format)).Descriptor().Values().ByNumber(1) // any value that is not zero
	for name, c := range map[string]struct {
		options *schemav1.CodeOptions
		bad     int
	}{
		"both labels":             {&schemav1.CodeOptions{Zh: "头痛", En: "headache"}, 0},
		"a code with zeros":       {&schemav1.CodeOptions{Zh: "头痛", En: "headache", Code: "01"}, 0},
		"no options":              {nil, 2},
		"no Chinese":              {&schemav1.CodeOptions{En: "headache"}, 1},
		"no English":              {&schemav1.CodeOptions{Zh: "头痛"}, 1},
		"the constant for labels": {&schemav1.CodeOptions{Zh: "FORMAT_CIVIL_DATE", En: "FORMAT_CIVIL_DATE"}, 2},
		"another number":          {&schemav1.CodeOptions{Zh: "头痛", En: "headache", Code: "02"}, 1},
		"zero for one":            {&schemav1.CodeOptions{Zh: "头痛", En: "headache", Code: "0"}, 1},
	} {
		if got := missingOfCode(headache, c.options); len(got) != c.bad {
			t.Errorf("%s: %d complaints, want %d: %q", name, len(got), c.bad, got)
		}
	}
	if zero := headache.Parent().(protoreflect.EnumDescriptor).Values().ByNumber(0); len(missingOfCode(zero, &schemav1.CodeOptions{Zh: "无"})) != 1 {
		t.Error("zero has a label and nobody complains")
	}
}

func TestEveryKindHasItsLabelsAndUsesItsSections(t *testing.T) {
	for _, one := range known() {
		desc := one.typ.Descriptor()
		o, _ := proto.GetExtension(desc.Options(), schemav1.E_Kind).(*schemav1.KindOptions)
		for _, what := range missingLabel(string(desc.Name()), o.GetZh(), o.GetEn()) {
			t.Errorf("%s: %s", desc.FullName(), what)
		}
		var declared, used []string
		for _, s := range o.GetSections() {
			declared = append(declared, s.GetName())
			for _, what := range missingLabel(s.GetName(), s.GetZh(), s.GetEn()) {
				t.Errorf("%s, section %s: %s", desc.FullName(), s.GetName(), what)
			}
		}
		for _, f := range onTheForm(desc) {
			if name := fieldOptions(f).GetSection(); name != "" && !slices.Contains(used, name) {
				used = append(used, name)
			}
		}
		slices.Sort(declared)
		if slices.Sort(used); !slices.Equal(declared, used) {
			t.Errorf("%s: declares the sections %q, and its fields stand under %q", desc.FullName(), declared, used)
		}
		if first := onTheForm(desc)[0]; len(declared) > 0 && fieldOptions(first).GetSection() == "" {
			t.Errorf("%s: %s stands under no heading", desc.FullName(), first.Name())
		}
	}
}

// onTheForm returns the fields in the order a form shows them.
func onTheForm(desc protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	place := func(f protoreflect.FieldDescriptor) uint32 {
		if o := fieldOptions(f).GetOrder(); o != 0 {
			return o
		}
		return uint32(f.Number())
	}
	out := byNumber(desc.Fields())
	slices.SortStableFunc(out, func(a, b protoreflect.FieldDescriptor) int { return int(place(a)) - int(place(b)) })
	return out
}
