// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
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
func (n ResidentNumber) BirthDate() Date { return dateIn(string(n[6:14])) }

// Area returns the six digits of the area that gave the number out. It may be one that
// was abolished since, or none at all on permits: no area is wrong.
func (n ResidentNumber) Area() record.Division { return record.Division(n[:6]) }

// Sex returns the sex that the sequence says.
func (n ResidentNumber) Sex() carev1.Sex { return sexOf(n[16]) }

func sexOf(digit byte) carev1.Sex {
	if (digit-'0')%2 == 1 {
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

// dateIn reads a date from digits.
func dateIn(text string) Date {
	d := Date(0)
	for _, r := range text {
		d = d*10 + Date(r-'0')
	}
	return d
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
