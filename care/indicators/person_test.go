// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// lived makes a resident record of a village from a day, to a day unless that is 0.
func lived(village string, since, until int32) *carev1.Resident {
	r := resident()
	r.RegisteredOn, r.Address = since, &carev1.Address{DivisionCode: village}
	r.DoctorId = "d" + village[9:]
	if until != 0 {
		r.ManagementEnd = &carev1.ManagementEnd{EndedOn: until, Reason: carev1.ManagementEndReason_MANAGEMENT_END_REASON_MOVED_AWAY}
	}
	return r
}

func vital(of carev1.VitalEventType, day int32, from string) *carev1.VitalEvent {
	return &carev1.VitalEvent{Type: of, EventDate: day, Move: &carev1.VitalEventMove{DivisionCode: from}}
}

const (
	villageA = "431124001201"
	villageB = "431124001202"
)

// staysOf returns the days of 2026 under care, and where and with whom the person is on the last day.
func staysOf(t *testing.T, asOf care.Date, forms ...proto.Message) string {
	t.Helper()
	p := personOf(forms...)
	p.division = nil
	f := p.facts(p.entries)
	e := NewEvaluator(Question{Period: Year(2026), AsOf: asOf}, settings(t))
	e.p.look(e, &f)
	if !e.p.here {
		return "never"
	}
	var out []string
	for _, s := range e.p.stays {
		out = append(out, fmt.Sprintf("%v..%v", s.from.date(), s.to.date()))
	}
	out = append(out, string(e.p.place[9:])+" "+e.p.doctor)
	if e.p.lost {
		out = append(out, "lost")
	}
	return strings.Join(out, " ")
}

