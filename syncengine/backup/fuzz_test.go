// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func shardKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, 32)) }

func fuzzedShard() segment.ShardID {
	return segment.ShardOf(shardKey().Public().(ed25519.PublicKey))
}

func sampleRest() syncengine.Snapshot {
	return syncengine.Snapshot{
		ClockMs: 7,
		Acts: []syncengine.Act{
			{Family: syncengine.ActCertificate, Key: []byte("key"), Body: []byte("body")},
			{Family: syncengine.ActFence, Key: []byte{}, Dot: causal.Dot{Counter: 3}, Body: []byte{}},
		},
		Values: []syncengine.NamedValue{{Name: "successors/x", Value: []byte{2}}},
	}
}

// What is decoded is encoded to the same bytes, and nothing makes a decoder stumble.
func FuzzDecode(f *testing.F) {
	shard := fuzzedShard()
	f.Add(encodePart(shard, 5, []syncengine.StoredLeaf{{Leaf: []byte("leaf"), Segment: []byte("segment")}, {Leaf: []byte("gap")}}))
	f.Add(encodeRest(shard, sampleRest()))
	f.Add(encodeKeys(shard, []KeyFile{{"shard.key", []byte("secret")}}))
	f.Add(begin(magicPart, shard))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if leaves, err := decodePart(shard, 5, raw); err == nil {
			if again, err := decodePart(shard, 5, encodePart(shard, 5, leaves)); err != nil || len(again) != len(leaves) {
				t.Errorf("part: %v", err)
			}
		}
		if rest, err := decodeRest(shard, raw); err == nil {
			once := encodeRest(shard, rest)
			again, err := decodeRest(shard, once)
			if err != nil || !bytes.Equal(encodeRest(shard, again), once) {
				t.Errorf("rest: %v", err)
			}
		}
		if files, err := decodeKeys(shard, raw); err == nil {
			if again, err := decodeKeys(shard, encodeKeys(shard, files)); err != nil || len(again) != len(files) {
				t.Errorf("keys: %v", err)
			}
		}
		if m, err := decodeManifest(raw, shard); err == nil && len(m.Parts) == 0 && m.Checkpoint.Size > 0 {
			t.Error("a manifest without its parts")
		}
	})
}

func TestFilesAreReadAsTheyWereWritten(t *testing.T) {
	shard := fuzzedShard()
	want := encodeRest(shard, sampleRest())
	got, err := decodeRest(shard, want)
	if err != nil || !bytes.Equal(encodeRest(shard, got), want) || len(got.Acts) != 2 || got.ClockMs != 7 || string(got.Values[0].Value) != "\x02" {
		t.Errorf("%+v, %v", got, err)
	}
	for n := len(magicRest); n < len(want); n++ {
		if cut, err := decodeRest(shard, want[:n]); err == nil && bytes.Equal(encodeRest(shard, cut), want) {
			t.Errorf("%d of %d bytes say as much as all", n, len(want))
		}
	}
	if _, err := decodeRest(segment.ShardID{1}, want); err == nil {
		t.Error("read for another county")
	}
	if _, err := decodePart(shard, 1, encodePart(shard, 0, nil)); err == nil {
		t.Error("read for another leaf")
	}
}

func TestNamesLeadToNoOtherFolder(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, "/etc/passwd", "c:x"} {
		if plainName(name) {
			t.Errorf("%q is taken", name)
		}
	}
	if !plainName("part-0000000000-0123456789abcdef") {
		t.Error("its own names are not")
	}
}
