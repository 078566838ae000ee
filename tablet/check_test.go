// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

const aMan = `{"name": "王建国", "sex": "SEX_MALE", "birth_date": 19600306, "tags": {"a": {"code": "POPULATION_CODE_HYPERTENSION", "since": 20200101}}}`

func checkNew(t *testing.T, tb *tablet.Tablet, kind, subject, values string) *tablet.Check {
	t.Helper()
	c, err := tb.CheckNew(kind, subject, village, values)
	return must(t, c, err)
}

// found returns the finding of a rule, nil for none.
func found(l *tablet.FindingList, rule string) *tablet.Finding {
	for i := range l.Len() {
		if l.At(i).RuleID == rule {
			return l.At(i)
		}
	}
	return nil
}

func proposed(l *tablet.ProposalList, path string) *tablet.Proposal {
	for i := range l.Len() {
		if l.At(i).Path == path {
			return l.At(i)
		}
	}
	return nil
}

func values(t *testing.T, c *tablet.Check) map[string]any {
	t.Helper()
	text, err := c.JSON()
	return fields(t, must(t, text, err))
}

func count(t *testing.T, tb *tablet.Tablet, kind string) int {
	t.Helper()
	l, err := tb.List(&tablet.Query{Kind: kind})
	return must(t, l, err).Len()
}

func TestAFormIsLookedAtWithoutBeingSaved(t *testing.T) {
	tb, _ := create(t)
	man := addResident(t, tb, aMan).ID
	c := checkNew(t, tb, "hypertension_follow_up", man, `{"service_date": 20260225, "blood_pressure": {"systolic_mmhg": 152, "diastolic_mmhg": 94},
		"adverse_reaction": {"state": "NONE_OR_SOME_NONE"}}`)
	p := proposed(c.Proposals(), "classification")
	if p == nil || p.Field != tablet.FieldEmpty || p.Computed || p.ValueZH != "控制不满意" || p.LabelZH == "" || p.LabelEN == "" || !strings.Contains(p.ReasonZH, "152") || !strings.Contains(p.ReasonEN, "152") {
		t.Errorf("classification %+v", p)
	}
	if c.Rules().Hash == "" || !c.Rules().BuiltIn {
		t.Errorf("rules %+v", c.Rules())
	}
	if n := count(t, tb, "hypertension_follow_up"); n != 0 {
		t.Fatalf("%d follow-ups after a check", n)
	}
	saved, err := c.Save("zhang")
	if got := fields(t, get(t, tb, must(t, saved, err).ID).JSON); got["classification"] != nil {
		t.Errorf("a proposal became part of the record by itself: %v", got)
	}
	if _, err := c.Save("zhang"); tablet.ReasonOf(err) != "unchanged" || count(t, tb, "hypertension_follow_up") != 1 {
		t.Errorf("saved twice: %v", err)
	}
}

// Nothing that was measured is refused, on either side of every bound.
func TestOddValuesAreFoundAndStandOnceConfirmed(t *testing.T) {
	for _, test := range []struct {
		name     string
		systolic string
		rule     string // "": none
	}{
		{"the greatest usual one", "179", ""},
		{"just above what is usual", "180", "Q04"},
		{"the greatest possible one", "300", "Q04"},
		{"just above what is possible", "301", "Q03.range"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tb, _ := create(t)
			man := addResident(t, tb, aMan).ID
			c := checkNew(t, tb, "home_visit", man, `{"service_date": 20260225, "blood_pressure": {"systolic_mmhg": `+test.systolic+`, "diastolic_mmhg": 80}}`)
			odd := found(c.Findings(), test.rule)
			if test.rule == "" {
				if n, err := c.Confirm(); n != 0 || err != nil {
					t.Fatalf("%d confirmed, %v", n, err)
				}
				return
			}
			if odd == nil || !odd.Confirmable || !odd.MustConfirm || odd.Fields.At(0).Path != "blood_pressure.systolic_mmhg" ||
				odd.Fields.At(0).LabelZH != "血压·收缩压" || !strings.Contains(odd.MessageZH, test.systolic) {
				t.Fatalf("%+v", odd)
			}
			if n, err := c.Confirm(); n != 1 || err != nil {
				t.Fatalf("%d confirmed, %v", n, err)
			}
			if found(c.Findings(), test.rule) != nil {
				t.Error("it is found though it was confirmed")
			}
			saved, err := c.Save("zhang")
			r := get(t, tb, must(t, saved, err).ID)
			if !strings.Contains(r.JSON, `"systolic_mmhg": `+test.systolic) {
				t.Errorf("the value changed: %s", r.JSON)
			}
			for key, v := range fields(t, r.JSON)["confirmed_values"].(map[string]any) {
				if m := v.(map[string]any); m["field"] != "blood_pressure.systolic_mmhg" || m["value"] != test.systolic || len(key) < 6 {
					t.Errorf("confirmed %s: %v", key, m)
				}
			}
			again, err := tb.Check(r.Form, strings.Replace(r.JSON, `"systolic_mmhg": `+test.systolic, `"systolic_mmhg": 299`, 1))
			if f := found(must(t, again, err).Findings(), "Q04"); f == nil {
				t.Error("another number counts as confirmed")
			}
			if n, err := again.Confirm(); n != 1 || err != nil || len(values(t, again)["confirmed_values"].(map[string]any)) != 1 {
				t.Errorf("%d confirmed, %v: %v", n, err, values(t, again)["confirmed_values"])
			}
		})
	}
}

