// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func point(t *testing.T, epoch uint64, size ledger.Size, root byte) []byte {
	t.Helper()
	raw, err := ledger.Sign(ledger.Checkpoint{
		Shard: segment.ShardOf(key("shard").Public()), Epoch: ledger.Epoch{Number: epoch}, Size: size, Root: tlog.Hash{root},
	}, key("shard"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestATestimonyIsReadAsItWasGiven(t *testing.T) {
	given := evidence.Testimony{
		Seen: [][]byte{point(t, 1, 4, 1), point(t, 2, 9, 2)},
		Contradictions: []evidence.Contradiction{
			{Before: point(t, 2, 7, 3), After: point(t, 2, 7, 4)},
			{Before: point(t, 2, 7, 3), After: point(t, 2, 5, 4)},
		},
	}
	got, err := evidence.CheckTestimony(given.Encode(), key("shard").Public())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Seen) != 2 || got.Seen[1].Size != 9 || len(got.Contradictions) != 2 {
		t.Fatalf("%+v", got)
	}
	if !got.Contradictions[0].Proven || got.Contradictions[1].Proven || got.Contradictions[1].After.Size != 5 {
		t.Errorf("%v", got.Contradictions)
	}
	if got, err := evidence.CheckTestimony(evidence.Testimony{}.Encode(), key("shard").Public()); err != nil || len(got.Seen) > 0 {
		t.Errorf("an empty one: %+v, %v", got, err)
	}
}

func TestATestimonyThatTheShardDidNotSignIsNone(t *testing.T) {
	good := evidence.Testimony{
		Seen: [][]byte{point(t, 1, 4, 1)}, Contradictions: []evidence.Contradiction{{Before: point(t, 2, 7, 3), After: point(t, 2, 7, 4)}},
	}.Encode()
	want, err := evidence.CheckTestimony(good, key("shard").Public())
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 4
		got, err := evidence.CheckTestimony(bad, key("shard").Public())
		if err == nil && (len(got.Seen) != len(want.Seen) || len(got.Contradictions) != len(want.Contradictions) || got.Seen[0] != want.Seen[0] || got.Contradictions[0] != want.Contradictions[0]) {
			t.Errorf("byte %d changed, and accepted: %+v", i, got)
		}
	}
	one := evidence.Testimony{Contradictions: []evidence.Contradiction{{Before: point(t, 1, 7, 3), After: point(t, 2, 7, 4)}}}.Encode()
	for name, raw := range map[string][]byte{
		"of two epochs": one,
		"of one":        good[:bytes.Index(good, []byte("=== after"))],
		"no testimony":  []byte("xunzhen"),
		"two befores":   bytes.Replace(good, []byte("=== after"), []byte("=== before"), 1),
	} {
		var f *evidence.Failure
		if _, err := evidence.CheckTestimony(raw, key("shard").Public()); !errors.As(err, &f) || f.Claim != evidence.ClaimFile {
			t.Errorf("%s: %v", name, err)
		}
	}
	var f *evidence.Failure
	if _, err := evidence.CheckTestimony(good, key("thief").Public()); !errors.As(err, &f) || f.Claim != evidence.ClaimCheckpoint {
		t.Errorf("another key: %v", err)
	}
}

func FuzzCheckTestimony(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		var failure *evidence.Failure
		if _, err := evidence.CheckTestimony(raw, key("shard").Public()); err != nil && !errors.As(err, &failure) {
			t.Fatal(err)
		}
	})
}
