// SPDX-License-Identifier: Apache-2.0

package register

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	today   care.Date       = 20260301
	village record.Division = "130403001001"
	other   record.Division = "130403001002"
	far     record.Division = "130403002001"
)

// world is a register over residents that are made by hand.
type world struct {
	t      testing.TB
	module Module
	file   *sqlitefile.File
	forms  map[record.ID]*carev1.Resident
	made   uint32
}

func newWorld(t testing.TB) *world {
	t.Helper()
	f, err := sqlitefile.Open(filepath.Join(t.TempDir(), "p.db"), sqlitefile.Schema{
		Name: "test", ApplicationID: 1, Migrations: fstest.MapFS{"0001_test.sql": {Data: []byte(schema)}},
	}, sqlitefile.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &world{t: t, module: Module{Key: []byte("of a county of tests, 32 bytes..")}, file: f, forms: map[record.ID]*carev1.Resident{}}
}

// id returns a new record's.
func (w *world) id(kind record.Kind) record.ID {
	w.made++
	id := record.DerivedID(kind, nil)
	binary.BigEndian.PutUint32(id[:], w.made)
	return id
}

// person is what Look is shown: residents with where they are, and other forms.
type shown struct {
	residents []record.ID
	entries   []rules.Entry
	rows      map[record.ID]projection.Row
}

func (w *world) of(form *carev1.Resident, divisions ...record.Division) *shown {
	p := &shown{rows: map[record.ID]projection.Row{}}
	w.with(p, form, divisions...)
	return p
}

// with adds another resident to a person.
func (w *world) with(p *shown, form *carev1.Resident, divisions ...record.Division) {
	id := w.id(care.KindResident)
	w.forms[id] = form
	p.residents = append(p.residents, id)
	p.entries = append(p.entries, rules.Entry{ID: id, Kind: care.KindResident, Subject: id, Form: form})
	p.rows[id] = projection.Row{Divisions: divisions, Class: record.ClassGeneral}
}

func (w *world) event(p *shown, e *carev1.VitalEvent) {
	p.entries = append(p.entries, rules.Entry{ID: w.id(42), Kind: 42, Subject: p.residents[0], Form: e})
}

func (p *shown) person() *projection.Person {
	ids := slices.Clone(p.residents)
	slices.SortFunc(ids, func(a, b record.ID) int { return slices.Compare(a[:], b[:]) })
	return &projection.Person{ID: ids[0], Residents: ids, Rules: rules.NewPerson(ids[0], p.entries), Rows: p.rows}
}

func (w *world) look(people ...*projection.Person) {
	w.t.Helper()
	err := w.file.Update(w.t.Context(), func(conn *sqlite.Conn) error {
		for _, p := range people {
			if err := w.module.Look(conn, p, today); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) residents(_ context.Context, ids []record.ID) (out []*carev1.Resident, _ error) {
	for _, id := range ids {
		if f, ok := w.forms[id]; ok {
			out = append(out, f)
		}
	}
	return out, nil
}

// find returns all hits, read by pages of a size.
func (w *world) find(q Query, size int) (out []Hit) {
	w.t.Helper()
	if q.Scope == nil {
		q.Scope, q.Sensitive = []record.Division{""}, true
	}
	q.Today = today
	for at := (Place{}); ; {
		hits, next, err := w.module.Find(w.t.Context(), w.file, w.residents, q, at, size)
		if err != nil {
			w.t.Fatalf("%+v: %v", q, err)
		}
		if len(hits) > size {
			w.t.Errorf("a page of %d, wanted %d", len(hits), size)
		}
		out = append(out, hits...)
		if next == (Place{}) {
			return out
		}
		if at, err = DecodePlace(next.Append(nil)); err != nil || at != next {
			w.t.Fatalf("%+v is read as %+v, %v", next, at, err)
		}
	}
}

func (w *world) names(q Query) string {
	w.t.Helper()
	var out []string
	for _, h := range w.find(q, 3) {
		out = append(out, h.Name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func card(n string) *carev1.IdentityDocument {
	return &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: n}
}

// town is a world of a few invented people.
func town(t testing.TB) *world {
	w := newWorld(t)
	wang := w.of(&carev1.Resident{
		Name: "王小明", Sex: carev1.Sex_SEX_MALE, BirthDate: 19580306, IdentityDocument: card("990000195803060018"), Phone: "139-1234-5678",
		DoctorId: "zhang", ArchiveNumber: "13040300100100017",
		Tags: map[string]*carev1.PopulationTag{"a": {Code: carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, Since: 20200101}},
	}, village)
	shan := w.of(&carev1.Resident{
		Name: "单 雄信", Sex: carev1.Sex_SEX_MALE, BirthDate: 19450101, DoctorId: "zhang", ContactPerson: &carev1.ContactPerson{Name: "单小", Phone: "13800001111"},
		Tags: map[string]*carev1.PopulationTag{"a": {Code: carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, Since: 20200101, Until: 20251231}},
	}, other)
	w.event(shan, &carev1.VitalEvent{Type: carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH, EventDate: 20260228})
	zhang := w.of(&carev1.Resident{
		Name: "张明", Sex: carev1.Sex_SEX_FEMALE, BirthDate: 20240229, DoctorId: "li",
		Tags: map[string]*carev1.PopulationTag{"a": {Code: carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL, Since: 20200101}},
	}, far)
	w.event(zhang, &carev1.VitalEvent{Type: carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT, EventDate: 20260101})
	back := w.of(&carev1.Resident{Name: "吕归", Sex: carev1.Sex_SEX_MALE, DoctorId: "li"}, far)
	w.event(back, &carev1.VitalEvent{Type: carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT, EventDate: 20250101})
	w.event(back, &carev1.VitalEvent{Type: carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_IN, EventDate: 20250601})
	uyghur := w.of(&carev1.Resident{Name: "阿依古丽•买买提", Sex: carev1.Sex_SEX_FEMALE, BirthDate: 19900101}, village)
	linked := w.of(&carev1.Resident{Name: "赵旧", Sex: carev1.Sex_SEX_MALE, BirthDate: 19700101, Phone: "13900000001"}, village)
	w.with(linked, &carev1.Resident{Name: "赵新", Sex: carev1.Sex_SEX_MALE, BirthDate: 19700101, Phone: "13900000002", DoctorId: "li"}, far)
	clinic := w.id(care.KindOrganisation)
	w.look(wang.person(), shan.person(), zhang.person(), back.person(), uyghur.person(), linked.person(), organisation(clinic, "石桥村卫生室", string(village)))
	return w
}

func organisation(id record.ID, name string, prefixes ...string) *projection.Person {
	return &projection.Person{ID: id, Residents: []record.ID{id}, Rules: rules.NewPerson(id, []rules.Entry{{
		ID: id, Kind: care.KindOrganisation, Subject: id, Form: &carev1.Organisation{Name: name, DivisionPrefixes: prefixes},
	}})}
}

func TestPeopleAreFoundByWhatIsKnownOfThem(t *testing.T) {
	w := town(t)
	const everybody = "单 雄信 吕归 张明 王小明 赵旧 阿依古丽•买买提"
	from, to := BornBetween(65, 80, today)
	for name, c := range map[string]struct {
		q    Query
		want string
	}{
		"everybody":                      {Query{}, everybody},
		"a surname":                      {Query{Name: "王"}, "王小明"},
		"the middle of a name":           {Query{Name: "小"}, "王小明"},
		"one character of two people":    {Query{Name: "明"}, "张明 王小明"},
		"a whole name":                   {Query{Name: "王小明"}, "王小明"},
		"a name with another blank":      {Query{Name: "单雄 信"}, "单 雄信"},
		"the contact person is not it":   {Query{Name: "单小"}, ""},
		"a long name, over the dot":      {Query{Name: "古丽·买"}, "阿依古丽•买买提"},
		"more of it than a token":        {Query{Name: "依古丽·买买提"}, "阿依古丽•买买提"},
		"that is not its end":            {Query{Name: "依古丽·买买买"}, ""},
		"nobody":                         {Query{Name: "孙"}, ""},
		"pinyin":                         {Query{Pinyin: "wangxiaoming"}, "王小明"},
		"pinyin that is not finished":    {Query{Pinyin: "Wang Xiao"}, "王小明"},
		"pinyin of the given name":       {Query{Pinyin: "xiaoming"}, "王小明"},
		"initials":                       {Query{Pinyin: "wxm"}, "王小明"},
		"surname and initials":           {Query{Pinyin: "wangxm"}, "王小明"},
		"a surname read otherwise":       {Query{Pinyin: "shanxx"}, "单 雄信"},
		"the usual reading of it":        {Query{Pinyin: "danxx"}, "单 雄信"},
		"ü as people type it":            {Query{Pinyin: "lvgui"}, "吕归"},
		"ü as passports have it":         {Query{Pinyin: "lyugui"}, "吕归"},
		"ü itself, with tones":           {Query{Pinyin: "lǚ guī"}, "吕归"},
		"a number":                       {Query{Number: "990000195803060018"}, "王小明"},
		"a number, wide and with blanks": {Query{Number: "９９0000 19580306 0018"}, "王小明"},
		"the end of a number":            {Query{Number: "0018"}, "王小明"},
		"more of its end":                {Query{Number: "03060018"}, "王小明"},
		"its beginning":                  {Query{Number: "99000019"}, ""},
		"another end":                    {Query{Number: "13060018"}, ""},
		"a telephone":                    {Query{Phone: "+86 139 1234 5678"}, "王小明"},
		"the contact person's":           {Query{Phone: "13800001111"}, "单 雄信"},
		"its end":                        {Query{Phone: "45678"}, "王小明"},
		"an archive":                     {Query{ArchiveNumber: "13040300100100017"}, "王小明"},
		"its number within the village":  {Query{ArchiveNumber: "00017"}, "王小明"},
		"any number: an archive":         {Query{AnyNumber: "00100017"}, "王小明"},
		"any number: a telephone":        {Query{AnyNumber: "1111"}, "单 雄信"},
		"any number: a document":         {Query{AnyNumber: "060018"}, "王小明"},
		"the second of two residents":    {Query{Name: "新"}, "赵旧"},
		"the telephone of the first":     {Query{Phone: "13900000001"}, "赵旧"},
		"and of the second":              {Query{Phone: "0002"}, "赵旧"},
		"a village":                      {Query{Divisions: []record.Division{village}}, "王小明 赵旧 阿依古丽•买买提"},
		"a township":                     {Query{Divisions: []record.Division{"130403001"}}, "单 雄信 王小明 赵旧 阿依古丽•买买提"},
		"two villages, each once":        {Query{Divisions: []record.Division{far, village}}, "吕归 张明 王小明 赵旧 阿依古丽•买买提"},
		"a doctor":                       {Query{Doctor: "zhang"}, "单 雄信 王小明"},
		"the doctor of a second":         {Query{Doctor: "li"}, "吕归 张明 赵旧"},
		"a population that holds":        {Query{Population: carev1.PopulationCode_POPULATION_CODE_HYPERTENSION}, "王小明"},
		"the sensitive one":              {Query{Population: carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL}, "张明"},
		"women":                          {Query{Sex: carev1.Sex_SEX_FEMALE}, "张明 阿依古丽•买买提"},
		"from 65 to 80 years":            {Query{BornFrom: from, BornTo: to}, "王小明"},
		"born by a day, included":        {Query{BornTo: 19450101}, "单 雄信"},
		"born from a day, included":      {Query{BornFrom: 20240229}, "张明"},
		"the dead":                       {Query{Statuses: []Status{Dead}}, "单 雄信"},
		"who is away":                    {Query{Statuses: []Status{Away}}, "张明"},
		"gone either way":                {Query{Statuses: []Status{Away, Dead}}, "单 雄信 张明"},
		"who is here":                    {Query{Statuses: []Status{Here}}, "吕归 王小明 赵旧 阿依古丽•买买提"},
		"all together":                   {Query{Name: "明", Sex: carev1.Sex_SEX_MALE, Doctor: "zhang", Divisions: []record.Division{village}}, "王小明"},
		"all but one":                    {Query{Name: "明", Sex: carev1.Sex_SEX_MALE, Doctor: "li"}, ""},
		"a scope":                        {Query{Name: "明", Scope: []record.Division{"130403002"}}, "张明"},
		"a scope that has one resident":  {Query{Name: "赵", Scope: []record.Division{far}}, "赵旧"},
		"no scope":                       {Query{Scope: []record.Division{}}, ""},
	} {
		if got := w.names(c.q); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatWasTypedIsUnderstood(t *testing.T) {
	for text, want := range map[string]Query{
		"王":                  {Name: "王"},
		" wang xm ":          {Pinyin: "wang xm"},
		"lǚ":                 {Pinyin: "lǚ"},
		"13912345678":        {AnyNumber: "13912345678"},
		"19900101001X":       {AnyNumber: "19900101001X"},
		"+86 139 1234 5678":  {AnyNumber: "+86 139 1234 5678"},
		"0018":               {AnyNumber: "0018"},
		"x":                  {Pinyin: "x"},
		"阿依·":                {Name: "阿依·"},
		"990000195803060018": {AnyNumber: "990000195803060018"},
		"":                   {},
	} {
		var q Query
		if err := q.Understand(text); err != nil || fmt.Sprint(q) != fmt.Sprint(want) {
			t.Errorf("%q: %+v, %v", text, q, err)
		}
	}
	for _, text := range []string{"123", strings.Repeat("王", MaxText+1), "12\xff34"} {
		if err := new(Query).Understand(text); !errors.Is(err, ErrQuery) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestASearchThatCannotBeIsRefused(t *testing.T) {
	w := town(t)
	all := []record.Division{""}
	for name, q := range map[string]Query{
		"three characters of a number":      {Number: "123", Scope: all},
		"three of a telephone":              {Phone: "12-3", Scope: all},
		"a name of blanks":                  {Name: "　 ", Scope: all},
		"pinyin with digits":                {Pinyin: "wang2", Scope: all},
		"a division of letters":             {Divisions: []record.Division{"x"}, Scope: all},
		"a division of 13 digits":           {Divisions: []record.Division{"1304030010010"}, Scope: all},
		"a population that is not for them": {Population: carev1.PopulationCode_POPULATION_CODE_TUBERCULOSIS, Scope: all},
	} {
		if hits, _, err := w.module.Find(t.Context(), w.file, w.residents, q, Place{}, 10); !errors.Is(err, ErrQuery) || len(hits) > 0 {
			t.Errorf("%s: %v, %v", name, hits, err)
		}
	}
	if _, _, err := w.module.Find(t.Context(), w.file, w.residents, Query{Name: "王", Scope: all}, Place{kind: 'p', Ref: 1}, 10); !errors.Is(err, ErrQuery) {
		t.Errorf("the place of another list: %v", err)
	}
	for _, b := range []string{"", "n", "n\xff", "n\x01\x02", "n\xff\xff\xff\xff\x0f\x01\x01"} {
		if _, err := DecodePlace([]byte(b)); !errors.Is(err, ErrQuery) {
			t.Errorf("place %q: %v", b, err)
		}
	}
}

func TestWhoMayNotKnowIsNotToldOfSensitivePopulations(t *testing.T) {
	w := town(t)
	for _, sensitive := range []bool{false, true} {
		hits := w.find(Query{Name: "张明", Scope: []record.Division{""}, Sensitive: sensitive}, 10)
		if len(hits) != 1 || (len(hits[0].Populations) == 1) != sensitive {
			t.Errorf("sensitive %t: %+v", sensitive, hits)
		}
	}
}

func TestAHitSaysWhereAPersonIsAndSinceWhen(t *testing.T) {
	w := town(t)
	for name, want := range map[string]Hit{
		"单雄信": {Status: Dead, Since: 20260228}, "张明": {Status: Away, Since: 20260101}, "吕归": {Status: Here},
	} {
		hits := w.find(Query{Name: name}, 10)
		if len(hits) != 1 || hits[0].Status != want.Status || hits[0].Since != want.Since {
			t.Errorf("%s: %+v", name, hits)
		}
	}
	if h := w.find(Query{Name: "赵旧"}, 10)[0]; len(h.Residents) != 2 || h.Person != h.Residents[0] || fmt.Sprint(h.Divisions) != fmt.Sprint([]record.Division{village, far}) {
		t.Errorf("%+v", h)
	}
}

func TestDivisionsAreKnownByWhatServesThem(t *testing.T) {
	w := town(t)
	id := w.id(care.KindOrganisation)
	w.look(organisation(id, "石桥镇卫生院", "130403001000", "130403007"))
	for text, want := range map[string][]record.Division{
		"130403001001": {village}, "130403000000": {"130403"}, "石桥村": {village}, "石 桥": {"130403001", "130403007"}, "无": nil,
	} {
		if got, err := Divisions(t.Context(), w.file, text); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	w.look(&projection.Person{ID: id, Residents: []record.ID{id}})
	if got, err := Divisions(t.Context(), w.file, "石桥镇"); err != nil || len(got) > 0 {
		t.Errorf("of an organisation that is void: %v, %v", got, err)
	}
	if _, err := Divisions(t.Context(), w.file, " "); !errors.Is(err, ErrQuery) {
		t.Error(err)
	}
}

// The tables are a function of the persons: whatever was looked at before, and however often.
func TestLinksCorrectionsAndVoidsLeaveNothingBehind(t *testing.T) {
	w := newWorld(t)
	a := w.of(&carev1.Resident{Name: "王甲", Phone: "13900000001"}, village)
	b := w.of(&carev1.Resident{Name: "王乙", Phone: "13900000002"}, other)
	w.look(a.person(), b.person())
	if got := w.names(Query{Name: "王"}); got != "王乙 王甲" {
		t.Fatal(got)
	}
	both := w.of(w.forms[a.residents[0]])
	*both = shown{slices.Concat(a.residents, b.residents), slices.Concat(a.entries, b.entries), map[record.ID]projection.Row{}}
	for _, p := range []*shown{a, b} {
		both.rows[p.residents[0]] = p.rows[p.residents[0]]
	}
	w.look(both.person(), both.person())
	if got := w.names(Query{Name: "王"}); got != "王甲" {
		t.Errorf("linked: %s", got)
	}
	if got := w.names(Query{Phone: "0002"}); got != "王甲" {
		t.Errorf("linked, by the second's telephone: %s", got)
	}
	w.look(a.person(), b.person()) // and taken back
	if got := w.names(Query{Phone: "0002"}); got != "王乙" {
		t.Errorf("apart again: %s", got)
	}
	form := &carev1.Resident{Name: "李甲", Phone: "13900000003"}
	w.forms[a.residents[0]], a.entries[0].Form = form, form
	w.look(a.person())
	for q, want := range map[string]string{"王甲": "", "李甲": "李甲"} {
		if got := w.names(Query{Name: q}); got != want {
			t.Errorf("renamed, %s: %s", q, got)
		}
	}
	a.entries[0].Voided = true
	w.look(a.person(), &projection.Person{ID: b.residents[0], Residents: b.residents})
	for _, table := range []string{"persons", "kept", "tokens", "pinyin", "places"} {
		err := w.file.View(t.Context(), func(conn *sqlite.Conn) error {
			return sqlitefile.Query(conn, "SELECT count(*) FROM register_"+table, nil, func(s *sqlite.Stmt) bool {
				if n := s.ColumnInt(0); n != 0 {
					t.Errorf("%d rows are left in %s", n, table)
				}
				return true
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNumbersAreInTheTablesAsKeyedHashesOnly(t *testing.T) {
	w := town(t)
	for _, table := range []string{"persons", "kept", "tokens", "pinyin", "places", "organisations"} {
		err := w.file.View(t.Context(), func(conn *sqlite.Conn) error {
			return sqlitefile.Query(conn, "SELECT * FROM register_"+table, nil, func(s *sqlite.Stmt) bool {
				for i := range s.ColumnCount() {
					for _, secret := range []string{"990000195803060018", "060018", "12345678", "100017"} {
						if strings.Contains(string(sqlitefile.Bytes(s, i)), secret) {
							t.Errorf("%s has a number in clear", table)
						}
					}
				}
				return true
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	foreign := Module{Key: []byte("of another county of tests, 32 b")}
	if hits, _, err := foreign.Find(t.Context(), w.file, w.residents, Query{Number: "0018", Scope: []record.Division{""}, Today: today}, Place{}, 5); err != nil || len(hits) > 0 {
		t.Errorf("under another key: %v, %v", hits, err)
	}
	a, _ := w.module.Settings()
	if b, _ := foreign.Settings(); a == b {
		t.Error("another key would not make the tables anew")
	}
}

// At random, against looking at everybody.
func TestSearchFindsWhatLookingAtEverybodyFinds(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	surnames, given := []rune("王李单曾吕阿"), []rune("明小乐重行丽·a")
	divisions := []record.Division{village, other, far}
	doctors := []string{"zhang", "li", ""}
	var people []*projection.Person
	for range 300 {
		form := func() *carev1.Resident {
			name := string(surnames[rnd.IntN(len(surnames))])
			for range rnd.IntN(4) {
				name += string(given[rnd.IntN(len(given))])
			}
			r := &carev1.Resident{
				Name: name, Sex: carev1.Sex(rnd.IntN(3)), Phone: fmt.Sprintf("139%04d%04d", rnd.IntN(3), rnd.IntN(20)), DoctorId: doctors[rnd.IntN(3)],
				IdentityDocument: card(fmt.Sprintf("99000019%02d010100%02d", rnd.IntN(90)+10, rnd.IntN(90)+10)),
				ArchiveNumber:    fmt.Sprintf("1304030010010%04d", rnd.IntN(30)),
			}
			if rnd.IntN(10) > 0 {
				r.BirthDate = int32(19300101 + rnd.IntN(90)*10000)
			}
			if rnd.IntN(3) == 0 {
				r.Tags = map[string]*carev1.PopulationTag{"a": {Code: carev1.PopulationCode(1 + rnd.IntN(8)), Since: 20200101, Until: int32(rnd.IntN(2) * 20251231)}}
			}
			return r
		}
		p := w.of(form(), divisions[rnd.IntN(3)])
		for rnd.IntN(8) == 0 {
			w.with(p, form(), divisions[rnd.IntN(3)])
		}
		if rnd.IntN(6) == 0 {
			w.event(p, &carev1.VitalEvent{Type: carev1.VitalEventType(1 + rnd.IntN(5)), EventDate: int32(20250101 + rnd.IntN(3)*10000)})
		}
		people = append(people, p.person())
	}
	w.look(people...)
	pick := func(n int) bool { return rnd.IntN(n) == 0 }
	for i := range 250 {
		q := Query{Scope: []record.Division{""}, Sensitive: pick(2), Today: today}
		target := w.forms[people[rnd.IntN(len(people))].ID]
		if pick(2) {
			chars := []rune(target.GetName())
			from := rnd.IntN(len(chars))
			q.Name = string(chars[from:])
			if care.NormaliseName(q.Name) == "" {
				q.Name = ""
			}
		}
		if ways := readings(care.NormaliseName(target.GetName())); pick(3) && len(ways) > 0 {
			all := spellings(ways)
			text := all[rnd.IntN(len(all))]
			q.Pinyin = text[:1+rnd.IntN(len(text))]
		}
		switch rnd.IntN(6) {
		case 0:
			q.Number = target.GetIdentityDocument().GetNumber()[rnd.IntN(15):]
		case 1:
			q.Phone = target.GetPhone()[rnd.IntN(8):]
		case 2:
			q.AnyNumber = target.GetPhone()[7:]
		}
		if pick(3) {
			q.Divisions = []record.Division{divisions[rnd.IntN(3)], divisions[rnd.IntN(3)][:6+3*rnd.IntN(3)]}[:1+rnd.IntN(2)]
		}
		if pick(4) {
			q.Scope = []record.Division{divisions[rnd.IntN(3)][:9], far}[:1+rnd.IntN(2)]
		}
		if pick(4) {
			q.Doctor = doctors[rnd.IntN(3)]
		}
		if pick(4) {
			q.Population = carev1.PopulationCode(1 + rnd.IntN(5))
		}
		if pick(4) {
			q.Sex = carev1.Sex(rnd.IntN(3))
		}
		if pick(4) {
			q.BornFrom, q.BornTo = BornBetween(rnd.IntN(60), rnd.IntN(90)-10, today)
		}
		if pick(4) {
			q.Statuses = []Status{Status(rnd.IntN(3)), Status(rnd.IntN(3))}[:1+rnd.IntN(2)]
		}
		var got, want []string
		for _, h := range w.find(q, 1+rnd.IntN(20)) {
			got = append(got, h.Person.String())
		}
		for _, p := range people {
			if w.oracle(q, p) {
				want = append(want, p.ID.String())
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("query %d %+v: %d found, %d are so", i, q, len(got), len(want))
		}
	}
}

// oracle says of one person whether it is meant, with none of the tables.
func (w *world) oracle(q Query, p *projection.Person) bool {
	person := personOf(p)
	r := person.row(p.ID)
	s := search{ctx: w.t.Context(), query: q, residents: w.residents}
	if err := s.prepare(tokens{w.module.Key}); err != nil {
		w.t.Fatal(err)
	}
	fits, err := s.fits(r)
	return err == nil && fits && s.counts(r) && s.selects(r)
}

func TestAgesAreYearsAsOfADay(t *testing.T) {
	for _, c := range []struct {
		youngest, oldest int
		on, from, to     care.Date
	}{
		{65, -1, 20260301, 0, 19610301},
		{0, 6, 20260301, 20190302, 0},
		{65, 65, 20260301, 19600302, 19610301},
		{1, -1, 20240229, 0, 20230228},
		{0, 0, 20260301, 20250302, 0},
		{0, -1, 20260301, 0, 0},
	} {
		from, to := BornBetween(c.youngest, c.oldest, c.on)
		if from != c.from || to != c.to {
			t.Errorf("%+v: %d, %d", c, from, to)
		}
		for _, born := range []care.Date{19600301, 19600302, 19610228, 19610301, 19610302, 20190301, 20190302, 20230228, 20230301, 20240229} {
			if born > c.on {
				continue
			}
			age := born.AgeOn(c.on)
			in := (from == 0 || born >= from) && (to == 0 || born <= to)
			if in != (age >= c.youngest && (c.oldest < 0 || age <= c.oldest)) {
				t.Errorf("%+v: born %s, aged %d: %t", c, born, age, in)
			}
		}
	}
}

func TestKeysAreReadAsTheyWereWritten(t *testing.T) {
	k := keys{[]int64{1, 1 << 62}, []string{"a", "wangxm"}, []int64{130403001001}}
	got, err := decodeKeys(k.encode())
	if err != nil || fmt.Sprint(got) != fmt.Sprint(k) {
		t.Errorf("%v, %v", got, err)
	}
	b := k.encode()
	for n := range b {
		if _, err := decodeKeys(b[:n]); err == nil && n > 0 {
			t.Errorf("the first %d bytes are keys", n)
		}
	}
}
