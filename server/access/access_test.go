// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// saver keeps what was saved.
type saver struct {
	author string
	saves  []syncengine.OfficeSave
	err    error
}

func (s *saver) Save(_ context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error) {
	if s.err == nil {
		s.author, s.saves = author, append(s.saves, saves...)
	}
	return nil, s.err
}

func example() Entry {
	return Entry{
		At: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Who: Operator, Author: "zhao", What: WhatPeople, Purpose: " 电话核查 ",
		Division: "130403001", Period: "2026H1", Rows: 12, Sha256: make([]byte, 32), Person: record.DerivedID(care.KindResident, []byte("a")),
	}
}

func TestAnEntryIsARecordOfTheWholeCountyByItsAuthor(t *testing.T) {
	var s saver
	if err := Log(t.Context(), &s, example()); err != nil {
		t.Fatal(err)
	}
	if s.author != "zhao" || len(s.saves) != 1 || s.saves[0].Kind != care.KindAccessEntry {
		t.Fatalf("%q saved %v", s.author, s.saves)
	}
	state := record.State{}.Apply(record.Revision{
		Dot: causal.Dot{Replica: causal.ReplicaID{1}, Counter: 1}, Record: record.DerivedID(care.KindAccessEntry, nil), Changes: normalised(t, s.saves[0].Changes),
	}, true)
	if at := state.At(record.PathScope); len(at) != 1 || string(at[0].Value.Bytes) != "130403000000" {
		t.Errorf("scope %v: no village may receive it", at)
	}
	m, err := care.Message(care.KindAccessEntry, state.Registers())
	if err != nil {
		t.Fatal(err)
	}
	want := example()
	want.Purpose = strings.TrimSpace(want.Purpose)
	if got := entryOf(m.(*carev1.AccessEntry)); !same(got, want) {
		t.Errorf("read back as %+v, want %+v", got, want)
	}
}

func same(a, b Entry) bool {
	digests := string(a.Sha256) == string(b.Sha256)
	a.Sha256, b.Sha256 = nil, nil
	return digests && a.At.Equal(b.At) && a.form().String() == b.form().String()
}

