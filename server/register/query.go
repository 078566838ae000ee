// SPDX-License-Identifier: Apache-2.0

package register

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// ErrQuery is wrapped when a query cannot be.
var ErrQuery = errors.New("not a search")

// MaxText is the longest text that is looked for, in characters.
const MaxText = 64

// Understand sorts out what a person typed into one field: a part of a name, pinyin, or a number of any kind. Error: ErrQuery.
func (q *Query) Understand(text string) error {
	text = strings.TrimSpace(text)
	plain := care.NormaliseNumber(text)
	switch {
	case text == "":
	case strings.Trim(plain, "0123456789X") == "" && strings.ContainsAny(plain, "0123456789"), strings.HasPrefix(plain, "+86"):
		q.AnyNumber = text
	default:
		if _, ok := foldPinyin(text); ok {
			q.Pinyin = text
		} else {
			q.Name = text
		}
	}
	return q.check()
}

// check refuses texts that are too long or say too little.
func (q Query) check() error {
	for _, text := range []string{q.Name, q.Pinyin, q.Number, q.Phone, q.ArchiveNumber, q.AnyNumber, q.Doctor} {
		if utf8.RuneCountInString(text) > MaxText || !utf8.ValidString(text) {
			return fmt.Errorf("%w: a text of more than %d characters", ErrQuery, MaxText)
		}
	}
	for _, text := range []string{q.Number, q.ArchiveNumber, q.AnyNumber} {
		if text != "" && len(care.NormaliseNumber(text)) < tail {
			return fmt.Errorf("%w: of a number at least %d characters", ErrQuery, tail)
		}
	}
	switch {
	case q.Phone != "" && len(digits(q.Phone)) < tail:
		return fmt.Errorf("%w: of a number at least %d characters", ErrQuery, tail)
	case q.Name != "" && care.NormaliseName(q.Name) == "":
		return fmt.Errorf("%w: a name without characters", ErrQuery)
	case sensitivePopulation(q.Population) && !q.Sensitive:
		return fmt.Errorf("%w: that population is not for the caller", ErrQuery)
	}
	for _, d := range slices.Concat(q.Divisions, q.Scope) {
		if !d.ValidPrefix() {
			return fmt.Errorf("%w: a division", ErrQuery)
		}
	}
	return nil
}

// number is a number that is looked for: whether a resident's form has it.
type number struct{ of func(*carev1.Resident) bool }

// prepare reads the query and lists where its candidates can come from, what usually says most first.
func (s *search) prepare(t tokens) error {
	q := s.query
	if err := q.check(); err != nil {
		return err
	}
	s.name = care.NormaliseName(q.Name)
	if q.Pinyin != "" {
		var ok bool
		if s.pinyin, ok = foldPinyin(q.Pinyin); !ok {
			return fmt.Errorf("%w: pinyin has letters only", ErrQuery)
		}
	}
	s.numbersOf(t)
	if q.Doctor != "" {
		s.add(tokenSource('o', t.of(ofDoctor, q.Doctor)))
	}
	if s.name != "" {
		chars := []rune(s.name)
		s.add(tokenSource('n', t.of(ofName, string(chars[:min(len(chars), maxPart)]))))
	}
	if s.pinyin != "" {
		s.add(pinyinSource(s.pinyin))
	}
	if q.Population != 0 {
		s.add(tokenSource('g', t.of(ofPopulation, strconv.Itoa(int(q.Population)))))
	}
	if gone := slices.DeleteFunc(slices.Clone(q.Statuses), func(st Status) bool { return st == Here }); len(gone) == len(q.Statuses) && len(gone) > 0 {
		var of []int64
		for _, st := range gone {
			of = append(of, t.of(ofStatus, strconv.Itoa(int(st))))
		}
		s.add(tokenSource('s', of...))
	}
	if len(q.Divisions) > 0 {
		s.add(placeSource('d', q.Divisions))
	}
	if !slices.Contains(q.Scope, "") && len(q.Scope) > 0 {
		s.add(placeSource('c', q.Scope))
	}
	if q.BornFrom != 0 || q.BornTo != 0 {
		s.add(birthSource(q.BornFrom, q.BornTo))
	}
	s.add(everybody())
	return nil
}

func (s *search) add(one source) { s.sources = append(s.sources, one) }

// numbersOf takes in the numbers of a query. Each is looked for by its whole and by its end, and then compared.
func (s *search) numbersOf(t tokens) {
	q := s.query
	put := func(kind byte, alternatives []int64, of func(*carev1.Resident) bool) {
		s.numbers = append(s.numbers, number{of})
		s.add(tokenSource(kind, alternatives...))
	}
	if n := care.NormaliseNumber(q.Number); n != "" {
		put('i', t.document(n), func(r *carev1.Resident) bool { return hasDocument(r, n) })
	}
	if n := digits(q.Phone); n != "" {
		put('f', t.phone(n), func(r *carev1.Resident) bool { return hasPhone(r, n) })
	}
	if n := care.NormaliseNumber(q.ArchiveNumber); n != "" {
		put('h', t.archive(n), func(r *carev1.Resident) bool { return hasArchive(r, n) })
	}
	if n := care.NormaliseNumber(q.AnyNumber); n != "" {
		phone := digits(n)
		alternatives := slices.Concat(t.document(n), t.archive(n))
		if len(phone) >= tail {
			alternatives = append(alternatives, t.phone(phone)...)
		}
		put('x', alternatives, func(r *carev1.Resident) bool {
			return hasDocument(r, n) || hasArchive(r, n) || len(phone) >= tail && hasPhone(r, phone)
		})
	}
}

func (t tokens) document(n string) (out []int64) {
	for _, key := range care.MatchKeys(n) {
		out = append(out, t.of(ofNumber, key))
	}
	return append(out, t.of(ofNumberTail, n[len(n)-tail:]))
}

func (t tokens) phone(n string) []int64 {
	return []int64{t.of(ofPhone, n), t.of(ofPhoneTail, n[len(n)-tail:])}
}

func (t tokens) archive(n string) []int64 {
	return []int64{t.of(ofArchive, n), t.of(ofArchiveTail, n[len(n)-tail:])}
}

func hasDocument(r *carev1.Resident, n string) bool {
	key := care.MatchKey(r.GetIdentityDocument())
	return key != "" && (slices.Contains(care.MatchKeys(n), key) || strings.HasSuffix(care.NormaliseNumber(r.GetIdentityDocument().GetNumber()), n))
}

func hasPhone(r *carev1.Resident, n string) bool {
	return strings.HasSuffix(digits(r.GetPhone()), n) || strings.HasSuffix(digits(r.GetContactPerson().GetPhone()), n)
}

func hasArchive(r *carev1.Resident, n string) bool {
	return strings.HasSuffix(care.NormaliseNumber(r.GetArchiveNumber()), n)
}

// BornBetween returns the first and last days of birth of those who are at least youngest and at most oldest years old
// on a day, which must be whole; youngest 0 and oldest below 0 are no bounds, and give 0.
func BornBetween(youngest, oldest int, on care.Date) (from, to care.Date) {
	if youngest > 0 {
		to = yearsBefore(on, youngest)
	}
	if oldest >= 0 {
		from = yearsBefore(on, oldest+1).AddDays(1)
	}
	return from, to
}

// yearsBefore returns the last day on which somebody was born who is so many years old on a day. Before the first of
// March that can be the 28th of February of a year that has no 29th.
func yearsBefore(on care.Date, years int) care.Date {
	d := on - care.Date(years*10000)
	for !d.Whole() { // 29 February
		d--
	}
	return d
}
