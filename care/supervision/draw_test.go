// SPDX-License-Identifier: Apache-2.0

package supervision_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	archives = carev1.SupervisionGroup_SUPERVISION_GROUP_ARCHIVE
	electron = carev1.SupervisionGroup_SUPERVISION_GROUP_ELECTRONIC_ARCHIVE
	key      = carev1.SupervisionGroup_SUPERVISION_GROUP_KEY_POPULATION
	pressure = carev1.SupervisionGroup_SUPERVISION_GROUP_HYPERTENSION

	inRound    = carev1.SupervisionUnit_SUPERVISION_UNIT_ROUND
	inTownship = carev1.SupervisionUnit_SUPERVISION_UNIT_TOWNSHIP
	inVillage  = carev1.SupervisionUnit_SUPERVISION_UNIT_VILLAGE
	ofDoctor   = carev1.SupervisionUnit_SUPERVISION_UNIT_DOCTOR
)

var round = supervision.RoundID("130403", "2026Q1")

func person(n int) record.ID {
	return record.DerivedID(16, fmt.Append(nil, n))
}

// villages returns so many people in each of so many villages, every third with hypertension.
func villages(count, each int) []supervision.Candidate {
	var out []supervision.Candidate
	for v := range count {
		for i := range each {
			n := v*each + i
			c := supervision.Candidate{
				ID: person(n), Division: record.Division(fmt.Sprintf("130403001%03d", v+1)), Doctor: fmt.Sprintf("d%d", v),
				Groups: supervision.Groups(0).With(archives).With(electron),
			}
			if n%3 == 0 {
				c.Groups = c.Groups.With(key).With(pressure)
			}
			out = append(out, c)
		}
	}
	return out
}

func plan(rows ...*carev1.SupervisionStratum) *carev1.SupervisionPlan {
	return &carev1.SupervisionPlan{FromOn: 20260101, ToOn: 20260331, Divisions: []string{"130403"}, Strata: rows}
}

func row(group carev1.SupervisionGroup, unit carev1.SupervisionUnit, size int32) *carev1.SupervisionStratum {
	return &carev1.SupervisionStratum{Group: group, Unit: unit, Size: &size}
}

