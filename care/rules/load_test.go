// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
)

// head names a pack; a row follows it from line 2 on.
const head = "name: \"p\" version: \"1\"\n"

const source = `source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED }`

// ruleWhen is a rule in order with this condition.
func ruleWhen(when string) string {
	return `rules { id: "Q1" kinds: "hypertension_follow_up" severity: SEVERITY_ERROR when: "` + when + `" zh: "中" en: "e" ` + source + " }\n"
}

func load(text string) (*rules.Pack, error) {
	return rules.Load(rules.Source{Name: "p.txtpb", Text: []byte(text)})
}

func TestAPackWithAnythingWrongIsRefusedWithFileAndLine(t *testing.T) {
	good := ruleWhen("r.way == 1")
	if _, err := load(head + good); err != nil {
		t.Fatalf("a pack in order: %v", err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"no name":                          {good, "p.txtpb:1: the pack has no name"},
		"not prototext":                    {head + "rules {", "p.txtpb:2: "},
		"a field that a row does not have": {head + "\nrules { colour: 1 }", "p.txtpb:3: unknown field: colour"},
		"an unknown kind":                  {head + strings.Replace(good, "hypertension_follow_up", "village", 1), `p.txtpb:2: Q1: no kind is called "village"`},
		"an unknown form field":            {head + "# a comment {\n" + ruleWhen("r.colour == 1"), "p.txtpb:3: Q1: when: 1:2: undefined field 'colour'"},
		"an unknown code":                  {head + ruleWhen("r.way == FollowUpWay.BY_LETTER"), "undeclared reference"},
		"an unknown threshold":             {head + ruleWhen("r.way == t.nothing"), "undeclared reference"},
		"a text compared with a number":    {head + ruleWhen("r.symptom_other == 1"), "found no matching overload"},
		"a condition that is a number":     {head + ruleWhen("r.way"), "gives int, and is wanted as bool"},
		"no source":                        {head + strings.Replace(good, source, "", 1), "no source"},
		"no mark":                          {head + strings.Replace(good, "mark: SOURCE_MARK_PROPOSED", "", 1), "no source"},
		"no Chinese":                       {head + strings.Replace(good, `zh: "中"`, "", 1), "no words in Chinese"},
		"no English":                       {head + strings.Replace(good, `en: "e"`, "", 1), "no words in Chinese or in English"},
		"no severity":                      {head + strings.Replace(good, "severity: SEVERITY_ERROR", "", 1), "without severity"},
		"neither condition nor check":      {head + strings.Replace(good, `when: "r.way == 1"`, "", 1), "either a condition or a check"},
		"the same id twice":                {head + good + good, "p.txtpb:3: Q1: a second row"},
		"an id in small letters":           {head + strings.Replace(good, `"Q1"`, `"q1"`, 1), "begins with a large letter"},
		"a placeholder for nothing":        {head + strings.Replace(good, `zh: "中"`, `zh: "{n}"`, 1), "names {n}"},
		"a brace for nothing":              {head + strings.Replace(good, `zh: "中"`, `zh: "{ 中"`, 1), "a brace"},
		"a value that nobody names":        {head + strings.Replace(good, `zh: "中"`, `values { id: "n" expression: "1" } zh: "中"`, 1), "no message names it"},
		"a field that the kind lacks":      {head + strings.Replace(good, `zh: "中"`, `paths: "colour" zh: "中"`, 1), `has the field "colour"`},
		"a threshold without value":        {head + `thresholds { id: "a" zh: "中" en: "e" strength: STRENGTH_HARD ` + source + " }", "without a value"},
		"a proposal for a message":         {head + `proposals { id: "P1" kind: "checkup" path: "general" when: "true" value: "1" zh: "中" en: "e" ` + source + " }", "that can be proposed"},
		"a text proposed for a number":     {head + `proposals { id: "P1" kind: "hypertension_follow_up" path: "way" when: "true" value: "\"1\"" zh: "中" en: "e" ` + source + " }", "gives string, and is wanted as int"},
		"a definition before its own":      {head + `definitions { id: "a" kinds: "checkup" expression: "d.b" } definitions { id: "b" kinds: "checkup" expression: "true" }`, "undeclared reference"},
		"a definition that is a text":      {head + `definitions { id: "a" kinds: "checkup" expression: "\"a\"" }`, "gives string"},
		"a pack that extends another one":  {"name: \"q\" version: \"1\" extends: \"p\"\n" + good, `extends "p"`},
		"a threshold that is no pattern":   {head + `thresholds { id: "a" zh: "中" en: "e" text: "(" strength: STRENGTH_HARD ` + source + " }\n" + ruleWhen("r.symptom_other.matches(t.a)"), "p.txtpb:3: Q1"},
	} {
		_, err := load(c.text)
		if !errors.Is(err, rules.ErrPack) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestEveryFaultOfAPackIsTold(t *testing.T) {
	_, err := load(head + ruleWhen("r.a") + strings.Replace(ruleWhen("r.b"), "Q1", "Q2", 1))
	var fault *rules.Fault
	if !errors.As(err, &fault) || fault.Line != 2 || fault.Row != "Q1" || !strings.Contains(err.Error(), "p.txtpb:3: Q2") {
		t.Errorf("%v", err)
	}
}

func TestAHostilePackIsRefused(t *testing.T) {
	list := "[" + strings.Repeat("1,", 900) + "1]"
	nested := "r.symptoms"
	for i := range 6 {
		nested = fmt.Sprintf("%s.map(x%d, x%d)", nested, i, i)
	}
	cases := map[string]string{
		"loops within loops":          ruleWhen("history.all(a, history.all(b, history.all(c, history.all(e, e.way == a.way))))"),
		"loops over long lists":       ruleWhen(list + ".all(a, " + list + ".all(b, a == b))"),
		"deep parentheses":            ruleWhen(strings.Repeat("(", 1500) + "true" + strings.Repeat(")", 1500)),
		"an endless expression":       ruleWhen("true" + strings.Repeat(" || true", 2000)),
		"an endless message":          strings.Replace(ruleWhen("true"), `zh: "中"`, `zh: "`+strings.Repeat("中", 501)+`"`, 1),
		"an endless pattern":          ruleWhen(`r.symptom_other.matches(\"((((a{1000}){1000}){1000}){1000})\")`),
		"deep braces":                 strings.Repeat("rules {", 5000),
		"a pattern that is none":      ruleWhen(`r.symptom_other.matches(\"(\")`),
		"more rows than there may be": strings.Repeat("tests { name: \"a\" }\n", 5001),
	}
	for name, text := range cases {
		if _, err := load(head + text); !errors.Is(err, rules.ErrPack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := load(strings.Repeat("# nothing\n", 500_000)); !errors.Is(err, rules.ErrPack) {
		t.Errorf("a huge file: %v", err)
	}
	if _, err := rules.LoadContent([]byte{0xff, 0xff}); !errors.Is(err, rules.ErrPack) {
		t.Errorf("bytes that are no pack: %v", err)
	}
}

func TestARecordWithAForgedPackIsRefused(t *testing.T) {
	pack, err := load(head + ruleWhen("r.way == 1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*carev1.SealedRules){
		"another hash":           func(r *carev1.SealedRules) { r.ContentSha256[0] ^= 1 },
		"bytes that are no zstd": func(r *carev1.SealedRules) { r.ContentZstd = []byte("no") },
		"a bomb": func(r *carev1.SealedRules) {
			w, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentZstd = w.EncodeAll(make([]byte, 64<<20), nil)
		},
		"nothing": func(r *carev1.SealedRules) { r.ContentZstd = nil },
	} {
		form, err := pack.Record()
		if err != nil {
			t.Fatal(err)
		}
		spoil(form.GetRules())
		if _, err := rules.LoadRecord(form); !errors.Is(err, rules.ErrPack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := rules.LoadRecord(nil); !errors.Is(err, rules.ErrPack) {
		t.Errorf("no record: %v", err)
	}
}

func TestACountyHasOneRecordForItsPack(t *testing.T) {
	a, b := rules.RecordID("431124"), rules.RecordID("130403")
	if a != rules.RecordID("431124") || a == b || a.Kind() != care.KindRulePack {
		t.Errorf("%s %s", a, b)
	}
}

func TestACountyChangesReplacesAndAdds(t *testing.T) {
	county := rules.Source{Name: "county.txtpb", Text: []byte(`
name: "道县" version: "2026.1-a" extends: "xunzhen"
thresholds { id: "systolic_target" zh: "目标" en: "target" unit: "mmHg" number: 130 strength: STRENGTH_WARN ` + source + ` }
changes { id: "Q05" severity: SEVERITY_WARNING ` + source + ` }
changes { id: "Q11.past" off: true ` + source + ` }
rules { id: "X.new" kinds: "checkup" severity: SEVERITY_INFO when: "r.place == 4" zh: "入户体检" en: "at home" ` + source + ` }
`)}
	own, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	pack, err := rulepack.Load(county)
	if err != nil {
		t.Fatal(err)
	}
	if pack.Name() != "道县" || pack.Hash() == own.Hash() || len(pack.Rules()) != len(own.Rules())+1 {
		t.Errorf("%s with %d rules", pack.Name(), len(pack.Rules()))
	}
	form := carev1.HypertensionFollowUp{ServiceDate: 20260301, NextServiceDate: 20260201, Classification: carev1.FollowUpResult_FOLLOW_UP_RESULT_CONTROLLED, BloodPressure: pressure(135, 136)}
	got := findings(pack, &form)
	if got["Q05"].GetSeverity() != carev1.Severity_SEVERITY_WARNING || got["Q10"] == nil || got["Q11.past"] != nil {
		t.Errorf("%v", got)
	}
	if got := findings(own, &form); got["Q05"].GetSeverity() != carev1.Severity_SEVERITY_ERROR || got["Q11.past"] == nil {
		t.Errorf("the pack itself has changed: %v", got)
	}
	carried, err := rules.LoadContent(pack.Bytes())
	if err != nil || carried.Hash() != pack.Hash() {
		t.Errorf("the composed pack is not carried as it is: %v", err)
	}
	for name, text := range map[string]string{
		"another pack":     `extends: "other"`,
		"no such row":      `extends: "xunzhen" changes { id: "Q999" off: true ` + source + ` }`,
		"no source":        `extends: "xunzhen" changes { id: "Q05" off: true }`,
		"a fault of type":  `extends: "xunzhen" thresholds { id: "systolic_target" zh: "目标" en: "target" text: "a" strength: STRENGTH_WARN ` + source + ` }`,
		"severity of none": `extends: "xunzhen" changes { id: "E.aged" severity: SEVERITY_INFO ` + source + ` }`,
	} {
		if _, err := rulepack.Load(rules.Source{Name: "county.txtpb", Text: []byte(text)}); !errors.Is(err, rules.ErrPack) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