func normalised(t *testing.T, changes []record.Change) []record.Change {
	t.Helper()
	out, err := record.Normalise(changes)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnEntryThatIsNotWholeIsRefusedAndNothingIsSaved(t *testing.T) {
	for name, spoil := range map[string]func(*Entry){
		"no author":                 func(e *Entry) { e.Author = "" },
		"author of 65 characters":   func(e *Entry) { e.Author = strings.Repeat("a", 65) },
		"no installation":           func(e *Entry) { e.Who = "" },
		"a what that is no code":    func(e *Entry) { e.What = "王某某" },
		"what of 65 characters":     func(e *Entry) { e.What = strings.Repeat("a", 65) },
		"no purpose but blanks":     func(e *Entry) { e.Purpose = "  " },
		"purpose of 201 characters": func(e *Entry) { e.Purpose = strings.Repeat("查", 201) },
		"purpose that is no text":   func(e *Entry) { e.Purpose = "\xff" },
		"division of 5 digits":      func(e *Entry) { e.Division = "13040" },
		"division with a letter":    func(e *Entry) { e.Division = "13040300x" },
		"period of 33 characters":   func(e *Entry) { e.Period = strings.Repeat("2", 33) },
		"fewer rows than none":      func(e *Entry) { e.Rows = -1 },
		"a digest of 31 bytes":      func(e *Entry) { e.Sha256 = make([]byte, 31) },
		"no time":                   func(e *Entry) { e.At = time.Time{} },
	} {
		var s saver
		e := example()
		spoil(&e)
		if err := Log(t.Context(), &s, e); syncengine.ReasonOf(err) != syncengine.ReasonInvalid || len(s.saves) > 0 {
			t.Errorf("%s: %v, saved %d", name, err, len(s.saves))
		}
	}
	for name, change := range map[string]func(*Entry){
		"purpose of 200 characters": func(e *Entry) { e.Purpose = strings.Repeat("查", 200) },
		"shown, so no digest":       func(e *Entry) { e.Sha256 = nil },
		"no rows, no period":        func(e *Entry) { e.Rows, e.Period, e.Person = 0, "", record.ID{} },
		"a village":                 func(e *Entry) { e.Division = "130403001001" },
	} {
		e := example()
		change(&e)
		if err := Log(t.Context(), &saver{}, e); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABookFillsTheCountyInAndPassesFailuresOn(t *testing.T) {
	var s saver
	e := example()
	e.Division = ""
	if err := (Book{&s, "130403"}).Log(t.Context(), e); err != nil || len(s.saves) != 1 {
		t.Fatal(err)
	}
	full := &saver{err: &syncengine.Error{Reason: syncengine.ReasonFull, Doing: "save"}}
	if err := (Book{full, "130403"}).Log(t.Context(), e); syncengine.ReasonOf(err) != syncengine.ReasonFull || !errors.Is(err, full.err) {
		t.Errorf("a full disk: %v", err)
	}
}

func openTables(t testing.TB) *sqlitefile.File {
	t.Helper()
	f, err := sqlitefile.Open(filepath.Join(t.TempDir(), "p.db"), sqlitefile.Schema{
		Name: "test", ApplicationID: 1, Migrations: fstest.MapFS{"0001_test.sql": {Data: []byte(schema)}},
	}, sqlitefile.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func look(t testing.TB, f *sqlitefile.File, people ...*projection.Person) {
	t.Helper()
	err := f.Update(t.Context(), func(conn *sqlite.Conn) error {
		for _, p := range people {
			if err := (Module{}).Look(conn, p, 20260301); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func person(id record.ID, entries ...rules.Entry) *projection.Person {
	return &projection.Person{ID: id, Residents: []record.ID{id}, Rules: rules.NewPerson(id, entries)}
}

func logged(n byte, change func(*Entry)) *projection.Person {
	id := record.DerivedID(care.KindAccessEntry, []byte{n})
	e := example()
	e.At, e.Sha256, e.Person = e.At.Add(time.Duration(n)*time.Hour), nil, record.ID{}
	change(&e)
	return person(id, rules.Entry{ID: id, Kind: care.KindAccessEntry, Subject: id, Form: e.form()})
}

func TestTheLogIsListedTheNewestFirstAndPagedToItsEnd(t *testing.T) {
	f := openTables(t)
	for n := range byte(10) {
		look(t, f, logged(n, func(e *Entry) {
			if n%2 == 1 {
				e.Author, e.What, e.Division = "qian", "export.elderly", "130403002001"
			}
			if n == 4 {
				e.Person = record.DerivedID(care.KindResident, []byte("a"))
			}
		}))
	}
	hour := func(n int) time.Time { return example().At.Add(time.Duration(n) * time.Hour) }
	all := []record.Division{""}
	for name, c := range map[string]struct {
		q    Query
		want string
	}{
		"everything":              {Query{Divisions: all}, "9876543210"},
		"nothing without a scope": {Query{}, ""},
		"one author":              {Query{Divisions: all, Author: "qian"}, "97531"},
		"an author without any":   {Query{Divisions: all, Author: "sun"}, ""},
		"a code":                  {Query{Divisions: all, What: WhatPeople}, "86420"},
		"the beginning of a code": {Query{Divisions: all, What: "export"}, "97531"},
		"part of a word":          {Query{Divisions: all, What: "exp"}, ""},
		"from, included":          {Query{Divisions: all, Since: hour(8)}, "98"},
		"until, included":         {Query{Divisions: all, Until: hour(1)}, "10"},
		"one day's author":        {Query{Divisions: all, Author: "zhao", Since: hour(2), Until: hour(5)}, "42"},
		"a person's page":         {Query{Divisions: all, Person: record.DerivedID(care.KindResident, []byte("a"))}, "4"},
		"a township":              {Query{Divisions: []record.Division{"130403002"}}, "97531"},
	} {
		for limit := 1; limit <= 11; limit += 5 {
			got, at := "", Place{}
			for {
				lines, next, err := List(t.Context(), f, c.q, at, limit)
				if err != nil || len(lines) > limit {
					t.Fatalf("%s: %d lines, %v", name, len(lines), err)
				}
				for _, l := range lines {
					got += string('0' + byte(l.At.Sub(hour(0))/time.Hour))
				}
				if at = next; at == (Place{}) {
					break
				}
			}
			if got != c.want {
				t.Errorf("%s by %d: %q, want %q", name, limit, got, c.want)
			}
		}
	}
}

func TestLookingAgainChangesNothingAndOthersAreLeftAlone(t *testing.T) {
	f := openTables(t)
	one := logged(1, func(*Entry) {})
	resident := record.DerivedID(care.KindResident, nil)
	look(t, f, one, one, person(resident, rules.Entry{ID: resident, Kind: care.KindResident, Subject: resident, Form: &carev1.Resident{}}))
	count := func() int {
		lines, _, err := List(t.Context(), f, Query{Divisions: []record.Division{""}}, Place{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(lines)
	}
	if n := count(); n != 1 {
		t.Errorf("%d lines, want 1", n)
	}
	look(t, f, person(one.ID))
	if n := count(); n != 0 {
		t.Errorf("%d lines of a record that is gone", n)
	}
}
