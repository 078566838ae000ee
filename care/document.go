// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// More reasons why a number does not fit its document.
var (
	ErrNoNumber     = errors.New("no number is given")
	ErrNumberOld    = errors.New("15 digits: void since 2013")
	ErrNumberPrefix = errors.New("does not begin as numbers of this document do")
	ErrNoMother     = errors.New("a certificate of birth wants the mother's number")
)

// NumberSays is what the number of a document says about who bears it. What it does not
// say is zero.
type NumberSays struct {
	// BirthDate is the date of birth. When ShortYear is set, the number has two digits of
	// the year only: then BirthDate is yymmdd.
	BirthDate Date
	ShortYear bool
	Sex       carev1.Sex
	// Area is what gave the number out: a province at least, as a prefix of divisions. It
	// may have been abolished since, which is no error.
	Area record.Division
}

// FitsBirth reports whether who was born on d may bear the number: always, when it says
// nothing about that.
func (s NumberSays) FitsBirth(d Date) bool {
	if s.ShortYear {
		return s.BirthDate == d%1000000
	}
	return s.BirthDate == 0 || s.BirthDate == d
}

// ReadDocument returns what the number of a document says. An error wraps one of the
// Err values of this package about numbers and does not quote it; with ErrNumberOld the
// rest is what the number of 15 digits says, with all others it is zero.
//
//	resident card, household register   GB 11643-1999, 18 characters        [K]
//	permit for Hong Kong, Macao, Taiwan the same, beginning 81, 82, 83      [K]
//	foreigner's permanent residence     9 pp ccc yyyymmdd sss c (2023): province, country, birth,
//	                                    sequence, check as GB 11643; or AAA dddd yymmdd s c (before):
//	                                    country, area, birth, sequence, check of weights 7 3 1  [K]
//	certificate of birth                only normalised; the mother's number must be there [K]
//	all others                          only normalised
func ReadDocument(d *carev1.IdentityDocument) (NumberSays, error) {
	n := NormaliseNumber(d.GetNumber())
	if n == "" {
		return NumberSays{}, ErrNoNumber
	}
	switch d.GetType() {
	case carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, carev1.IdentityType_IDENTITY_TYPE_HOUSEHOLD_REGISTER:
		return readResident(n)
	case carev1.IdentityType_IDENTITY_TYPE_HONG_KONG_MACAO_TAIWAN_PERMIT:
		return readPermit(n)
	case carev1.IdentityType_IDENTITY_TYPE_FOREIGN_PERMANENT_RESIDENT:
		return readForeigner(n)
	case carev1.IdentityType_IDENTITY_TYPE_BIRTH_CERTIFICATE:
		if NormaliseNumber(d.GetMotherNumber()) == "" {
			return NumberSays{}, ErrNoMother
		}
	}
	return NumberSays{}, nil
}

func readResident(n string) (NumberSays, error) {
	long, old := from15(n)
	r, err := ParseResidentNumber(long)
	if err != nil {
		return NumberSays{}, err
	}
	if old {
		err = fmt.Errorf("resident number: %w", ErrNumberOld)
	}
	return NumberSays{BirthDate: r.BirthDate(), Sex: r.Sex(), Area: r.Area()}, err
}

// from15 returns the 18 characters that a number of 15 digits, given out until 1999, became,
// and whether n is one; else n.
func from15(n string) (long string, old bool) {
	if len(n) != 15 || !digits(n) {
		return n, false
	}
	long = n[:6] + "19" + n[6:]
	return long + string(checkCharacter(long)), true
}

// Where the numbers of residents of Hong Kong, Macao and Taiwan begin.
var permitAreas = [...]string{"81", "82", "83"}

func readPermit(n string) (NumberSays, error) {
	r, err := ParseResidentNumber(n)
	if err != nil {
		return NumberSays{}, err
	}
	for _, area := range permitAreas {
		if strings.HasPrefix(string(r), area) {
			return NumberSays{BirthDate: r.BirthDate(), Sex: r.Sex(), Area: record.Division(area)}, nil
		}
	}
	return NumberSays{}, fmt.Errorf("residence permit: %w", ErrNumberPrefix)
}

func readForeigner(n string) (NumberSays, error) {
	if len(n) == 15 {
		return readForeigner15(n)
	}
	r, err := ParseResidentNumber(n)
	if err != nil {
		return NumberSays{}, err
	}
	if r[0] != '9' {
		return NumberSays{}, fmt.Errorf("foreigner's permit: %w", ErrNumberPrefix)
	}
	return NumberSays{BirthDate: r.BirthDate(), Sex: r.Sex(), Area: record.Division(r[1:3])}, nil
}

// readForeigner15 reads the number of a permit from before 2023.
func readForeigner15(n string) (NumberSays, error) {
	birth := n[7:13]
	switch {
	case !letters(n[:3]) || !digits(n[3:]):
		return NumberSays{}, fmt.Errorf("foreigner's permit: %w", ErrNumberForm)
	case !dateIn("19"+birth).Whole() && !dateIn("20"+birth).Whole():
		return NumberSays{}, fmt.Errorf("foreigner's permit: %w", ErrNumberDate)
	case n[14] != check731(n[:14]):
		return NumberSays{}, fmt.Errorf("foreigner's permit: %w", ErrNumberChecksum)
	}
	return NumberSays{BirthDate: dateIn(birth), ShortYear: true, Sex: sexOf(n[13]), Area: record.Division(strings.TrimSuffix(n[3:7], "00"))}, nil
}

// check731 returns the check digit of travel documents (ICAO 9303): weights 7, 3, 1 over
// digits and letters from A = 10, modulo 10.
func check731(s string) byte {
	sum := 0
	for i := range s {
		value := int(s[i] - '0')
		if s[i] >= 'A' {
			value = int(s[i]-'A') + 10
		}
		sum += value * [...]int{7, 3, 1}[i%3]
	}
	return byte('0' + sum%10)
}

func letters(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// MatchKey returns the text by which two residents are found to bear the same
// document, or "" where there is no number. A resident number is its own key,
// whatever document it was read from; one of 15 digits, void since 2013 but
// common in old archives, has the key of the 18 it became. Other documents have
// their type in the key.
func MatchKey(d *carev1.IdentityDocument) string {
	n := NormaliseNumber(d.GetNumber())
	if n == "" {
		return ""
	}
	long, _ := from15(n)
	if r, err := ParseResidentNumber(long); err == nil {
		return string(r)
	}
	return fmt.Sprintf("%d:%s", d.GetType(), n)
}

// MatchKeys returns the keys that a number can have that was typed without saying of
// which document: one where it is a resident number, else one a type; none for no number.
func MatchKeys(number string) []string {
	var out []string
	for _, t := range slices.Sorted(maps.Keys(carev1.IdentityType_name)) {
		key := MatchKey(&carev1.IdentityDocument{Type: carev1.IdentityType(t), Number: number})
		if key != "" && (len(out) == 0 || key != out[0]) {
			out = append(out, key)
		}
	}
	return out
}

// OneSlip returns the resident numbers that differ from text, once normalised, in one
// character, ascending by its place. There are none where text is a resident number itself or
// has not 18 characters: no slip of one character leads from one such number to another.
func OneSlip(text string) []ResidentNumber {
	n := NormaliseNumber(text)
	if _, err := ParseResidentNumber(n); err == nil || len(n) != 18 {
		return nil
	}
	var out []ResidentNumber
	for i := range n {
		for _, c := range "0123456789X" {
			if r, err := ParseResidentNumber(n[:i] + string(c) + n[i+1:]); err == nil {
				out = append(out, r)
			}
		}
	}
	return out
}
