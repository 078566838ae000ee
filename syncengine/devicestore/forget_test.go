// SPDX-License-Identifier: Apache-2.0

package devicestore_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// plain seals nothing, so that the test can find what is on the disk.
type plain struct{}

func (plain) SealRow(_, body []byte) ([]byte, error) { return bytes.Clone(body), nil }
func (plain) OpenRow(_, body []byte) ([]byte, error) { return bytes.Clone(body), nil }

func TestWhatWasOverwrittenIsOnTheDeviceNoMore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, plain{})
	body := make([]byte, 20_000)
	rand.NewChaCha8([32]byte{1}).Read(body)
	on := func() bool {
		found := false
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		for _, name := range files {
			text, rerr := os.ReadFile(name)
			if err != nil || rerr != nil {
				t.Fatal(err, rerr)
			}
			for at := 0; at+64 <= len(body); at += 64 {
				found = found || bytes.Contains(text, body[at:at+64])
			}
		}
		return found
	}
	put(t, s, "key", "head", string(body))
	if !on() {
		t.Fatal("the search finds nothing at all")
	}
	put(t, s, "key", "head", "erased")
	var f replica.Forgetter = s
	if err := f.Forget(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if on() {
		t.Error("it is on the disk")
	}
}
