// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

var update = flag.Bool("update", false, "write the seeds of the fuzz target anew")

// Seeds are files, so that other tools can use them too.
func TestSeedsAreCommitted(t *testing.T) {
	for target, inputs := range map[string][][]byte{"FuzzCheck": seedBodies(t), "FuzzCheckTestimony": seedTestimonies(t)} {
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

// seedTestimonies are whole, cut, and without anything.
func seedTestimonies(t *testing.T) [][]byte {
	whole := evidence.Testimony{
		Seen: [][]byte{point(t, 1, 4, 1)}, Contradictions: []evidence.Contradiction{{Before: point(t, 2, 7, 3), After: point(t, 2, 7, 4)}},
	}.Encode()
	return [][]byte{whole, whole[:len(whole)/2], evidence.Testimony{}.Encode(), []byte("xunzhen testimony 1\n=== seen\n")}
}

// seedBodies are bodies of proofs: whole, cut, and with a byte changed.
func seedBodies(t *testing.T) [][]byte {
	w := newWorld(t)
	whole := w.body()
	changed := bytes.Clone(whole)
	changed[len(changed)/2] ^= 1
	return [][]byte{nil, whole, whole[:len(whole)/2], changed, w.erased()}
}

// FuzzCheck takes the bytes for a file and for the body of a file that the shard signed.
func FuzzCheck(f *testing.F) {
	shard := key("shard")
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, b := range [][]byte{raw, segment.SignBody(shard, evidence.Domain, raw).Encode()} {
			report, err := evidence.Check(b, shard.Public())
			var failure *evidence.Failure
			if err != nil && !errors.As(err, &failure) {
				t.Fatalf("an error that is no failure: %v", err)
			}
			if err == nil && (len(report.Saves) == 0 || len(report.Saves[0].Verdicts) == 0) {
				t.Fatal("accepted, and shows nothing")
			}
		}
	})
}
