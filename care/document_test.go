// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"slices"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	card        = carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD
	register    = carev1.IdentityType_IDENTITY_TYPE_HOUSEHOLD_REGISTER
	passport    = carev1.IdentityType_IDENTITY_TYPE_PASSPORT
	birth       = carev1.IdentityType_IDENTITY_TYPE_BIRTH_CERTIFICATE
	permit      = carev1.IdentityType_IDENTITY_TYPE_HONG_KONG_MACAO_TAIWAN_PERMIT
	foreigner   = carev1.IdentityType_IDENTITY_TYPE_FOREIGN_PERMANENT_RESIDENT
	otherPaper  = carev1.IdentityType_IDENTITY_TYPE_OTHER
	male        = carev1.Sex_SEX_MALE
	female      = carev1.Sex_SEX_FEMALE
	unsaid      = carev1.Sex_SEX_UNSPECIFIED
	someMother  = "130403195003150024"
	unknownArea = "000000195003150016"
)

// Country codes of the examples are UTO, Utopia, and 840 or 384; nobody has these numbers.
func TestWhatDocumentsSay(t *testing.T) {
	for _, c := range []struct {
		name  string
		typ   carev1.IdentityType
		text  string
		birth Date
		short bool
		sex   carev1.Sex
		area  record.Division
	}{
		{"the standard's first example", card, "11010519491231002X", 19491231, false, female, "110105"},
		{"the standard's second example, of an abolished area", card, "440524188001010014", 18800101, false, male, "440524"},
		{"odd is male", card, "130403195003150016", 19500315, false, male, "130403"},
		{"even is female", card, "130403195003150024", 19500315, false, female, "130403"},
		{"in the household register", register, "130403195003150016", 19500315, false, male, "130403"},
		{"an area that never was is no error", card, unknownArea, 19500315, false, male, "000000"},
		{"a permit's number noted as a card's", card, "830000198001010018", 19800101, false, male, "830000"},
		{"Hong Kong", permit, "810000198001010030", 19800101, false, male, "81"},
		{"Macao", permit, "820000198001010024", 19800101, false, female, "82"},
		{"Taiwan", permit, "830000198001010018", 19800101, false, male, "83"},
		{"a foreigner since 2023", foreigner, "911840198001010013", 19800101, false, male, "11"},
		{"a foreigner born on a leap day", foreigner, "937384200002290027", 20000229, false, female, "37"},
		{"a foreigner before 2023", foreigner, "uto1100 901231 01", 901231, true, female, "11"},
		{"an old permit of a city, leap day of 2000", foreigner, "UTO370200022911", 229, true, male, "3702"},
		{"a newborn", birth, "Q 130012345", 0, false, unsaid, ""},
		{"a passport", passport, "E1234567", 0, false, unsaid, ""},
		{"a passport whose number looks like another's", passport, "130403195003150017", 0, false, unsaid, ""},
		{"something else", otherPaper, "无编号", 0, false, unsaid, ""},
		{"a type that is not said", 0, "130403195003150017", 0, false, unsaid, ""},
	} {
		d := &carev1.IdentityDocument{Type: c.typ, Number: c.text, MotherNumber: someMother}
		got, err := ReadDocument(d)
		if want := (NumberSays{c.birth, c.short, c.sex, c.area}); err != nil || got != want {
			t.Errorf("%s: %+v (%v), want %+v", c.name, got, err, want)
		}
	}
}

func TestDocumentsThatDoNotFit(t *testing.T) {
	for _, c := range []struct {
		name string
		typ  carev1.IdentityType
		text string
		want error
	}{
		{"nothing", card, "", ErrNoNumber},
		{"blanks", passport, "\u3000-\u200b", ErrNoNumber},
		{"17 characters", card, "13040319500315001", ErrNumberForm},
		{"19 characters", card, "1304031950031500160", ErrNumberForm},
		{"14 digits", card, "13040350031500", ErrNumberForm},
		{"15 characters with a letter", card, "13040350031500X", ErrNumberForm},
		{"15 digits with the 30th of February", card, "130403500230001", ErrNumberDate},
		{"X before the end", card, "1304031950031500X6", ErrNumberForm},
		{"the 32nd of a month", register, "130403195003320016", ErrNumberDate},
		{"a wrong check digit", card, "130403195003150017", ErrNumberChecksum},
		{"X in place of a digit", card, "13040319500315001X", ErrNumberChecksum},
		{"a permit that begins 84", permit, "84000019800101001X", ErrNumberPrefix},
		{"a permit that begins as a card", permit, "130403195003150016", ErrNumberPrefix},
		{"a permit with a wrong check digit", permit, "810000198001010031", ErrNumberChecksum},
		{"a permit of 15 digits", permit, "810000800101003", ErrNumberForm},
		{"a new foreigner's number that begins 8", foreigner, "810000198001010030", ErrNumberPrefix},
		{"a new foreigner's number, check digit", foreigner, "911840198001010014", ErrNumberChecksum},
		{"an old foreigner's number of 14", foreigner, "UTO11009012310", ErrNumberForm},
		{"an old foreigner's number with two letters", foreigner, "UT0110090123101", ErrNumberForm},
		{"an old foreigner's number with a letter too many", foreigner, "UTOA10090123101", ErrNumberForm},
		{"an old foreigner's number, month", foreigner, "UTO110090133101", ErrNumberDate},
		{"an old foreigner's number, check digit", foreigner, "UTO110090123102", ErrNumberChecksum},
	} {
		got, err := ReadDocument(&carev1.IdentityDocument{Type: c.typ, Number: c.text, MotherNumber: someMother})
		if !errors.Is(err, c.want) || got != (NumberSays{}) {
			t.Errorf("%s: %+v (%v), want %v", c.name, got, err, c.want)
		} else if len(c.text) > 6 && strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: the error quotes the number", c.name)
		}
	}
	if _, err := ReadDocument(nil); !errors.Is(err, ErrNoNumber) {
		t.Errorf("no document: %v", err)
	}
	if _, err := ReadDocument(&carev1.IdentityDocument{Type: birth, Number: "Q130012345"}); !errors.Is(err, ErrNoMother) {
		t.Errorf("a newborn without a mother: %v", err)
	}
}

