// SPDX-License-Identifier: Apache-2.0

package care

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

func residentNo(n int) record.ID {
	id := record.DerivedID(KindResident, nil)
	binary.BigEndian.PutUint32(id[:], uint32(n))
	return id
}

func same(a, b int) Link  { return Link{residentNo(a), residentNo(b), true} }
func apart(a, b int) Link { return Link{residentNo(a), residentNo(b), false} }

// numbers returns the numbers of the residents who are one person with n.
func numbers(p People, n int) (out []int) {
	for _, id := range p.Residents(residentNo(n)) {
		out = append(out, int(binary.BigEndian.Uint32(id[:])))
	}
	return out
}

func TestAPersonIsShownUnderItsSmallestID(t *testing.T) {
	for _, c := range []struct {
		name  string
		links []Link
		of    int
		want  []int
	}{
		{"nobody is linked", nil, 5, []int{5}},
		{"a pair", []Link{same(5, 2)}, 5, []int{2, 5}},
		{"the same link twice, from both sides", []Link{same(5, 2), same(2, 5)}, 2, []int{2, 5}},
		{"a chain whose smallest comes last", []Link{same(9, 7), same(7, 4), same(4, 1)}, 9, []int{1, 4, 7, 9}},
		{"two chains that meet", []Link{same(1, 2), same(3, 4), same(2, 4)}, 4, []int{1, 2, 3, 4}},
		{"a cycle", []Link{same(1, 2), same(2, 3), same(3, 1)}, 3, []int{1, 2, 3}},
		{"a resident linked with itself", []Link{same(3, 3)}, 3, []int{3}},
		{"another person's links", []Link{same(1, 2), same(8, 9)}, 8, []int{8, 9}},
		{"a pair told apart", []Link{apart(1, 2)}, 2, []int{2}},
		{"told apart, and linked over a third", []Link{same(1, 2), same(2, 3), apart(1, 3)}, 3, []int{1, 2, 3}},
	} {
		p := NewPeople(c.links)
		if got := numbers(p, c.of); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got := p.Person(residentNo(c.of)); got != residentNo(c.want[0]) {
			t.Errorf("%s: shown under %s", c.name, got)
		}
	}
}

func TestALinkThatIsTakenBackLeavesWhatOthersSay(t *testing.T) {
	cycle := []Link{same(1, 2), same(2, 3), same(3, 1)}
	if got := numbers(NewPeople(cycle[:2]), 3); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("a cycle without one link: %v", got)
	}
	p := NewPeople(cycle[1:2])
	if !slices.Equal(numbers(p, 1), []int{1}) || !slices.Equal(numbers(p, 3), []int{2, 3}) {
		t.Errorf("without two: %v and %v", numbers(p, 1), numbers(p, 3))
	}
}

func TestWhatIsRuledIsNotAskedAgain(t *testing.T) {
	p := NewPeople([]Link{same(1, 2), same(3, 4), apart(2, 4), same(6, 7)})
	for _, c := range []struct {
		a, b int
		want bool
	}{{1, 2, true}, {2, 4, true}, {4, 2, true}, {1, 3, true}, {5, 6, false}, {1, 6, false}, {8, 9, false}, {8, 8, true}} {
		if got := p.Ruled(residentNo(c.a), residentNo(c.b)); got != c.want {
			t.Errorf("%d and %d: %t", c.a, c.b, got)
		}
	}
}

// A chain is the worst that links can do to the way to the smallest id.
func TestTenThousandResidentsOfOnePersonDoNotHang(t *testing.T) {
	const many = 10000
	var up, down []Link
	for i := range many - 1 {
		up, down = append(up, same(i, i+1)), append(down, same(many-1-i, many-2-i))
	}
	mixed := slices.Clone(up)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	for name, links := range map[string][]Link{"ascending": up, "descending": down, "mixed": mixed} {
		p := NewPeople(links)
		if n := len(p.Residents(residentNo(many / 2))); n != many || p.Person(residentNo(many-1)) != residentNo(0) {
			t.Errorf("%s: %d residents", name, n)
		}
	}
}
