// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// A challenge comes back from anybody: none is taken but the one that was given, for the
// shard that it was given for, once.
func FuzzTakeChallenge(f *testing.F) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	challenges, err := NewChallenges(func() time.Time { return now }, rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	shard, other := segment.ShardID{1}, segment.ShardID{2}
	f.Add([]byte(nil), 0)
	f.Add(make([]byte, challengeSize), 7)
	f.Add([]byte{0xff}, challengeSize*8-1)
	f.Fuzz(func(t *testing.T, raw []byte, bit int) {
		given, err := challenges.New(shard)
		if err != nil {
			t.Fatal(err)
		}
		altered := append([]byte(nil), given...)
		altered[uint(bit)/8%challengeSize] ^= 1 << (uint(bit) % 8)
		for name, err := range map[string]error{
			"any bytes": challenges.Take(shard, raw), "one bit wrong": challenges.Take(shard, altered),
			"for another shard": challenges.Take(other, given), "longer": challenges.Take(shard, append(altered, raw...)),
		} {
			if !errors.Is(err, ErrLogin) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := challenges.Take(shard, given); err != nil {
			t.Errorf("the one that was given: %v", err)
		}
		if err := challenges.Take(shard, given); !errors.Is(err, ErrLogin) {
			t.Errorf("a second time: %v", err)
		}
	})
}
