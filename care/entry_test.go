// SPDX-License-Identifier: Apache-2.0

package care

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestNewEntryKey(t *testing.T) {
	got, err := NewEntryKey(bytes.NewReader([]byte{0, 1, 2, 3, 255}))
	if err != nil || got != "000g40zz" {
		t.Errorf("%q (%v)", got, err)
	}
	if _, err := NewEntryKey(bytes.NewReader(nil)); !errors.Is(err, io.EOF) {
		t.Errorf("without randomness: %v", err)
	}
}
