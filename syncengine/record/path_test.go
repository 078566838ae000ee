// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var pathTable = []struct {
	path  Path
	bytes string
	text  string
	steps []Step
}{
	{PathSubject, "\x01\x04", "subject", []Step{{Number: 0}, {Number: 1}}},
	{PathScope, "\x01\x08", "scope", []Step{{Number: 0}, {Number: 2}}},
	{PathLife, "\x01\x0c", "life", []Step{{Number: 0}, {Number: 3}}},
	{Field(0, 4), "\x01\x10", "0.4", []Step{{Number: 0}, {Number: 4}}},
	{Field(1), "\x04", "1", []Step{{Number: 1}}},
	{Field(3, 7), "\x0d\x1c", "3.7", []Step{{Number: 3}, {Number: 7}}},
	{Field(31), "\x7c", "31", []Step{{Number: 31}}},
	{Field(32), "\x80\x01", "32", []Step{{Number: 32}}},
	{Field(32, 1), "\x81\x01\x04", "32.1", []Step{{Number: 32}, {Number: 1}}},
	{Field(1<<29 - 1), "\xfc\xff\xff\xff\x07", "536870911", []Step{{Number: 1<<29 - 1}}},
	{Field(12).Key("metformin"), "\x31\x26metformin", "12[metformin]", []Step{{Number: 12}, {Key: "metformin", IsKey: true}}},
	{Field(12).Key(""), "\x31\x02", `12[""]`, []Step{{Number: 12}, {IsKey: true}}},
	{Field(12).Key("二甲双胍"), "\x31\x32二甲双胍", "12[二甲双胍]", []Step{{Number: 12}, {Key: "二甲双胍", IsKey: true}}},
	{Field(12).Key("-3"), "\x31\x0a-3", "12[-3]", []Step{{Number: 12}, {Key: "-3", IsKey: true}}},
	{Field(12).Key("a].1"), "\x31\x12a].1", `12["a].1"]`, []Step{{Number: 12}, {Key: "a].1", IsKey: true}}},
	{Field(12).Key("line\nbreak"), "\x31\x2aline\nbreak", `12["line\nbreak"]`, []Step{{Number: 12}, {Key: "line\nbreak", IsKey: true}}},
	{Field(12).Key("\xff\x00"), "\x31\x0a\xff\x00", `12["\xff\x00"]`, []Step{{Number: 12}, {Key: "\xff\x00", IsKey: true}}},
	{Field(5).Key("x").Field(2), "\x15\x07x\x08", "5[x].2", []Step{{Number: 5}, {Key: "x", IsKey: true}, {Number: 2}}},
	{Field(1, 2, 3, 4, 5, 6, 7, 8), "\x05\x09\x0d\x11\x15\x19\x1d\x20", "1.2.3.4.5.6.7.8", nil},
}

func TestPaths(t *testing.T) {
	for _, c := range pathTable {
		if string(c.path) != c.bytes {
			t.Errorf("%s: bytes %x, want %x", c.text, string(c.path), c.bytes)
		}
		if got := c.path.String(); got != c.text {
			t.Errorf("%x: text %s, want %s", c.bytes, got, c.text)
		}
		steps, err := c.path.Steps()
		if err != nil || c.steps != nil && !slices.Equal(steps, c.steps) {
			t.Errorf("%s: steps %v, %v", c.text, steps, err)
		}
	}
	if Field(0, 1) != PathSubject || Field(0, 2) != PathScope || Field(0, 3) != PathLife {
		t.Error("the header registers are field 0")
	}
}

var refusedPaths = []struct{ name, bytes string }{
	{"nothing", ""},
	{"a number cut short", "\x80"},
	{"a number longer than it must be", "\x84\x00"},
	{"a number beyond 64 bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"},
	{"more announced, nothing there", "\x05"},
	{"a key cut short", "\x31\x26metformi"},
	{"a key as the first step", "\x06x"},
	{"a key after a key", "\x15\x07x\x06y"},
	{"a key after field 0", "\x01\x06x"},
	{"field 0 alone", "\x00"},
	{"field 0 within a field", "\x05\x00"},
	{"a field beyond 2^29-1", "\x80\x80\x80\x80\x08"},
	{"a key of 2^61 bytes", "\x31\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"},
	{"two paths", "\x04\x04"},
	{"nine steps", "\x05\x09\x0d\x11\x15\x19\x1d\x21\x24"},
	{"ten thousand steps", strings.Repeat("\x05", 9999) + "\x04"},
	{"513 bytes", "\x05\xfa\x0f" + strings.Repeat("k", 510)},
	{"10^6 bytes", "\x05\x82\x92\xf4\x01" + strings.Repeat("k", 1_000_000)},
}

