// SPDX-License-Identifier: Apache-2.0

package tablet

import "context"

// Testimony returns what this tablet has seen of the centre's ledger: a text with the
// checkpoints that the centre signed, the last one of each epoch, and every pair that
// contradicts itself. It has nothing of any resident. Whoever has the county's public key
// can check it (package evidence). It works while locked.
func (t *Tablet) Testimony() ([]byte, error) {
	seen, err := t.rep().Testimony(context.Background())
	return seen.Encode(), fail("testimony", err)
}
