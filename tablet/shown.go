// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// Shown returns a record as the screen of a form token had it, whatever was saved
// since: who decides by what they saw decides between these values. When a value was
// saved is not in a token, so SavedAtMs is 0; State and Reason are those of now.
// Reasons: form, unknown_record.
func (t *Tablet) Shown(form string) (*Record, error) {
	r, err := t.shown(form)
	return r, fail("shown", err)
}

func (t *Tablet) shown(token string) (*Record, error) {
	f, err := parseForm(token)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	v, err := t.viewer(ctx)
	if err != nil {
		return nil, err
	}
	s := f.screen()
	r, err := t.see(ctx, v, s)
	if err != nil {
		return nil, err
	}
	if g, ok := s.Register(record.PathSubject); ok && len(g.Siblings[0].Value.Bytes) == len(record.ID{}) {
		r.SubjectID = record.ID(g.Siblings[0].Value.Bytes).String()
	}
	return r, nil
}

// screen returns the screen that the token was made of, as far as it is in there.
func (f form) screen() replica.Screen {
	s := replica.Screen{Record: f.shown.Record, Registers: f.registers, Opens: true, Shown: f.shown, Life: record.LifeActive}
	life, _ := s.Register(record.PathLife)
	voided := func(b record.Sibling) bool { return record.ParseLife(b.Value) == record.LifeVoided }
	if len(life.Siblings) > 0 && !slices.ContainsFunc(life.Siblings, func(b record.Sibling) bool { return !voided(b) }) {
		s.Life = record.LifeVoided
	}
	return s
}
