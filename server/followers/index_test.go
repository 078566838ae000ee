// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// The index is held against plain maps, over many changes of the same few thousand residents.
func TestTheIndexIsWhatMapsWouldBe(t *testing.T) {
	const seed, residents, tags = 7, 3000, 400
	rnd := rand.New(rand.NewPCG(seed, seed))
	x, want := newIndex(), map[record.ID][]tag{}
	id := func(n int) record.ID { return record.ID{0: byte(n >> 8), 15: byte(n)} }
	draw := func() tag { return tag(rnd.IntN(tags)) }
	for range 20_000 {
		who := id(rnd.IntN(residents))
		usual := [2]tag{draw(), draw()}
		var slips []tag
		for range rnd.IntN(20) / 18 * rnd.IntN(18) {
			slips = append(slips, draw())
		}
		x.put(who, usual, slips)
		want[who] = append(slices.Clone(usual[:]), slips...)
	}
	for v := range tag(tags) {
		var bearers []record.ID
		for who, has := range want {
			for _, one := range has {
				if v != 0 && one == v {
					bearers = append(bearers, who)
				}
			}
		}
		slices.SortFunc(bearers, record.ID.Compare)
		if got := x.bearers(v, residents); !slices.Equal(got, bearers) {
			t.Fatalf("seed %d: tag %d: %d residents, want %d", seed, v, len(got), len(bearers))
		}
		if got := x.bearers(v, 3); len(got) != min(3, len(bearers)) {
			t.Errorf("seed %d: tag %d: %d residents of at most 3", seed, v, len(got))
		}
	}
}

func TestTagsAreKeyed(t *testing.T) {
	const number = "130403195003150016"
	one, other := newTagger([]byte("one key of thirty-two bytes, yes")), newTagger([]byte("another of thirty-two bytes, yes"))
	a := one.tag(tagNumber, number)
	if a != one.tag(tagNumber, number) || a == 0 {
		t.Error("a tag is not a function of key and text")
	}
	if a == other.tag(tagNumber, number) || a == one.tag(tagSlip, number) || a == one.tag(tagNumber, number+"\x00") {
		t.Error("tags of other keys, meanings or texts are the same")
	}
	if one.tag(tagNumber, "") != 0 {
		t.Error("nothing has a tag")
	}
}