func TestPathsRefused(t *testing.T) {
	for _, c := range refusedPaths {
		if err := Path(c.bytes).Valid(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", c.name, err)
		}
		if steps, err := Path(c.bytes).Steps(); err == nil || steps != nil {
			t.Errorf("%s: has steps", c.name)
		}
		if s := Path(c.bytes).String(); !strings.HasSuffix(s, "?") {
			t.Errorf("%s: text %q", c.name, s)
		}
		Path(c.bytes).Key("k").Field(1).Extends(Path(c.bytes)) // and nothing panics
	}
	if err := Path("\x05\xf6\x0f" + strings.Repeat("k", 509)).Valid(); err != nil {
		t.Errorf("512 bytes are allowed: %v", err)
	}
	for name, p := range map[string]Path{
		"no field": Field(), "field 2^29": Field(1 << 29), "a key of nothing": Path("").Key("x"),
		"a long key": Field(1).Key(strings.Repeat("k", 512)), "nine fields": Field(1, 2, 3, 4, 5, 6, 7, 8, 9),
	} {
		if p.Valid() == nil {
			t.Errorf("%s: built a valid path", name)
		}
	}
}

func TestExtends(t *testing.T) {
	for _, c := range []struct {
		p, q Path
		want bool
	}{
		{Field(3, 7), Field(3), true},
		{Field(3), Field(3, 7), false},
		{Field(3), Field(3), false},
		{Field(3, 7), Field(3, 8), false},
		{Field(3, 7), Field(7), false},
		{Field(32, 1), Field(32), true},
		{Field(33, 1), Field(32), false},
		{Field(3).Key("a"), Field(3), true},
		{Field(3).Key("ab"), Field(3).Key("a"), false},
		{Field(3).Key("a").Field(1), Field(3).Key("a"), true},
		{Field(3).Key("a").Field(1), Field(3).Key("b"), false},
		{Field(3).Key("7"), Field(3, 7), false},
		{Field(0, 1, 5), PathSubject, true},
		{PathSubject, PathScope, false},
		{Field(1, 2, 3), "", false},
		{"", Field(1), false},
	} {
		if got := c.p.Extends(c.q); got != c.want {
			t.Errorf("%s extends %s: %t", c.p, c.q, got)
		}
	}
}

func anyPath() *rapid.Generator[Path] {
	return rapid.Custom(func(t *rapid.T) Path {
		if rapid.IntRange(0, 9).Draw(t, "header") == 0 {
			return rapid.SampledFrom([]Path{PathSubject, PathScope, PathLife, Field(0, 9)}).Draw(t, "register")
		}
		p := Field(anyField(t))
		keyed := false
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			if keyed = !keyed && rapid.Bool().Draw(t, "keyed"); keyed {
				p = p.Key(rapid.StringN(0, 4, 16).Draw(t, "key"))
			} else {
				p = p.Field(anyField(t))
			}
		}
		return p
	})
}

func anyField(t *rapid.T) uint32 {
	if rapid.Bool().Draw(t, "small") {
		return rapid.Uint32Range(1, 4).Draw(t, "field")
	}
	return rapid.Uint32Range(1, 1<<29-1).Draw(t, "field")
}

// Steps and the builders are each other's inverse, a path cut from the front of
// any bytes is itself, and Extends is what the steps say.
func TestPathsFollowTheirSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := anyPath().Draw(t, "p"), anyPath().Draw(t, "q")
		steps, err := p.Steps()
		if err != nil {
			t.Fatal(err)
		}
		var again Path
		for _, s := range steps {
			if s.IsKey {
				again = again.Key(s.Key)
			} else {
				again = again.Field(s.Number)
			}
		}
		if again != p {
			t.Fatalf("%x from the steps of %x", string(again), string(p))
		}
		cut, rest, err := cutPath(string(p + q))
		if err != nil || cut != p || rest != string(q) {
			t.Fatalf("cut %x, %x, %v", string(cut), rest, err)
		}
		qs, _ := q.Steps()
		within := len(qs) < len(steps) && slices.Equal(steps[:len(qs)], qs)
		if p.Extends(q) != within {
			t.Fatalf("%s extends %s: %t", p, q, p.Extends(q))
		}
		if !p.Field(1).Extends(p) {
			t.Fatalf("%s.1 does not extend it", p)
		}
	})
}
