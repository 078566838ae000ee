// SPDX-License-Identifier: Apache-2.0

package care

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// GB 11643-1999; the first two numbers are that standard's own examples.
func TestResidentNumbers(t *testing.T) {
	for _, c := range []struct {
		text  string
		birth Date
		sex   carev1.Sex
	}{
		{"11010519491231002X", 19491231, carev1.Sex_SEX_FEMALE},
		{"440524188001010014", 18800101, carev1.Sex_SEX_MALE},
		{"130403195003150016", 19500315, carev1.Sex_SEX_MALE},
		{"130403195003150024", 19500315, carev1.Sex_SEX_FEMALE},
		{" １１０１０５ 1949-1231\u3000002ｘ\n", 19491231, carev1.Sex_SEX_FEMALE},
	} {
		n, err := ParseResidentNumber(c.text)
		if err != nil || n.BirthDate() != c.birth || n.Sex() != c.sex {
			t.Errorf("%q: %v %v (%v)", c.text, n.BirthDate(), n.Sex(), err)
		}
	}
}

func TestResidentNumbersThatAreNone(t *testing.T) {
	for text, want := range map[string]error{
		"":                    ErrNumberForm,
		"11010519491231002":   ErrNumberForm,
		"11010519491231002XX": ErrNumberForm,
		"1101051949123100X2":  ErrNumberForm,
		"11010519491231002Y":  ErrNumberForm,
		"130403195002300016":  ErrNumberDate,
		"130403195013150016":  ErrNumberDate,
		"130403195000150016":  ErrNumberDate,
		"110105194912310021":  ErrNumberChecksum,
		"130403195003150061":  ErrNumberChecksum,
	} {
		if _, err := ParseResidentNumber(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error quotes the number: %v", err)
		}
	}
}

func TestOneSlipNeverPassesTheCheck(t *testing.T) {
	const good = "130403195003150016"
	for i := range good {
		for c := byte('0'); c <= '9'; c++ {
			if c == good[i] {
				continue
			}
			if _, err := ParseResidentNumber(good[:i] + string(c) + good[i+1:]); err == nil {
				t.Errorf("place %d: %c passes", i, c)
			}
		}
		if i > 0 && good[i] != good[i-1] {
			if _, err := ParseResidentNumber(good[:i-1] + string(good[i]) + string(good[i-1]) + good[i+1:]); err == nil {
				t.Errorf("places %d and %d changed over: passes", i-1, i)
			}
		}
	}
}

func TestMatchKeysAreEqualForOneDocument(t *testing.T) {
	doc := func(typ carev1.IdentityType, number string) *carev1.IdentityDocument {
		return &carev1.IdentityDocument{Type: typ, Number: number}
	}
	card, passport := carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, carev1.IdentityType_IDENTITY_TYPE_PASSPORT
	for _, c := range []struct {
		name string
		a, b *carev1.IdentityDocument
		same bool
	}{
		{"small and full-width letters", doc(card, "11010519491231002x"), doc(card, "11010519491231002Ｘ"), true},
		{"the number in the household register", doc(card, "130403195003150016"), doc(carev1.IdentityType_IDENTITY_TYPE_HOUSEHOLD_REGISTER, "130403195003150016"), true},
		{"an old number of 15 digits", doc(card, "130403500315001"), doc(card, "130403195003150016"), true},
		{"two people", doc(card, "130403195003150016"), doc(card, "130403195003150024"), false},
		{"a passport that looks like another document", doc(passport, "E1234567"), doc(carev1.IdentityType_IDENTITY_TYPE_OTHER, "E1234567"), false},
		{"a passport written twice", doc(passport, "e1234567"), doc(passport, "E 123-4567"), true},
	} {
		if a, b := MatchKey(c.a), MatchKey(c.b); a == "" || b == "" || (a == b) != c.same {
			t.Errorf("%s: %q and %q", c.name, a, b)
		}
	}
	for _, none := range []*carev1.IdentityDocument{nil, {}, {Number: " - "}} {
		if key := MatchKey(none); key != "" {
			t.Errorf("no number has the key %q", key)
		}
	}
}

func TestANumberIsNotPrinted(t *testing.T) {
	n, err := ParseResidentNumber("130403195003150016")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("found", "number", n)
	fmt.Fprintf(&out, "%v %s", n, n)
	if strings.Contains(out.String(), "1950") || !strings.Contains(out.String(), "130403************") {
		t.Errorf("%s", out.String())
	}
}
