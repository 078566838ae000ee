// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// What a cursor has passed is what the ledger held when it was written. A pull
// that was cut off brings no checkpoint by which an older file would be noticed;
// when such a file goes on and comes to be as long, the cursor must not pass what
// lies in it.
func TestCursorOverAnOlderFileThatWentOnBeginsAnew(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	older := c.store.Clone()
	if err := c.Fence(t.Context(), "office", c.enrol(2, doctor("li", villageB)).cert.Replica(), "lost"); err != nil {
		t.Fatal(err)
	}
	seen, err := c.PullPage(t.Context(), d.cert, session.PullRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if hello, err := c.Hello(t.Context(), d.cert, session.HelloRequest{Cursor: seen.Cursor}); err != nil || !hello.CursorHolds {
		t.Fatalf("a cursor over this ledger: %+v, %v", hello, err)
	}

	c.cfg.Store = older
	if c.Engine, err = syncengine.Open(t.Context(), c.cfg); err != nil {
		t.Fatal(err)
	}
	for n := byte(3); n < 6; n++ {
		c.enrol(n, doctor("wang", villageB))
	}
	if hello, err := c.Hello(t.Context(), d.cert, session.HelloRequest{Cursor: seen.Cursor}); err != nil || hello.CursorHolds {
		t.Errorf("a cursor over another ledger: %+v, %v", hello, err)
	}
	all, err := c.PullPage(t.Context(), d.cert, session.PullRequest{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.PullPage(t.Context(), d.cert, session.PullRequest{Cursor: seen.Cursor})
	if err != nil || len(again.Segments) != len(all.Segments) {
		t.Errorf("%d of the office's %d segments come, %v", len(again.Segments), len(all.Segments), err)
	}
}
