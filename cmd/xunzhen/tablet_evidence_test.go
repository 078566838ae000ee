// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func TestATabletTellsWhatItSawOfTheLedger(t *testing.T) {
	one, _ := clinic(t)
	one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	file := filepath.Join(t.TempDir(), "seen.txt")
	says(t, one.ok("tablet", "evidence", file), file)
	key := strings.TrimSpace(one.ok("shard"))
	says(t, auditor(t).ok("check", file, "--shard", key), "signed each of these", "epoch 1", "Nothing in it contradicts itself")
	got := decode[testifiedJSON](t, auditor(t).ok("check", file, "--shard", key, "--json"))
	if !got.Holds || len(got.Seen) != 1 || got.Seen[0].Size == 0 || len(got.Contradictions) != 0 {
		t.Errorf("%+v", got)
	}
	one.fails(exitFailed, []string{"is there already"}, "tablet", "evidence", file)
}

func TestAContradictionIsToldInWords(t *testing.T) {
	shard := segment.KeySigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
	point := func(size ledger.Size, root byte) []byte {
		raw, err := ledger.Sign(ledger.Checkpoint{
			Shard: segment.ShardOf(shard.Public()), Epoch: ledger.Epoch{Number: 3}, Size: size, Root: tlog.Hash{root},
		}, shard)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	raw := evidence.Testimony{Contradictions: []evidence.Contradiction{
		{Before: point(9, 1), After: point(9, 2)}, {Before: point(9, 1), After: point(4, 2)},
	}}.Encode()
	file := filepath.Join(t.TempDir(), "seen.txt")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	key := hex.EncodeToString(shard.Public())
	for lang, words := range map[string][]string{
		"en": {"In epoch 3 it signed 9 entries", "later showed 4 entries", "Both cannot be true", "must show that it does"},
		"zh": {"在第 3 纪元，它签署过 9 条", "不可能两者皆真", "须证明其延续"},
	} {
		says(t, auditor(t).ok("check", file, "--shard", key, "--lang", lang), words...)
	}
	if err := os.WriteFile(file, bytes.Replace(raw, []byte("\n9\n"), []byte("\n8\n"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, _ := auditor(t).run("check", file, "--shard", key); status != exitFailed || !strings.Contains(out, "did not sign the state") {
		t.Errorf("status %d:\n%s", status, out)
	}
}
