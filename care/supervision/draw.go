// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// What begins the texts that are hashed, so that none is taken for another.
const (
	seedDomain = "xunzhen supervision seed 1\n"
	rankDomain = "xunzhen supervision rank 1\n"
)

// Why a seed cannot be made.
var (
	// ErrNoText says that nothing is left of a public text when it is normalised, or too little.
	ErrNoText = errors.New("the public text has fewer than 6 letters and digits")
	// ErrNoRoot says that the root of the ledger is not 32 bytes.
	ErrNoRoot = errors.New("no root of a ledger")
)

// PublicText returns a text as it is hashed: full-width characters narrow, blanks of all kinds as
// one, none at the ends, small letters large; so that who types it again has the same.
func PublicText(text string) string {
	narrow := strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			r = r - '！' + '!'
		case unicode.IsSpace(r) || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
			return ' '
		}
		return unicode.ToUpper(r)
	}, text)
	return strings.Join(strings.Fields(narrow), " ")
}

// minText is how many letters and digits a public text has at least: a lottery's numbers have
// more, and of fewer anybody could try all.
const minText = 6

// SeedOfText returns the seed that a public text gives a round:
//
//	SHA-256("xunzhen supervision seed 1\n" ‖ round (16) ‖ digest of the frame (32) ‖ 1 ‖ PublicText(text))
//
// An error wraps ErrNoText.
func SeedOfText(round record.ID, frame [32]byte, text string) ([32]byte, error) {
	text = PublicText(text)
	count := 0
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			count++
		}
	}
	if count < minText {
		return [32]byte{}, ErrNoText
	}
	return seed(round, frame, carev1.SeedMethod_SEED_METHOD_PUBLIC_TEXT, []byte(text)), nil
}

// SeedOfRoot returns the seed that the root of the ledger gives a round: as SeedOfText, with 2
// and the root. An error wraps ErrNoRoot.
func SeedOfRoot(round record.ID, frame [32]byte, root []byte) ([32]byte, error) {
	if len(root) != sha256.Size {
		return [32]byte{}, ErrNoRoot
	}
	return seed(round, frame, carev1.SeedMethod_SEED_METHOD_LEDGER, root), nil
}

func seed(round record.ID, frame [32]byte, method carev1.SeedMethod, known []byte) [32]byte {
	return sha256.Sum256(slices.Concat([]byte(seedDomain), round[:], frame[:], []byte{byte(method)}, known))
}

// Rank returns by what somebody is drawn: the smallest of a stratum are.
//
//	SHA-256("xunzhen supervision rank 1\n" ‖ seed (32) ‖ length of the stratum (2, big-endian) ‖ stratum ‖ id (16))
func Rank(seed [32]byte, s Stratum, id record.ID) [32]byte {
	b := append([]byte(rankDomain), seed[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	b = append(b, s...)
	return sha256.Sum256(append(b, id[:]...))
}

// Drawn is one of a sample.
type Drawn struct {
	Stratum Stratum
	ID      record.ID
	Rank    [32]byte
}

// Draw returns the sample: of each stratum so many with the smallest ranks as the plan says, all
// where there are not more; ascending by stratum, then by rank. It is the same for everybody who
// has seed, frame and plan. Where the plan says two sizes of one stratum, the greater holds.
func Draw(seed [32]byte, f Frame, plan *carev1.SupervisionPlan) []Drawn {
	var out []Drawn
	for _, s := range f.Names() {
		ranked := make([]Drawn, len(f.Strata[s]))
		for i, id := range f.Strata[s] {
			ranked[i] = Drawn{s, id, Rank(seed, s, id)}
		}
		slices.SortFunc(ranked, func(a, b Drawn) int {
			return cmp.Or(bytes.Compare(a.Rank[:], b.Rank[:]), record.ID.Compare(a.ID, b.ID))
		})
		out = append(out, ranked[:min(len(ranked), sizeOf(plan, s))]...)
	}
	return out
}

// sizeOf returns how many are drawn of a stratum.
func sizeOf(plan *carev1.SupervisionPlan, s Stratum) int {
	size := 0
	for _, row := range plan.GetStrata() {
		if row.GetGroup() == s.Group() && row.GetUnit() == s.level() {
			size = max(size, int(row.GetSize()))
		}
	}
	return size
}

// level returns what kind of unit a stratum has.
func (s Stratum) level() carev1.SupervisionUnit {
	_, unit, _ := strings.Cut(string(s), "/")
	switch {
	case unit == "*":
		return carev1.SupervisionUnit_SUPERVISION_UNIT_ROUND
	case strings.HasPrefix(unit, doctorUnit):
		return carev1.SupervisionUnit_SUPERVISION_UNIT_DOCTOR
	case len(unit) == 9:
		return carev1.SupervisionUnit_SUPERVISION_UNIT_TOWNSHIP
	case len(unit) == 12:
		return carev1.SupervisionUnit_SUPERVISION_UNIT_VILLAGE
	}
	return 0
}

// Short is a stratum that has fewer people than are to be drawn.
type Short struct {
	Stratum   Stratum
	Has, Size int
}

// ShortOf returns the strata that have fewer people than are to be drawn, in their order.
func ShortOf(f Frame, plan *carev1.SupervisionPlan) []Short {
	var out []Short
	for _, s := range f.Names() {
		if has, size := len(f.Strata[s]), sizeOf(plan, s); has < size {
			out = append(out, Short{s, has, size})
		}
	}
	return out
}

// SampleDigest returns SHA-256 of a sample's text: a line "stratum TAB id LF" for each, in the
// order of Draw.
func SampleDigest(sample []Drawn) [32]byte {
	h := sha256.New()
	for _, d := range sample {
		fmt.Fprintf(h, "%s\t%s\n", d.Stratum, d.ID)
	}
	return [32]byte(h.Sum(nil))
}
