// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// Reasons why a text is no resident number.
var (
	ErrNumberForm     = errors.New("not 17 digits and a check character")
	ErrNumberDate     = errors.New("birth date is not in the calendar")
	ErrNumberChecksum = errors.New("check character does not fit")
)

// ResidentNumber is a number by GB 11643-1999: 6 digits of the area, 8 of the
// birth date, 3 of a sequence that is odd for men, and a check character. The
// area may be one that was abolished: people keep their numbers.
type ResidentNumber string

// ParseResidentNumber normalises text and returns the resident number it holds,
// or an error that wraps ErrNumberForm, ErrNumberDate or ErrNumberChecksum and
// does not quote the text. Resident cards and the residence permits for people
// from Hong Kong, Macao and Taiwan bear such numbers.
func ParseResidentNumber(text string) (ResidentNumber, error) {
	n := ResidentNumber(NormaliseNumber(text))
	switch {
	case len(n) != 18 || !digits(string(n[:17])) || !digits(string(n[17:])) && n[17] != 'X':
		return "", fmt.Errorf("resident number: %w", ErrNumberForm)
	case !n.BirthDate().Whole():
		return "", fmt.Errorf("resident number: %w", ErrNumberDate)
	case n[17] != checkCharacter(string(n[:17])):
		return "", fmt.Errorf("resident number: %w", ErrNumberChecksum)
	}
	return n, nil
}

// BirthDate returns the date inside the number.
func (n ResidentNumber) BirthDate() Date {
	d := Date(0)
	for _, r := range n[6:14] {
		d = d*10 + Date(r-'0')
	}
	return d
}

// Sex returns the sex that the sequence says.
func (n ResidentNumber) Sex() carev1.Sex {
	if (n[16]-'0')%2 == 1 {
		return carev1.Sex_SEX_MALE
	}
	return carev1.Sex_SEX_FEMALE
}

// String returns the area and stars for the rest: the number names a person.
// Convert to string for the number itself.
func (n ResidentNumber) String() string {
	return string(n[:min(6, len(n))]) + strings.Repeat("*", max(0, len(n)-6))
}

// LogValue keeps the number out of logs.
func (n ResidentNumber) LogValue() slog.Value { return slog.StringValue(n.String()) }

// NormaliseNumber returns text as numbers of documents are compared: full-width
// characters narrow, letters large, blanks and hyphens gone.
func NormaliseNumber(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		switch {
		case r == '-', r == '\u200b', r == '\ufeff', unicode.IsSpace(r):
			return -1
		case r < unicode.MaxASCII:
			return unicode.ToUpper(r)
		}
		return r
	}, text)
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
	if len(n) == 15 && digits(n) {
		long := n[:6] + "19" + n[6:]
		n = long + string(checkCharacter(long))
	}
	if r, err := ParseResidentNumber(n); err == nil {
		return string(r)
	}
	return fmt.Sprintf("%d:%s", d.GetType(), n)
}

// checkCharacter returns the last character of a number from its first 17
// (GB 11643-1999, ISO 7064 MOD 11-2).
func checkCharacter(first17 string) byte {
	const weights, characters = "\x07\x09\x0a\x05\x08\x04\x02\x01\x06\x03\x07\x09\x0a\x05\x08\x04\x02", "10X98765432"
	sum := 0
	for i := range first17 {
		sum += int(first17[i]-'0') * int(weights[i])
	}
	return characters[sum%11]
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