func seedOf(t testing.TB, f supervision.Frame, text string) [32]byte {
	t.Helper()
	s, err := supervision.SeedOfText(round, f.Digest(), text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheVillageRoundDrawsFiveOfEachInEachVillage(t *testing.T) {
	p := supervision.VillageRound(20260101, 20260331, "130403")
	if err := supervision.CheckPlan(p); err != nil || p.GetContactPercent() != 50 {
		t.Fatal(err, p.GetContactPercent())
	}
	f := supervision.NewFrame(round, p, villages(4, 30))
	sample := supervision.Draw(seedOf(t, f, "03 07 12 19 25 31 + 08"), f, p)
	if len(sample) != 4*15 {
		t.Fatalf("%d drawn", len(sample))
	}
	of := map[supervision.Stratum]int{}
	for _, d := range sample {
		of[d.Stratum]++
		if !slices.Contains(f.Strata[d.Stratum], d.ID) {
			t.Errorf("%s is not in %s", d.ID, d.Stratum)
		}
	}
	for s, n := range of {
		if n != 5 {
			t.Errorf("%d of %s", n, s)
		}
	}
	if len(of) != 12 {
		t.Errorf("%d strata", len(of))
	}
}

func TestADrawRepeatedGivesTheSameSample(t *testing.T) {
	p := plan(row(archives, inVillage, 5), row(pressure, inTownship, 7), row(key, ofDoctor, 2), row(electron, inRound, 11))
	rapid.Check(t, func(t *rapid.T) {
		all := villages(rapid.IntRange(1, 6).Draw(t, "villages"), rapid.IntRange(1, 40).Draw(t, "each"))
		shuffled := rapid.Permutation(all).Draw(t, "order")
		f, again := supervision.NewFrame(round, p, all), supervision.NewFrame(round, p, append(shuffled, all[0]))
		if f.Digest() != again.Digest() {
			t.Fatal("the order of candidates, or one that comes twice, is in the digest")
		}
		text := rapid.StringMatching(`[A-Z0-9]{6,20}`).Draw(t, "text")
		one, err := supervision.SeedOfText(round, f.Digest(), text)
		if err != nil {
			t.Fatal(err)
		}
		a, b := supervision.Draw(one, f, p), supervision.Draw(one, again, p)
		if supervision.SampleDigest(a) != supervision.SampleDigest(b) || !slices.Equal(a, b) {
			t.Fatal("two draws, two samples")
		}
		for s, ids := range f.Strata {
			n := 0
			for _, d := range a {
				if d.Stratum == s {
					n++
				}
			}
			if want := min(len(ids), map[carev1.SupervisionGroup]int{archives: 5, pressure: 7, key: 2, electron: 11}[s.Group()]); n != want {
				t.Fatalf("%d of %s, want %d", n, s, want)
			}
		}
	})
}

func TestAGreaterSampleHasTheSmallerOneInIt(t *testing.T) {
	few, more := plan(row(archives, inVillage, 5)), plan(row(archives, inVillage, 9))
	f := supervision.NewFrame(round, few, villages(2, 30))
	s := seedOf(t, f, "2026-03-31 3312.45")
	small, great := supervision.Draw(s, f, few), supervision.Draw(s, f, more)
	for _, d := range small {
		if !slices.Contains(great, d) {
			t.Errorf("%v is lost by drawing more", d)
		}
	}
}

// TestEverybodyIsDrawnAsOften draws by 4,000 seeds and holds how often each was drawn against
// what equal chances give: the sum over people of (seen-expected)²/(expected·(1-share)) is about
// chi-square with one degree less than people, times (n-1)/n since the draw is without replacement.
func TestEverybodyIsDrawnAsOften(t *testing.T) {
	const people, size, seeds = 40, 5, 4000
	p := plan(row(archives, inVillage, size))
	f := supervision.NewFrame(round, p, villages(1, people))
	seen := map[record.ID]int{}
	for i := range seeds {
		for _, d := range supervision.Draw(seedOf(t, f, fmt.Sprintf("draw number %06d", i)), f, p) {
			seen[d.ID]++
		}
	}
	expected, share := float64(seeds*size)/people, float64(size)/people
	sum := 0.0
	for n := range people {
		apart := float64(seen[person(n)]) - expected
		sum += apart * apart / (expected * (1 - share))
	}
	sum *= float64(people-1) / people
	// The 0.1 % and the 99.9 % point of chi-square with 39 degrees: too even would be as odd.
	if sum < 16.27 || sum > 72.05 {
		t.Errorf("chi-square %.1f", sum)
	}
}

func TestAPlaceOfARankSaysNothingAboutTheId(t *testing.T) {
	// Who comes first of two neighbours by id is as often the one as the other.
	const seeds = 4000
	first := 0
	for i := range seeds {
		var seed [32]byte
		binary.BigEndian.PutUint32(seed[:], uint32(i))
		a, b := supervision.Rank(seed, "8/*", person(1)), supervision.Rank(seed, "8/*", person(2))
		if bytes.Compare(a[:], b[:]) < 0 {
			first++
		}
	}
	if first < seeds/2-130 || first > seeds/2+130 { // four standard deviations
		t.Errorf("%d of %d", first, seeds)
	}
}

func TestASeedIsOfItsRoundFrameAndText(t *testing.T) {
	p := plan(row(archives, inVillage, 5))
	f := supervision.NewFrame(round, p, villages(1, 10))
	other := supervision.NewFrame(round, p, villages(1, 11))
	seeds := map[[32]byte]string{}
	for name, make := range map[string]func() ([32]byte, error){
		"text":          func() ([32]byte, error) { return supervision.SeedOfText(round, f.Digest(), "03 07 12 19") },
		"another text":  func() ([32]byte, error) { return supervision.SeedOfText(round, f.Digest(), "03 07 12 20") },
		"another frame": func() ([32]byte, error) { return supervision.SeedOfText(round, other.Digest(), "03 07 12 19") },
		"another round": func() ([32]byte, error) {
			return supervision.SeedOfText(supervision.RoundID("130403", "2026Q2"), f.Digest(), "03 07 12 19")
		},
		"a root": func() ([32]byte, error) {
			return supervision.SeedOfRoot(round, f.Digest(), bytes.Repeat([]byte{7}, 32))
		},
	} {
		s, err := make()
		if err != nil || seeds[s] != "" {
			t.Errorf("%s: %v, as of %s", name, err, seeds[s])
		}
		seeds[s] = name
	}
	typed := seedOf(t, f, "０３　07 \t12  19 ")
	if typed != seedOf(t, f, "03 07 12 19") {
		t.Error("the same numbers typed with other blanks give another seed")
	}
	for _, text := range []string{"", "   ", "1 2 3 4 5", "!!!!!!!!!"} {
		if _, err := supervision.SeedOfText(round, f.Digest(), text); !errors.Is(err, supervision.ErrNoText) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, root := range [][]byte{nil, make([]byte, 31), make([]byte, 33)} {
		if _, err := supervision.SeedOfRoot(round, f.Digest(), root); !errors.Is(err, supervision.ErrNoRoot) {
			t.Errorf("%x: %v", root, err)
		}
	}
}

func TestAnybodyCanRepeatADrawWithAHashAlone(t *testing.T) {
	p := plan(row(archives, inVillage, 3))
	f := supervision.NewFrame(round, p, villages(1, 12))
	var text bytes.Buffer
	if n, err := f.WriteTo(&text); err != nil || n != int64(text.Len()) {
		t.Fatal(n, err)
	}
	if sha256.Sum256(text.Bytes()) != f.Digest() {
		t.Fatal("the digest is not that of the text")
	}
	digest := f.Digest()
	known := slices.Concat([]byte("xunzhen supervision seed 1\n"), round[:], digest[:], []byte{1}, []byte("AB 12 CD 34"))
	seed := sha256.Sum256(known)
	var ids []string
	ranks := map[string][]byte{}
	for _, line := range bytes.Split(bytes.TrimSpace(text.Bytes()), []byte("\n"))[2:] {
		s, id, _ := bytes.Cut(line, []byte("\t"))
		raw, err := record.ParseID(string(id))
		if err != nil {
			t.Fatal(err)
		}
		r := sha256.Sum256(slices.Concat([]byte("xunzhen supervision rank 1\n"), seed[:], []byte{0, byte(len(s))}, s, raw[:]))
		ids, ranks[string(id)] = append(ids, string(id)), r[:]
	}
	slices.SortFunc(ids, func(a, b string) int { return bytes.Compare(ranks[a], ranks[b]) })
	for i, d := range supervision.Draw(seedOf(t, f, "ab 12 cd 34"), f, p) {
		if d.ID.String() != ids[i] {
			t.Errorf("place %d: %s, by hand %s", i, d.ID, ids[i])
		}
	}
}

func TestWhoIsNowhereOrInNobodysChargeIsInNoSuchStratum(t *testing.T) {
	p := plan(row(archives, inVillage, 5), row(archives, inTownship, 5), row(archives, ofDoctor, 5), row(archives, inRound, 5))
	p.Divisions = []string{""}
	groups := supervision.Groups(0).With(archives)
	f := supervision.NewFrame(round, p, []supervision.Candidate{
		{ID: person(1), Groups: groups},
		{ID: person(2), Division: "130403001", Groups: groups},
		{ID: person(3), Division: "130403001001", Doctor: "王\t/x", Groups: groups},
		{ID: person(4), Division: "130403001001", Doctor: "li"},
	})
	want := []supervision.Stratum{"8/*", "8/130403001", "8/130403001001", "8/doctor:%E7%8E%8B%09%2Fx"}
	if got := f.Names(); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	for i, n := range []int{3, 2, 1, 1} {
		if len(f.Strata[want[i]]) != n {
			t.Errorf("%d in %s", len(f.Strata[want[i]]), want[i])
		}
	}
	if u := want[3].Unit(); u != "王\t/x" {
		t.Errorf("%q", u)
	}
	p.Divisions = []string{"130403002"}
	if f := supervision.NewFrame(round, p, villages(1, 5)); f.Lines() != 0 || f.Persons() != 0 {
		t.Error("who lives elsewhere is in it")
	}
}

func TestStrataThatHaveTooFewAreSaid(t *testing.T) {
	p := plan(row(pressure, inVillage, 5), row(archives, inVillage, 5))
	f := supervision.NewFrame(round, p, villages(1, 9))
	if got := supervision.ShortOf(f, p); len(got) != 1 || got[0] != (supervision.Short{"1/130403001001", 3, 5}) {
		t.Errorf("%v", got)
	}
}

func TestAPlanThatCannotBeDrawnByIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*carev1.SupervisionPlan){
		"no period":             func(p *carev1.SupervisionPlan) { p.FromOn = 0 },
		"no day of a calendar":  func(p *carev1.SupervisionPlan) { p.ToOn = 20260231 },
		"ends before it begins": func(p *carev1.SupervisionPlan) { p.ToOn = 20251231 },
		"no division":           func(p *carev1.SupervisionPlan) { p.Divisions = nil },
		"no code":               func(p *carev1.SupervisionPlan) { p.Divisions = []string{"1304x"} },
		"too many divisions":    func(p *carev1.SupervisionPlan) { p.Divisions = make([]string, 401) },
		"no strata":             func(p *carev1.SupervisionPlan) { p.Strata = nil },
		"too many strata":       func(p *carev1.SupervisionPlan) { p.Strata = make([]*carev1.SupervisionStratum, 33) },
		"no group":              func(p *carev1.SupervisionPlan) { p.Strata[0].Group = 0 },
		"unknown group":         func(p *carev1.SupervisionPlan) { p.Strata[0].Group = 31 },
		"no unit":               func(p *carev1.SupervisionPlan) { p.Strata[0].Unit = 0 },
		"nobody drawn":          func(p *carev1.SupervisionPlan) { p.Strata[0].Size = nil },
		"too many drawn":        func(p *carev1.SupervisionPlan) { p.Strata[0].Size = i32(1001) },
		"twice":                 func(p *carev1.SupervisionPlan) { p.Strata = append(p.Strata, row(archives, inVillage, 3)) },
		"more than all":         func(p *carev1.SupervisionPlan) { p.ContactPercent = i32(101) },
	} {
		p := plan(row(archives, inVillage, 5))
		spoil(p)
		if err := supervision.CheckPlan(p); !errors.Is(err, supervision.ErrPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for code, want := range map[string]bool{"2026Q1": true, "spring_2026.v-2": true, "": false, "a b": false, "轮": false, string(make([]byte, 41)): false} {
		if supervision.CheckCode(code) != want {
			t.Errorf("%q", code)
		}
	}
}

func FuzzFrame(f *testing.F) {
	p := plan(row(archives, inVillage, 5), row(key, ofDoctor, 2))
	var b bytes.Buffer
	_, _ = supervision.NewFrame(round, p, villages(2, 4)).WriteTo(&b)
	f.Add(b.Bytes())
	f.Add([]byte(supervision.FrameHead + "\nround\t" + round.String() + "\n"))
	f.Add([]byte(supervision.FrameHead + "\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := supervision.ParseFrame(text)
		if err != nil {
			if !errors.Is(err, supervision.ErrFrame) {
				t.Fatal(err)
			}
			return
		}
		if frame.Digest() != sha256.Sum256(text) {
			t.Fatalf("%q is read as another frame", text)
		}
	})
}

func TestATextThatIsNoFrameIsRefused(t *testing.T) {
	head := supervision.FrameHead + "\nround\t" + round.String() + "\n"
	one, two := "8/*\t"+person(1).String()+"\n", "8/*\t"+person(2).String()+"\n"
	if one > two {
		one, two = two, one
	}
	if _, err := supervision.ParseFrame([]byte(head + one + two)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"another head": "xunzhen sampling frame 2\n", "no round": supervision.FrameHead + "\n" + one, "out of order": head + two + one,
		"twice": head + one + one, "cut off": head + one[:len(one)-1], "no id": head + "8/*\tx\n", "no stratum": head + "x\t" + person(1).String() + "\n",
		"a second round": head + "round\t" + round.String() + "\n", "a return": head + "8/*\r\t" + person(1).String() + "\n",
	} {
		if _, err := supervision.ParseFrame([]byte(text)); !errors.Is(err, supervision.ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
