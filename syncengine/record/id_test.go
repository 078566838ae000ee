// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

func ones() io.Reader { return bytes.NewReader(bytes.Repeat([]byte{0xff}, 64)) }

func TestNewIDCarriesTimeAndKind(t *testing.T) {
	now := time.UnixMilli(0x0102_0304_0506)
	for _, kind := range []Kind{1, 20, 4095} {
		id, err := NewID(kind, now, ones())
		if err != nil || !id.Valid() || id.Kind() != kind {
			t.Errorf("kind %d: %s, %v", kind, id, err)
		}
		if back, err := ParseID(id.String()); err != nil || back != id {
			t.Errorf("ParseID(%s) = %s, %v", id, back, err)
		}
	}
	if id, _ := NewID(20, now, ones()); id.String() != "01020304-0506-7014-bfff-ffffffffffff" {
		t.Errorf("id %s", id)
	}
}

func TestIDsAreOrderedByTime(t *testing.T) {
	var before ID
	for _, at := range []time.Time{
		time.Unix(-5, 0), time.UnixMilli(1), time.UnixMilli(2), time.Unix(1_700_000_000, 0),
		time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC),
	} {
		id, err := NewID(Kind(4000-at.Year()), at, ones())
		if err != nil || bytes.Compare(before[:], id[:]) >= 0 {
			t.Errorf("%s at %s comes after %s, %v", id, at, before, err)
		}
		before = id
	}
}

func TestNewIDRefuses(t *testing.T) {
	for _, kind := range []Kind{0, 4096} {
		if _, err := NewID(kind, time.Time{}, ones()); err == nil {
			t.Errorf("kind %d: accepted", kind)
		}
	}
	if _, err := NewID(1, time.Time{}, bytes.NewReader([]byte{1, 2})); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short randomness: %v", err)
	}
}

func TestDerivedIDIsEverybodys(t *testing.T) {
	a, b := DerivedID(30, []byte("name")), DerivedID(30, []byte("name"))
	if a != b || !a.Valid() || a.Kind() != 30 || a[6]>>4 != 8 {
		t.Errorf("%s and %s", a, b)
	}
	if a == DerivedID(30, []byte("another name")) || a == DerivedID(31, []byte("name")) {
		t.Error("name and kind both count")
	}
	if !a.MadeBy(causal.ReplicaID{7}, [16]byte{}) {
		t.Error("everybody may create a derived id")
	}
}

func TestMadeByTellsTheMaker(t *testing.T) {
	maker, salt := causal.ReplicaID{1, 2, 3}, [16]byte{4, 5, 6}
	id, err := MakeID(20, time.UnixMilli(1_700_000_000_000), maker, salt)
	if err != nil || !id.Valid() || id.Kind() != 20 || id[6]>>4 != 7 {
		t.Fatalf("%s, %v", id, err)
	}
	if !id.MadeBy(maker, salt) {
		t.Error("the maker made it")
	}
	if id.MadeBy(causal.ReplicaID{9}, salt) || id.MadeBy(maker, [16]byte{9}) {
		t.Error("nobody else did, nor with another salt")
	}
}

func TestParseIDRefuses(t *testing.T) {
	good := DerivedID(30, []byte("name")).String()
	for name, s := range map[string]string{
		"nothing":           "",
		"no dashes":         strings.ReplaceAll(good, "-", ""),
		"dashes elsewhere":  "0" + good[:8] + good[9:],
		"upper-case digits": strings.ToUpper(good),
		"no digits":         "zz" + good[2:],
		"version 4":         good[:14] + "4" + good[15:],
		"kind 0":            good[:15] + "000" + good[18:],
		"another variant":   good[:19] + "0" + good[20:],
		"too long":          good + "0",
	} {
		if _, err := ParseID(s); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %q gives %v", name, s, err)
		}
	}
	if (ID{}).Valid() || !(ID{}).IsZero() || (ID{}).Kind() != 0 {
		t.Error("the zero id names no record")
	}
}

func TestDivisions(t *testing.T) {
	for _, c := range []struct {
		division      Division
		valid, prefix bool
	}{
		{"370683101001", true, true},
		{"370683", false, true},
		{"", false, true},
		{"37068310100", false, true},
		{"3706831010011", false, false},
		{"37068310100x", false, false},
		{"３７０６", false, false},
	} {
		if c.division.Valid() != c.valid || c.division.ValidPrefix() != c.prefix {
			t.Errorf("%q: valid %t, prefix %t", c.division, c.division.Valid(), c.division.ValidPrefix())
		}
	}
	village := Division("370683101001")
	if !village.Within("") || !village.Within("370683") || !village.Within(village) || village.Within("370684") || Division("3706").Within(village) {
		t.Error("within is by prefix")
	}
	if village.WithinAny(nil) || !village.WithinAny([]Division{"1", "3706"}) {
		t.Error("within any of them")
	}
}
