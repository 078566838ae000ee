// SPDX-License-Identifier: Apache-2.0

package care

import (
	"encoding/base32"
	"fmt"
	"io"
)

// NewEntryKey draws the key of a new map entry: eight letters and digits that say
// nothing. Paths outlive the erasure of what stands under them, so no name and no
// code may be a key, and two tablets that add the same drug add two entries.
// It returns an error only if random does.
func NewEntryKey(random io.Reader) (string, error) {
	var b [5]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("entry key: %w", err)
	}
	return lowerBase32.EncodeToString(b[:]), nil
}

// Digits and small letters without i, l, o and u, which are easily misread.
var lowerBase32 = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
