// SPDX-License-Identifier: Apache-2.0

package memstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/replica/memstore"
	"github.com/xunzhen/xunzhen/syncengine/replica/storetest"
)

func TestStoreKeepsItsPromises(t *testing.T) {
	storetest.Run(t, func(*testing.T) replica.Store { return memstore.New() })
}

func TestCloneKnowsNothingOfItsOrigin(t *testing.T) {
	s := memstore.New()
	put := func(s *memstore.Store, key string) {
		if err := s.Update(t.Context(), func(tx replica.Tx) error {
			return tx.PutHead(replica.Values, []byte(key), nil)
		}); err != nil {
			t.Fatal(err)
		}
	}
	put(s, "a")
	c := s.Clone()
	put(s, "b")
	put(c, "c")
	put(c, "d")
	if s.Rows(replica.Values) != 2 || c.Rows(replica.Values) != 3 {
		t.Errorf("%d and %d rows, want 2 and 3", s.Rows(replica.Values), c.Rows(replica.Values))
	}
}

func TestKeysOfACloneAreTheSame(t *testing.T) {
	k := memstore.NewKeys(rand.NewChaCha8([32]byte{1}))
	first, err := k.New()
	if err != nil {
		t.Fatal(err)
	}
	c := k.Clone(rand.NewChaCha8([32]byte{2}))
	mine, _ := k.New()
	others, _ := c.New()
	if mine.Public().Equal(others.Public()) {
		t.Error("two clones made one key")
	}
	if first.Public().Equal(mine.Public()) {
		t.Error("a key was made twice")
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, rows := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			s := memstore.New()
			fill := func(from, to int) error {
				return s.Update(b.Context(), func(tx replica.Tx) error {
					for i := from; i < to; i++ {
						if err := tx.PutHead(replica.Bases, fmt.Appendf(nil, "%08d", i*7919%1_000_003), nil); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err := fill(0, rows); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			for i := range b.N {
				if err := fill(i%rows, i%rows+1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
