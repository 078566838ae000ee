// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"

	"github.com/xunzhen/xunzhen/syncengine/evidence"
)

// Testimony returns what this tablet has seen of the centre's ledger: a text with the
// checkpoints that the centre signed, the last one of each epoch, and every pair that
// contradicts itself. It has nothing of any resident. Whoever has the county's public key
// can check it (package evidence). It works while locked.
func (t *Tablet) Testimony() ([]byte, error) {
	raw, err := t.testimony(context.Background())
	return raw, fail("testimony", err)
}

func (t *Tablet) testimony(ctx context.Context) ([]byte, error) {
	var out evidence.Testimony
	var err error
	if out.Seen, err = t.rep().Witnessed(ctx); err != nil {
		return nil, err
	}
	pairs, err := t.rep().Contradictions(ctx)
	for _, c := range pairs {
		out.Contradictions = append(out.Contradictions, evidence.Contradiction(c))
	}
	return out.Encode(), err
}
