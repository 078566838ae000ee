// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Whoever takes a rotation lightly is caught: each rule about former keys is one that
// a county needs.
func TestWrongRotationsAreCaught(t *testing.T) {
	type meets = func(session.Trust, session.Pin, session.Roster) (session.Trust, bool)
	for name, wrong := range map[string]Options{
		"a former recipient key is thrown away": {ForgetsRecipients: true},
		"a roster counts that is older than the one seen": {Meets: meets(func(t session.Trust, pin session.Pin, shown session.Roster) (session.Trust, bool) {
			t.Roster.IssuedAt = begin
			return t.Meets(pin, shown)
		})},
		"rosters are not looked at": {Meets: meets(func(t session.Trust, pin session.Pin, _ session.Roster) (session.Trust, bool) {
			return t, pin == t.Pin
		})},
		"the first pin is good for ever": {Meets: meets(func(t session.Trust, pin session.Pin, shown session.Roster) (session.Trust, bool) {
			next, ok := t.Meets(pin, shown)
			next.Pin = t.Pin
			return next, ok
		})},
		"a roster counts that does not name who shows it": {Meets: meets(func(t session.Trust, pin session.Pin, shown session.Roster) (session.Trust, bool) {
			if shown.Raw != nil && !shown.IssuedAt.Before(t.Roster.IssuedAt) {
				return session.Trust{Pin: pin, Roster: shown}, true
			}
			return t, pin == t.Pin
		})},
	} {
		t.Run(name, func(t *testing.T) {
			runs, r := Hunt(wrong, 0, 2000)
			if runs == 0 || r.Violation.Check != "rotation" {
				t.Fatalf("not caught: %v", r.Violation)
			}
			t.Logf("caught in run %d: %v", runs, r.Violation)
		})
	}
}