func TestWhenSomebodyIsUnderCare(t *testing.T) {
	const (
		died = carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH
		left = carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT
		in   = carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_IN
		lost = carev1.VitalEventType_VITAL_EVENT_TYPE_LOST
		back = carev1.VitalEventType_VITAL_EVENT_TYPE_RETURNED
		born = carev1.VitalEventType_VITAL_EVENT_TYPE_BIRTH
	)
	draft := vital(died, 20260301, "")
	draft.Status = carev1.FormStatus_FORM_STATUS_DRAFT
	dead := lived(villageA, 20200101, 0)
	dead.Death = &carev1.Death{Dead: true, DiedOn: 20260301}
	gone := lived(villageA, 20200101, 0)
	gone.ManagementEnd = &carev1.ManagementEnd{EndedOn: 20260601, Reason: carev1.ManagementEndReason_MANAGEMENT_END_REASON_LOST}
	undated := lived(villageA, 0, 0)
	for _, c := range []struct {
		name  string
		asOf  care.Date
		forms []proto.Message
		want  string
	}{
		{"all year", 20261231, []proto.Message{lived(villageA, 20200101, 0)}, "2026-01-01..2026-12-31 201 d201"},
		{"up to the day of the question", 20260705, []proto.Message{lived(villageA, 20200101, 0)}, "2026-01-01..2026-07-05 201 d201"},
		{"registered on the last day", 20261231, []proto.Message{lived(villageA, 20261231, 0)}, "2026-12-31..2026-12-31 201 d201"},
		{"registered a day after", 20261231, []proto.Message{lived(villageA, 20270101, 0)}, "never"},
		{"dead on 1 March, as an event says", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(died, 20260301, "")}, "2026-01-01..2026-02-28 201 d201"},
		{"dead on 1 March, as the record says", 20261231, []proto.Message{dead}, "2026-01-01..2026-02-28 201 d201"},
		{"a draft of a death", 20261231, []proto.Message{lived(villageA, 20200101, 0), draft}, "2026-01-01..2026-12-31 201 d201"},
		{"dead on the day after the last", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(died, 20270101, "")}, "2026-01-01..2026-12-31 201 d201"},
		{"dead on the last day", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(died, 20261231, "")}, "2026-01-01..2026-12-30 201 d201"},
		{"two reports of a death: the first", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(died, 20260401, ""), vital(died, 20260301, "")}, "2026-01-01..2026-02-28 201 d201"},
		{"back after death is no coming back", 20261231, []proto.Message{dead, vital(back, 20260501, "")}, "2026-01-01..2026-02-28 201 d201"},
		{"left", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(left, 20260301, "")}, "2026-01-01..2026-03-01 201 d201"},
		{"left years ago", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(left, 20240301, "")}, "201 d201"},
		{"left and came back the same day", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(left, 20260301, ""), vital(in, 20260301, "")}, "2026-01-01..2026-12-31 201 d201"},
		{"left, back, left", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(left, 20260301, ""), vital(back, 20260401, ""), vital(left, 20260501, "")}, "2026-01-01..2026-03-01 2026-04-01..2026-05-01 201 d201"},
		{"lost by an event", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(lost, 20260301, "")}, "2026-01-01..2026-03-01 201 d201 lost"},
		{"lost by the record", 20261231, []proto.Message{gone}, "2026-01-01..2026-06-01 201 d201 lost"},
		{"lost by the record and back", 20261231, []proto.Message{gone, vital(back, 20260701, "")}, "2026-01-01..2026-06-01 2026-07-01..2026-12-31 201 d201"},
		{"a birth is no turn", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(born, 20260301, "")}, "2026-01-01..2026-12-31 201 d201"},
		{"an event without a day", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(died, 0, "")}, "2026-01-01..2026-12-31 201 d201"},
		{"moved within the county", 20261231, []proto.Message{lived(villageB, 20200101, 0), vital(in, 20260901, villageA)}, "2026-01-01..2026-12-31 202 d202"},
		{"before that move", 20260831, []proto.Message{lived(villageB, 20200101, 0), vital(in, 20260901, villageA)}, "2026-01-01..2026-08-31 201 "},
		{"on the day of that move", 20260901, []proto.Message{lived(villageB, 20200101, 0), vital(in, 20260901, villageA)}, "2026-01-01..2026-09-01 202 d202"},
		{"came from another county", 20260831, []proto.Message{lived(villageB, 20200101, 0), vital(in, 20260901, "431125001201")}, "2026-01-01..2026-08-31 202 d202"},
		{"two open records: the first", 20261231, []proto.Message{lived(villageA, 20200101, 0), lived(villageB, 20210101, 0)}, "2026-01-01..2026-12-31 201 d201"},
		{"the first is closed: the second", 20261231, []proto.Message{lived(villageA, 20200101, 20260301), lived(villageB, 20210101, 0)}, "2026-01-01..2026-12-31 202 d202"},
		{"before it was closed: the first", 20260301, []proto.Message{lived(villageA, 20200101, 20260301), lived(villageB, 20210101, 0)}, "2026-01-01..2026-03-01 201 d201"},
		{"registered anew on the day of leaving", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(left, 20260301, ""), lived(villageB, 20260301, 0)}, "2026-01-01..2026-12-31 202 d202"},
		{"left, registered anew, and the first is taken up again", 20261231, []proto.Message{lived(villageA, 20200101, 0), vital(left, 20260301, ""), lived(villageB, 20260401, 0), vital(back, 20260501, "")}, "2026-01-01..2026-03-01 2026-04-01..2026-12-31 201 d201"},
		{"registered anew a month after", 20261231, []proto.Message{lived(villageA, 20200101, 20260301), lived(villageB, 20260401, 0)}, "2026-01-01..2026-03-01 2026-04-01..2026-12-31 202 d202"},
		{"both closed: the one closed last", 20261231, []proto.Message{lived(villageA, 20200101, 20260301), lived(villageB, 20210101, 20260201)}, "2026-01-01..2026-03-01 201 d201"},
		{"without a day of registration: since the capture", 20261231, []proto.Message{undated}, "2026-01-01..2026-12-31 201 d201"},
	} {
		if got := staysOf(t, c.asOf, c.forms...); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTagsOfLinkedRecordsAreCountedOnce(t *testing.T) {
	a, b := lived(villageA, 20200101, 0), lived(villageA, 20200101, 0)
	a.Tags = map[string]*carev1.PopulationTag{"x": {Code: 2, Since: 20260101, Until: 20260131}, "y": {Code: 2, Since: 20260301, Until: 20260331}}
	b.Tags = map[string]*carev1.PopulationTag{"x": {Code: 2, Since: 20260115, Until: 20260214}, "y": {Code: 2, Since: 20260310, Until: 20260315}}
	p := personOf(a, b)
	f := p.facts(p.entries)
	e := NewEvaluator(Question{Period: Year(2026), AsOf: 20261231}, settings(t))
	e.p.look(e, &f)
	if days, last := e.p.registered(2); days != 45+31 || last.date() != 20260331 {
		t.Errorf("%d days, the last %v", days, last.date())
	}
}

func TestWhoIsOfAPopulation(t *testing.T) {
	with := func(change func(*carev1.Resident)) []proto.Message {
		r := lived(villageA, 20150101, 0)
		change(r)
		return []proto.Message{r}
	}
	tagged := func(code carev1.PopulationCode, since, until int32) []proto.Message {
		return with(func(r *carev1.Resident) {
			r.Tags = map[string]*carev1.PopulationTag{"t": {Code: code, Since: since, Until: until}}
		})
	}
	for _, c := range []struct {
		name  string
		code  uint8
		forms []proto.Message
		want  bool
	}{
		{"a tag since the last day", 9, tagged(9, 20261231, 0), true},
		{"a tag since the day after", 9, tagged(9, 20270101, 0), false},
		{"a tag until the last day", 9, tagged(9, 20200101, 20261231), true},
		{"a tag until the day before", 9, tagged(9, 20200101, 20261230), false},
		{"a tag of the aged makes nobody aged", 1, tagged(1, 20200101, 0), false},
		{"aged within the year", 1, with(func(r *carev1.Resident) { r.BirthDate = 19611231 }), true},
		{"aged in the next", 1, with(func(r *carev1.Resident) { r.BirthDate = 19620101 }), false},
		{"six on the last day", 4, with(func(r *carev1.Resident) { r.BirthDate = 20200101 }), true},
		{"seven on the last day", 4, with(func(r *carev1.Resident) { r.BirthDate = 20191231 }), false},
		{"a certificate", 8, with(func(r *carev1.Resident) { r.DisabilityCertificateNumber = "1" }), true},
		{"no certificate", 8, with(func(*carev1.Resident) {}), false},
	} {
		p := personOf(c.forms...)
		f := p.facts(p.entries)
		e := NewEvaluator(Question{Period: Year(2026), AsOf: 20261231}, settings(t))
		e.p.look(e, &f)
		if got := e.p.belongs(c.code, e.t1); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	if f := personOf(tagged(99, 20200101, 0)...); len(f.facts(f.entries).tags) != 0 {
		t.Error("a tag that is no population is kept")
	}
}

func TestAQuestionAboutAPopulationIsAboutNobodyElse(t *testing.T) {
	c, s := readCounty(t), settings(t)
	q := c.questions[0].ask
	q.Populations = []carev1.PopulationCode{carev1.PopulationCode_POPULATION_CODE_DIABETES, carev1.PopulationCode_POPULATION_CODE_AGED}
	all := map[Code]Tally{}
	for _, outcomes := range c.outcomesOf(q, s) {
		for _, o := range outcomes {
			all[o.Code] = all[o.Code].Plus(Tally{o.Numerator, o.Denominator, o.Amount})
		}
	}
	// d01 to d05; o01 to o05 and o07; h05 and h06; and o08, who died: on the last day under care she was aged.
	for code, want := range map[Code]Tally{"S02": {13, 13, 0}, "O00": {3, 9, 0}, "D01": {4, 5, 0}, "H01": {3, 3, 0}, "G02.03": {1, 5, 0}, "M01": {}} {
		if all[code] != want {
			t.Errorf("%s: %v, by hand %v", code, all[code], want)
		}
	}
	p := personOf(event2024(4, 400))
	f := p.facts(p.entries)
	if got := Evaluate(f, Question{Period: Year(2024), AsOf: 20241231, Populations: q.Populations}, s); got != nil {
		t.Errorf("an event is of no population: %v", got)
	}
}

// Forms with any values at all, such as an import may bring, make facts that come back and are judged.
func TestWhateverStandsInFormsMakesFacts(t *testing.T) {
	t.Logf("seed %d", seed)
	rnd, s := rand.New(rand.NewPCG(seed, 2)), settings(t)
	var kinds []record.Kind
	for kind := range care.Types() {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	e := NewEvaluator(Question{Period: Year(2026), AsOf: 20261231, Explain: true}, s)
	for range 300 {
		var entries []rules.Entry
		for i, kind := range kinds {
			form := care.Types()[kind].New().Interface()
			anything(rnd, form.ProtoReflect(), 4)
			entries = append(entries, rules.Entry{ID: record.DerivedID(kind, []byte{byte(i)}), Kind: kind, Form: form})
		}
		f := Extract(Input{Person: rules.NewPerson(entries[0].ID, entries), Judged: true})
		back, err := DecodeFacts(f.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back.Encode(), f.Encode()) {
			t.Fatal("other facts came back")
		}
		e.Append(nil, &back)
		e.Work(nil, &back)
		NewRegistry(back.Registered(0))
	}
}

// anything fills a message with values of its types, sensible and not.
func anything(rnd *rand.Rand, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case depth == 0 || rnd.IntN(4) == 0:
		case f.IsMap() && f.MapValue().Message() != nil && f.MapKey().Kind() == protoreflect.StringKind:
			v := m.Mutable(f).Map().NewValue()
			anything(rnd, v.Message(), depth-1)
			m.Mutable(f).Map().Set(protoreflect.ValueOfString(fmt.Sprint(rnd.IntN(4))).MapKey(), v)
		case f.IsMap():
		case f.IsList() && f.Message() != nil:
			anything(rnd, m.Mutable(f).List().AppendMutable().Message(), depth-1)
		case f.IsList():
			m.Mutable(f).List().Append(anyValue(rnd, f))
		case f.Message() != nil:
			anything(rnd, m.Mutable(f).Message(), depth-1)
		default:
			m.Set(f, anyValue(rnd, f))
		}
	}
}

func anyValue(rnd *rand.Rand, f protoreflect.FieldDescriptor) protoreflect.Value {
	n := [...]int64{0, 1, -1, 2, 20260105, 20250630, 20260000, 1 << 31, -1 << 31, 1<<63 - 1, 7, 4}[rnd.IntN(12)]
	switch f.Kind() {
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(n == 1)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(n)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(make([]byte, n&31))
	}
	return protoreflect.ValueOfString([...]string{"", "1", "431124001201", "H01", "二", "d1"}[rnd.IntN(6)])
}