func TestFillPutsIntoEmptyFieldsOnly(t *testing.T) {
	tb, _ := create(t)
	man := addResident(t, tb, aMan).ID
	c := checkNew(t, tb, "hypertension_follow_up", man, `{"service_date": 20260225, "classification": "FOLLOW_UP_RESULT_CONTROLLED",
		"blood_pressure": {"systolic_mmhg": 152, "diastolic_mmhg": 94}, "adverse_reaction": {"state": "NONE_OR_SOME_NONE"}}`)
	if p := proposed(c.Proposals(), "classification"); p == nil || p.Field != tablet.FieldOther {
		t.Fatalf("%+v", p)
	}
	do(t, c.Fill())
	got := values(t, c)
	if got["classification"] != "FOLLOW_UP_RESULT_CONTROLLED" {
		t.Errorf("a person's answer was overwritten: %v", got)
	}
	if got["next_service_date"] == nil || proposed(c.Filled(), "next_service_date") == nil {
		t.Errorf("nothing was filled in: %v", got)
	}
	if found(c.Findings(), "Q10.hypertension") == nil && !c.MustConfirm() {
		t.Error("a classification that does not fit the pressure is not found")
	}
}

func TestComputedFieldsFollowWhatTheyAreComputedFrom(t *testing.T) {
	tb, _ := create(t)
	man := addResident(t, tb, aMan).ID
	bmi := func(c *tablet.Check) any {
		m, _ := values(t, c)["body_size"].(map[string]any)
		return m["bmi_kg_per_m2_x10"]
	}
	c := checkNew(t, tb, "home_visit", man, `{"service_date": 20260225, "body_size": {"height_cm_x10": 1700, "weight_kg_x10": 700}}`)
	if bmi(c) != float64(242) || proposed(c.Filled(), "body_size.bmi_kg_per_m2_x10") == nil {
		t.Fatalf("%v, filled %+v", bmi(c), c.Filled())
	}
	saved, err := c.Save("zhang")
	r := get(t, tb, must(t, saved, err).ID)
	for _, test := range []struct {
		name, from, to string
		want           any
	}{
		{"another weight", `"weight_kg_x10": 700`, `"weight_kg_x10": 800`, float64(277)},
		{"no weight any more", `"weight_kg_x10": 700,`, ``, nil},
		{"what a person put in stays", `"bmi_kg_per_m2_x10": 242`, `"bmi_kg_per_m2_x10": 300`, float64(300)},
		{"nothing changed", ``, ``, float64(242)},
	} {
		t.Run(test.name, func(t *testing.T) {
			var compact map[string]any
			do(t, json.Unmarshal([]byte(r.JSON), &compact))
			edited := strings.Replace(r.JSON, test.from, test.to, 1)
			if test.from != test.to && edited == r.JSON {
				t.Fatal("nothing was edited")
			}
			c, err := tb.Check(r.Form, edited)
			if got := bmi(must(t, c, err)); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

func TestADraftNeedNotBeComplete(t *testing.T) {
	tb, _ := create(t)
	man := addResident(t, tb, aMan).ID
	for status, must := range map[string]bool{"": false, `"status": "FORM_STATUS_DRAFT", `: false, `"status": "FORM_STATUS_SUBMITTED", `: true} {
		c := checkNew(t, tb, "hypertension_follow_up", man, `{`+status+`"service_date": 20260225}`)
		if missing := found(c.Findings(), "Q01"); missing == nil || missing.Severity != tablet.SeverityError || missing.MustConfirm != must || c.MustConfirm() != must {
			t.Errorf("%q: %+v, must confirm %t", status, missing, c.MustConfirm())
		}
	}
}

func TestWhatCannotBeCheckedSaysWhy(t *testing.T) {
	tb, _ := create(t)
	s := addResident(t, tb, aMan)
	for _, test := range []struct {
		name, reason string
		check        func() (*tablet.Check, error)
	}{
		{"no JSON", "json", func() (*tablet.Check, error) { return tb.Check(s.Form, `{"name"`) }},
		{"no such field", "json", func() (*tablet.Check, error) { return tb.CheckNew("checkup", s.ID, village, `{"x": 1}`) }},
		{"a cut token", "form", func() (*tablet.Check, error) { return tb.Check(s.Form[:40], `{}`) }},
		{"no such kind", "unknown_kind", func() (*tablet.Check, error) { return tb.CheckNew("bogus", s.ID, village, `{}`) }},
		{"nobody", "subject", func() (*tablet.Check, error) { return tb.CheckNew("checkup", "", village, `{}`) }},
		{"a document of a record without its form", "form", func() (*tablet.Check, error) { return tb.CheckDocument(`{"id": "` + s.ID + `", "values": {}}`) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.check()
			wantReason(t, err, test.reason)
		})
	}
	do(t, tb.Lock())
	_, err := tb.CheckNew("checkup", s.ID, village, `{}`)
	wantReason(t, err, "locked")
}

// Impossible codes and dates and far too much text are found, and saved all the same.
func TestWhatIsFoundCanBeSaved(t *testing.T) {
	tb, _ := create(t)
	man := addResident(t, tb, aMan).ID
	for name, form := range map[string]string{
		"an unknown code":          `{"service_date": 20260225, "way": 99}`,
		"a day without a calendar": `{"service_date": 20261399}`,
		"a long text":              `{"service_date": 20260225, "other_signs": "` + strings.Repeat("长", 5000) + `"}`,
		"a pressure upside down":   `{"service_date": 20260225, "blood_pressure": {"systolic_mmhg": 80, "diastolic_mmhg": 120}}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := checkNew(t, tb, "hypertension_follow_up", man, form)
			if !c.MustConfirm() {
				t.Error("nothing to confirm is found")
			}
			if _, err := c.Confirm(); err != nil {
				t.Error(err)
			}
			if _, err := c.Save("zhang"); err != nil {
				t.Error(err)
			}
		})
	}
}
