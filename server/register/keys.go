// SPDX-License-Identifier: Apache-2.0

package register

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// What a token is made of, first of all: what is looked up.
const (
	ofName        = 'n' // a part of a name
	ofNumber      = 'd' // the number of a document
	ofNumberTail  = 'e' // its end
	ofPhone       = 'p'
	ofPhoneTail   = 'q'
	ofArchive     = 'a'
	ofArchiveTail = 'b'
	ofDoctor      = 'o'
	ofPopulation  = 'g'
	ofStatus      = 's'
)

const (
	// maxPart is the longest part of a name that has a token; longer ones are found by their beginning.
	maxPart = 4
	// maxNamed is how many characters of a name have tokens.
	maxNamed = 24
	// tail is how many characters at the end of a number people know by heart.
	tail = 4
)

// tokens makes tokens under the county's key.
type tokens struct{ key []byte }

// of returns the token of a text.
func (t tokens) of(what byte, text string) int64 {
	h := hmac.New(sha256.New, t.key)
	h.Write([]byte(version))
	h.Write([]byte{what})
	h.Write([]byte(text))
	return int64(binary.BigEndian.Uint64(h.Sum(nil)) >> 1)
}

// keys are under what a person is found.
type keys struct {
	tokens []int64  // sorted
	pinyin []string // sorted
	places []int64  // sorted: divisions of 12 digits
}

// keysOf returns those of a person with these residents.
func (t tokens) keysOf(p person) keys {
	k := keys{places: p.places(), pinyin: p.spellings()}
	add := func(what byte, texts ...string) {
		for _, text := range texts {
			if text != "" {
				k.tokens = append(k.tokens, t.of(what, text))
			}
		}
	}
	for _, r := range p.residents {
		add(ofName, parts(care.NormaliseName(r.GetName()))...)
		add(ofDoctor, r.GetDoctorId())
		number := r.GetIdentityDocument().GetNumber()
		add(ofNumber, care.MatchKey(r.GetIdentityDocument()))
		add(ofNumberTail, ending(care.NormaliseNumber(number)))
		for _, phone := range []string{r.GetPhone(), r.GetContactPerson().GetPhone()} {
			add(ofPhone, digits(phone))
			add(ofPhoneTail, ending(digits(phone)))
		}
		add(ofArchive, care.NormaliseNumber(r.GetArchiveNumber()))
		add(ofArchiveTail, ending(care.NormaliseNumber(r.GetArchiveNumber())))
	}
	for _, tag := range p.tags {
		add(ofPopulation, strconv.Itoa(int(tag.Code)))
	}
	for _, s := range []struct {
		status Status
		on     care.Date
	}{{Dead, p.died}, {Away, p.left}} {
		if s.on != 0 {
			add(ofStatus, strconv.Itoa(int(s.status)))
		}
	}
	slices.Sort(k.tokens)
	k.tokens = slices.Compact(k.tokens)
	return k
}

// parts returns every part of a name that is looked up whole.
func parts(name string) (out []string) {
	chars := []rune(name)
	chars = chars[:min(len(chars), maxNamed)]
	for from := range chars {
		for n := 1; n <= maxPart && from+n <= len(chars); n++ {
			out = append(out, string(chars[from:from+n]))
		}
	}
	return out
}

// ending returns the last characters of a number, "" of one that has no more.
func ending(number string) string {
	if len(number) <= tail {
		return ""
	}
	return number[len(number)-tail:]
}

// digits returns the digits of a telephone number, without the country's own prefix.
func digits(phone string) string {
	text := strings.TrimPrefix(care.NormaliseNumber(phone), "+86")
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

var errKeys = errors.New("register: keys cannot be read")

// encode writes k; decodeKeys reads it: DecodeKeys(k.encode()) is k.
//
//	keys = count | token (8) … | count | length | text … | count | place (uvarint) …    counts and lengths uvarint
func (k keys) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(k.tokens)))
	for _, t := range k.tokens {
		b = binary.BigEndian.AppendUint64(b, uint64(t))
	}
	b = binary.AppendUvarint(b, uint64(len(k.pinyin)))
	for _, text := range k.pinyin {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	b = binary.AppendUvarint(b, uint64(len(k.places)))
	for _, place := range k.places {
		b = binary.AppendUvarint(b, uint64(place))
	}
	return b
}

func decodeKeys(b []byte) (k keys, err error) {
	number := func() int {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<50 {
			err, b = errKeys, nil
			return 0
		}
		b = b[n:]
		return int(v)
	}
	for n := number(); n > 0 && err == nil; n-- {
		if len(b) < 8 {
			return k, errKeys
		}
		k.tokens, b = append(k.tokens, int64(binary.BigEndian.Uint64(b))), b[8:]
	}
	for n := number(); n > 0 && err == nil; n-- {
		length := number()
		if length > len(b) {
			return k, errKeys
		}
		k.pinyin, b = append(k.pinyin, string(b[:length])), b[length:]
	}
	for n := number(); n > 0 && err == nil; n-- {
		k.places = append(k.places, int64(number()))
	}
	return k, err
}

// without returns what k has and other has not.
func (k keys) without(other keys) keys {
	return keys{lacking(k.tokens, other.tokens), lacking(k.pinyin, other.pinyin), lacking(k.places, other.places)}
}

func lacking[T cmp.Ordered](all, from []T) (out []T) {
	for _, v := range all {
		if _, ok := slices.BinarySearch(from, v); !ok {
			out = append(out, v)
		}
	}
	return out
}

// numberOf returns a division of 12 digits as a number; false for one that is none.
func numberOf(d record.Division) (int64, bool) {
	n, err := strconv.ParseInt(string(d), 10, 64)
	return n, err == nil && d.Valid()
}

// rangeOf returns the numbers of all divisions under a prefix, both included.
func rangeOf(prefix record.Division) (from, to int64) {
	zeros, nines := strings.Repeat("0", 12-len(prefix)), strings.Repeat("9", 12-len(prefix))
	from, _ = strconv.ParseInt(string(prefix)+zeros, 10, 64)
	to, _ = strconv.ParseInt(string(prefix)+nines, 10, 64)
	return from, to
}

// Tag says that a person belongs to a population, as one of its residents' records says.
type Tag struct {
	Code         carev1.PopulationCode
	Since, Until care.Date // 0: not said
}

// On reports whether the tag holds on a day.
func (t Tag) On(day care.Date) bool { return t.Since <= day && (t.Until == 0 || day <= t.Until) }