func TestAnOldNumberIsReadAndCalledOld(t *testing.T) {
	got, err := ReadDocument(&carev1.IdentityDocument{Type: card, Number: "130403 500315 001"})
	if want := (NumberSays{19500315, false, male, "130403"}); !errors.Is(err, ErrNumberOld) || got != want {
		t.Errorf("%+v (%v)", got, err)
	}
}

func TestANumberFitsABirth(t *testing.T) {
	for name, c := range map[string]struct {
		says NumberSays
		on   Date
		want bool
	}{
		"the same day":                     {NumberSays{BirthDate: 19500315}, 19500315, true},
		"the day after":                    {NumberSays{BirthDate: 19500315}, 19500316, false},
		"no date in the number":            {NumberSays{}, 19500316, true},
		"two digits of the year":           {NumberSays{BirthDate: 901231, ShortYear: true}, 19901231, true},
		"two digits, a hundred years on":   {NumberSays{BirthDate: 901231, ShortYear: true}, 20901231, true},
		"two digits of another year":       {NumberSays{BirthDate: 901231, ShortYear: true}, 19911231, false},
		"two digits, the leap day of 2000": {NumberSays{BirthDate: 229, ShortYear: true}, 20000229, true},
	} {
		if got := c.says.FitsBirth(c.on); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestNumbersAreNormalised(t *testing.T) {
	const plain = "11010519491231002X"
	for name, text := range map[string]string{
		"full width":             "１１０１０５１９４９１２３１００２Ｘ",
		"small x":                "11010519491231002x",
		"full-width small x":     "11010519491231002ｘ",
		"blanks and tabs":        " 110105\t1949 1231 002X\r\n",
		"ideographic blank":      "110105\u300019491231002X",
		"no-break blanks":        "110105\u00a01949\u202f1231\u2007002X",
		"nothing to be seen":     "\ufeff110105\u200b19491231\u200d002X\u2060\u00ad",
		"turned around by marks": "\u202d11010519491231002X\u202c\u200e",
		"Braille and Hangul":     "110105\u280019491231\u3164002\uffa0X",
		"zero bytes":             "110105\x0019491231002X",
		"hyphens of all kinds":   "110105-1949‐1231–002－X\u2212",
	} {
		if got := NormaliseNumber(text); got != plain {
			t.Errorf("%s: %q", name, got)
		}
	}
	for text, want := range map[string]string{"q１３００１２３４５": "Q130012345", "港澳 1": "港澳1", "é1": "é1", "": ""} {
		if got := NormaliseNumber(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestNamesAreNormalised(t *testing.T) {
	for text, want := range map[string]string{
		"王 　建国\u200b": "王建国",
		"阿依古丽•买买提":    "阿依古丽·买买提",
		"阿依古丽．买买提":    "阿依古丽·买买提",
		"阿依古丽・买买提":    "阿依古丽·买买提",
		"ｍａｒｙ Ann":    "MARYANN",
		"𠮷田":          "𠮷田",
		"":            "",
	} {
		if got := NormaliseName(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestMatchKeysOfATypedNumber(t *testing.T) {
	if got := MatchKeys("13040350 0315001"); !slices.Equal(got, []string{"130403195003150016"}) {
		t.Errorf("an old number: %q", got)
	}
	if got := MatchKeys(" -"); got != nil {
		t.Errorf("nothing: %q", got)
	}
	got := MatchKeys("e1234567")
	for _, typ := range []carev1.IdentityType{card, passport, birth, otherPaper, 0} {
		if key := MatchKey(&carev1.IdentityDocument{Type: typ, Number: "E1234567"}); !slices.Contains(got, key) {
			t.Errorf("%q is not among %q", key, got)
		}
	}
}

func TestOneSlipNamesTheNumbersThatWereMeant(t *testing.T) {
	const meant = "130403195003150016"
	for _, typed := range []string{"130403195003150017", "13040319500315001x", "190403195003150016", "130403195O03150016"[:18]} {
		if got := OneSlip(typed); !slices.Contains(got, ResidentNumber(meant)) {
			t.Errorf("%s: %d numbers, without the one that was meant", typed, len(got))
		} else if len(got) > 18 {
			t.Errorf("%s: %d numbers", typed, len(got))
		}
	}
	for _, none := range []string{meant, "", "13040319500315001", "E1234567", "310403195003150016"[:17] + "x", strings.Repeat("号", 6)} {
		if got := OneSlip(none); slices.Contains(got, ResidentNumber(meant)) {
			t.Errorf("%s leads to a number that differs in more", none)
		}
	}
	if got := OneSlip(meant); got != nil {
		t.Errorf("a good number: %d", len(got))
	}
}
