// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

var update = flag.Bool("update", false, "write the vectors and the seeds of the fuzz targets anew")

func seeds(t testing.TB) map[string][][]byte {
	out := map[string][][]byte{}
	all := leaves(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out["FuzzDecodeLeaf"] = append(out["FuzzDecodeLeaf"], all[name].Encode())
	}
	for n := range 3 {
		out["FuzzOpenHashed"] = append(out["FuzzOpenHashed"], Hashed(wide(n).Encode()))
	}
	for name, s := range statements(t) {
		target := map[string]string{"acks": "FuzzOpenAcks", "backup mark": "FuzzOpenBackupMark", "checkpoint": "FuzzOpenCheckpoint"}[name]
		out[target] = append(out[target], s.raw)
		if signed, err := segment.DecodeSigned(s.raw); err == nil {
			out[target] = append(out[target], signed.Body)
		}
	}
	text := checkpoint().Text()
	size, root := fmt.Sprintf("\n%d\n", checkpoint().Size), checkpoint().Root.String()
	out["FuzzOpenCheckpoint"] = append(out["FuzzOpenCheckpoint"], []byte(text),
		[]byte(strings.Replace(text, size, "\nseven\n", 1)), []byte(strings.Replace(text, root, "no root", 1)))
	for target, bad := range unreadable() {
		for _, m := range bad {
			raw, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			out[target] = append(out[target], raw)
		}
	}
	return out
}

// unreadable are messages, each with one thing that is out of its limits.
func unreadable() map[string][]proto.Message {
	shard, hash, one := county(), bytes.Repeat([]byte{1}, 32), []*syncv1.VerdictRun{{Verdict: 1, Count: 1}}
	record := changed(1, Admitted).Record
	return map[string][]proto.Message{
		"FuzzDecodeLeaf": {
			&syncv1.Leaf{SegmentHash: hash, Verdicts: []*syncv1.VerdictRun{{Verdict: 15, Count: 1}}},
			&syncv1.Leaf{SegmentHash: hash, Verdicts: []*syncv1.VerdictRun{{Verdict: 1, Count: 1<<32 - 1}}},
			&syncv1.Leaf{SegmentHash: hash, Verdicts: one, Changed: []*syncv1.ChangedVerdict{{
				Record: record[:], Dot: changed(1, Admitted).Dot.Append(nil), Verdict: 15,
			}}},
			&syncv1.Leaf{SegmentHash: hash, Verdicts: one, Changed: []*syncv1.ChangedVerdict{{
				Record: record[:], Dot: make([]byte, 32), Verdict: 1,
			}}},
		},
		"FuzzOpenAcks": {
			&syncv1.AcksBody{Shard: shard[:]},
			&syncv1.AcksBody{Shard: shard[:], Epoch: epochToWire(Epoch{})},
		},
		"FuzzOpenBackupMark": {
			&syncv1.BackupMarkBody{Shard: shard[:], Number: 1},
			&syncv1.BackupMarkBody{Shard: shard[:], Epoch: epochToWire(epoch())},
			&syncv1.BackupMarkBody{Shard: shard[:], Epoch: epochToWire(epoch()), Number: 1, LedgerSize: 1 << 63},
		},
	}
}

// Seeds are files, so that other tools can use them too.
func TestSeedsAreCommitted(t *testing.T) {
	for target, inputs := range seeds(t) {
		dir := filepath.Join("testdata", "fuzz", target)
		for i, input := range inputs {
			if !*update {
				break
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", input)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("seed-%02d", i)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) < len(inputs) {
			t.Errorf("%s: %d of %d seeds: %v; run with -update", target, len(files), len(inputs), err)
		}
	}
}

func known(err error) bool {
	return err == nil || errors.Is(err, ErrUnreadable) || errors.Is(err, segment.ErrSignature)
}

func FuzzDecodeLeaf(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := DecodeLeaf(b)
		if !known(err) {
			t.Fatal(err)
		}
		if err == nil && !bytes.Equal(l.Encode(), b) {
			t.Fatalf("read as %+v", l)
		}
	})
}

// FuzzOpenCheckpoint takes the bytes for a note and for a note's text, signed.
func FuzzOpenCheckpoint(f *testing.F) {
	verifier, err := shardVerifier(key("county").Public())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		signed, _ := note.Sign(&note.Note{Text: string(raw)}, noteSigner{verifier, key("county")})
		for _, b := range [][]byte{raw, signed} {
			c, err := OpenCheckpoint(b, key("county").Public())
			if !known(err) {
				t.Fatal(err)
			}
			if err == nil && !bytes.HasPrefix(b, []byte(c.Text()+"\n")) {
				t.Fatalf("read as %q", c.Text())
			}
		}
	})
}

// FuzzOpenAcks takes the bytes for acks and for the body of acks, signed.
func FuzzOpenAcks(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, b := range [][]byte{raw, segment.SignBody(key("county"), DomainAcks, raw).Encode()} {
			a, err := OpenAcks(b, key("county").Public())
			if !known(err) {
				t.Fatal(err)
			}
			if err != nil {
				continue
			}
			if _, err := SignAcks(a, key("county")); err != nil {
				t.Fatalf("signed again: %v", err)
			}
		}
	})
}

// FuzzOpenBackupMark takes the bytes for a mark and for the body of one, signed.
func FuzzOpenBackupMark(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, b := range [][]byte{raw, segment.SignBody(key("county"), DomainBackup, raw).Encode()} {
			m, err := OpenBackupMark(b, key("county").Public())
			if !known(err) {
				t.Fatal(err)
			}
			if err != nil {
				continue
			}
			if _, err := SignBackupMark(m, key("county")); err != nil {
				t.Fatalf("signed again: %v", err)
			}
		}
	})
}

func TestHostileLeavesCostLittle(t *testing.T) {
	one := appendNumber(appendNumber(nil, 1, 1), 2, 1)
	two := appendNumber(appendNumber(nil, 1, 2), 2, 1)
	hash := appendBytes(nil, 1, bytes.Repeat([]byte{1}, 32))
	some := append(slices.Clone(hash), appendBytes(nil, 4, one)...)
	entry := appendBytes(appendBytes(nil, 1, make([]byte, 16)), 2, bytes.Repeat([]byte{1}, 32))
	for name, b := range map[string][]byte{
		"10^6 runs":                    slices.Concat(hash, bytes.Repeat(appendBytes(appendBytes(nil, 4, one), 4, two), 500_000)),
		"10^6 empty runs":              slices.Concat(hash, bytes.Repeat(appendBytes(nil, 4, nil), 1_000_000)),
		"10^6 empty changed verdicts":  slices.Concat(some, bytes.Repeat(appendBytes(nil, 5, nil), 1_000_000)),
		"10^5 changed verdicts, a bad": slices.Concat(some, bytes.Repeat(appendBytes(nil, 5, appendNumber(entry, 3, 1)), 100_000), []byte{0}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := DecodeLeaf(b); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		allocated := int(after.TotalAlloc - before.TotalAlloc)
		t.Logf("%s in %d KiB: %d KiB allocated", name, len(b)>>10, allocated>>10)
		if allocated > 10*len(b) {
			t.Errorf("%s in %d bytes: %d bytes allocated", name, len(b), allocated)
		}
	}
}
