// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/tablet"
)

// wantSound has the centre check itself, replay included.
func (w *world) wantSound() {
	w.t.Helper()
	r, err := w.county.Engine.Verify(w.t.Context(), syncengine.VerifyOptions{Replay: true})
	if must(w.t, r, err); !r.OK() {
		w.t.Fatalf("the centre is broken: %v", r.Violations)
	}
}

func TestThreeTabletsCaptureOfflineAndAgreeOverABadLine(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.tablet("zhang", village), w.tablet("li", village), w.tablet("wu", township)

	// Offline: everybody captures.
	wang := a.add("resident", "", "", `{"name": "王建国", "phone": "139", "ethnicity": 1}`)
	visit := a.add("home_visit", wang.ID, "", `{}`)
	for i := range 30 {
		a.add("resident", "", "", fmt.Sprintf(`{"name": "居民%02d"}`, i))
	}
	far := c.add("resident", "", village2, `{"name": "赵远"}`)
	a.wantState(wang.ID, tablet.StateTablet, "")
	if s := a.status(); s.Unsent != 32 || s.SinceMs != w.clock.NowMs() {
		t.Fatalf("status %+v", s)
	}

	// Everybody syncs over lines that break.
	cutter := &scissors{after: []int{900, 2500, 3000, 4000, 6000}}
	for _, x := range []*tab{a, b, c} {
		x.sync.Dialer = cutter
		x.run()
	}
	if cutter.count() == 0 {
		t.Fatal("no line broke")
	}
	b.run()
	a.wantState(wang.ID, tablet.StateCentre, "")
	a.wantState(visit.ID, tablet.StateCentre, "")
	b.wantState(wang.ID, tablet.StateReceived, "")
	if s := a.status(); s.Unsent != 0 || s.LastSyncMs == 0 || s.LastReason != "" {
		t.Fatalf("status %+v", s)
	}
	if _, err := b.Get(far.ID); tablet.ReasonOf(err) != "unknown_record" {
		t.Fatalf("a record of another village came down: %v", err)
	}
	if l, err := b.Search("居民", 0); must(t, l, err).Len() != 30 {
		t.Fatalf("%d residents found", l.Len())
	}

	// Two edit offline: different fields, the same field, and a void beside an edit.
	onB, onC := b.show(wang.ID), c.show(wang.ID)
	visitB, visitC := b.show(visit.ID), c.show(visit.ID)
	b.save(onB.Form, `{"name": "王建国", "phone": "138", "ethnicity": 1, "workplace": "村委会"}`)
	c.save(onC.Form, `{"name": "王建国", "phone": "137", "ethnicity": 3}`)
	void, err := b.Void(visitB.Form, "记错了人", "")
	must(t, void, err)
	c.save(visitC.Form, `{"organisation_code": "130403001"}`)
	for _, x := range []*tab{c, b, a, c} {
		x.run()
	}
	for name, x := range map[string]*tab{"a": a, "b": b, "c": c} {
		r := x.show(wang.ID)
		if r.Conflicts.Len() != 1 || r.Conflicts.At(0).Path != "phone" || r.Conflicts.At(0).Values.Len() != 2 {
			t.Fatalf("%s: conflicts of %s", name, r.JSON)
		}
		if value(t, r.JSON, "workplace") != "村委会" || value(t, r.JSON, "ethnicity") == value(t, onB.JSON, "ethnicity") {
			t.Fatalf("%s: fields that two edited apart are not both there: %s", name, r.JSON)
		}
		if v := x.show(visit.ID); v.Voided || v.Conflicts.Len() != 1 || v.Conflicts.At(0).Path != "life" {
			t.Fatalf("%s: a void beside an edit hid the record: %+v", name, v)
		}
		if l, err := x.Conflicts(); must(t, l, err).Len() != 2 {
			t.Fatalf("%s: %d records in conflict", name, l.Len())
		}
	}

	// One resolves, all see it.
	r := a.show(wang.ID)
	for i := range r.Conflicts.At(0).Values.Len() {
		if v := r.Conflicts.At(0).Values.At(i); value(t, v.JSON, "phone") == "138" {
			s, err := a.Resolve(r.Form, "phone", v.Dot, "")
			must(t, s, err)
		}
	}
	for _, x := range []*tab{a, b, c} {
		x.run()
		if r := x.show(wang.ID); r.Conflicts.Len() != 0 || value(t, r.JSON, "phone") != "138" {
			t.Fatalf("after resolving: %s", r.JSON)
		}
		do(t, x.Lock())
		wantNowhere(t, x.opts.Dir, "王建国", "居民07", "村委会", "记错了人")
	}
	w.wantSound()
}

func TestWhatTheCentreDoesNotAdmitIsHeldAndShown(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	ghost, err := a.Add("resident", "", village, `{"name": "王建国"}`, "ghost")
	if must(t, ghost, err).Warning != "author" {
		t.Fatalf("warning %q", ghost.Warning)
	}
	abroad := a.add("resident", "", village2, `{"name": "李四"}`)
	if abroad.Warning != "division" {
		t.Fatalf("warning %q", abroad.Warning)
	}
	fine := a.add("resident", "", village, `{"name": "张三"}`)
	a.run()
	a.wantState(ghost.ID, tablet.StateHeld, "held_author")
	a.wantState(abroad.ID, tablet.StateHeld, "held_scope")
	a.wantState(fine.ID, tablet.StateCentre, "")
	if state, err := a.State(ghost.ID, ghost.Dot); must(t, state, err) != "held:held_author" {
		t.Fatalf("state %q", state)
	}
	l, err := a.Held()
	if must(t, l, err).Len() != 2 {
		t.Fatalf("%d held", l.Len())
	}
	if s := a.status(); s.Held != 2 || s.Unsent != 0 || !a.warned(tablet.WarnHeld) {
		t.Fatalf("status %+v", s)
	}
}

func TestBackupsAreShown(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	a.wantState(s.ID, tablet.StateCentre, "")
	if !a.warned(tablet.WarnNoBackup) {
		t.Fatal("no warning that there are no backups")
	}
	for range 2 {
		m, err := w.county.Engine.MarkBackup(t.Context(), w.county.Engine.Size(), w.clock.read())
		must(t, m, err)
	}
	a.run()
	a.wantState(s.ID, tablet.StateBackedUp, "")
	if a.warned(tablet.WarnNoBackup) {
		t.Fatal("still warned")
	}
}

func TestACopiedTabletGoesOnUnderANewKey(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国", "phone": "1"}`)
	a.run()
	do(t, a.Close())
	dir := filepath.Join(t.TempDir(), "copy")
	do(t, os.CopyFS(dir, os.DirFS(a.opts.Dir)))
	do(t, os.Chmod(filepath.Join(dir, "device.key"), 0o600))
	original, copied := w.reopen(a.opts.Dir), w.reopen(dir)
	original.save(original.show(s.ID).Form, `{"name": "王建国", "phone": "2"}`)
	copied.save(copied.show(s.ID).Form, `{"name": "王建国", "phone": "3"}`)
	if r := original.run(); r.NewReplica != "" {
		t.Fatalf("the first one needs no new key: %+v", r)
	}
	if r := copied.run(); r.NewReplica == "" || !r.Forked {
		t.Fatalf("the copy was not noticed: %+v", r)
	}
	if !copied.warned(tablet.WarnNewKey) {
		t.Fatal("the copy does not say so")
	}
	later := copied.add("resident", "", "", `{"name": "李四"}`)
	copied.run()
	copied.wantState(later.ID, tablet.StateCentre, "")
	original.run()
	for _, x := range []*tab{original, copied} {
		r := x.show(s.ID)
		if r.Conflicts.Len() != 1 || r.Conflicts.At(0).Values.Len() != 2 {
			t.Fatalf("a save of one of the two is lost: %s", r.JSON)
		}
	}
	w.wantSound()
}

func TestALockedTabletHandsOverWhatWasSealed(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("zhang", village), w.tablet("li", village)
	a.run()
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	do(t, a.Lock())
	do(t, a.Close())
	o := *a.opts
	tb, err := tablet.OpenWith(&o, "") // after a restart nobody has given a secret
	a.Tablet = must(t, tb, err)
	defer a.Close()
	r, err := a.SyncLocked(t.Context(), nil)
	if must(t, r, err); r.Acks != 1 || r.Received != 0 {
		t.Fatalf("report %+v", r)
	}
	if st := a.status(); st.Unsent != 0 || !st.Locked {
		t.Fatalf("status %+v", st)
	}
	b.run()
	b.wantState(s.ID, tablet.StateReceived, "")
	who, err := a.Unlock(secret)
	if must(t, who, err) != "zhang" {
		t.Fatalf("unlocked by %q", who)
	}
	a.wantState(s.ID, tablet.StateCentre, "")
	a.run()
	a.add("resident", "", "", `{"name": "李四"}`) // by who unlocked
	a.run()
	w.wantSound()
}

func TestAnExpiredCertificateIsRenewed(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	a.run()
	before := a.status().ExpiresAtMs
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	w.clock.forward(101 * 24 * time.Hour)
	if r := a.run(); !r.Renewed {
		t.Fatalf("report %+v", r)
	}
	if after := a.status().ExpiresAtMs; after <= before {
		t.Fatalf("expires at %d, before at %d", after, before)
	}
	a.wantState(s.ID, tablet.StateCentre, "")
}

func TestARevokedTabletHandsOverAndIsTold(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	early := a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	id, err := a.Identity()
	replica, err := causal.ParseReplicaID(must(t, id, err).Replica)
	must(t, replica, err)
	do(t, w.county.Engine.Fence(t.Context(), "office", replica, "lost"))
	late := a.add("resident", "", "", `{"name": "李四"}`)
	r, err := a.Sync(t.Context(), nil)
	if must(t, r, err); !r.Revoked || r.Complete {
		t.Fatalf("report %+v", r)
	}
	if !a.warned(tablet.WarnRevoked) {
		t.Fatal("not told")
	}
	a.wantState(early.ID, tablet.StateCentre, "")
	a.wantState(late.ID, tablet.StateHeld, "held_fence")
	do(t, w.county.Engine.LiftFence(t.Context(), "office", replica, "found"))
	a.run()
	if a.warned(tablet.WarnRevoked) {
		t.Fatal("still told")
	}
}

func TestALostSecretLosesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	do(t, a.Lock())
	request, err := a.RecoveryRequest()
	must(t, request, err)
	key, err := auth.ReadRecipientKey(filepath.Join(w.county.Dir, "recipient.key"))
	must(t, key, err)
	answer, err := tablet.AnswerRecovery(key.Bytes(), w.county.Shard().String(), request)
	must(t, answer, err)
	do(t, a.Recover(answer, "zhang", "another secret"))
	if value(t, a.show(s.ID).JSON, "name") != "王建国" {
		t.Fatal("lost")
	}
	_, err = a.Unlock(secret)
	wantReason(t, err, "secret")
	a.run()
	a.wantState(s.ID, tablet.StateCentre, "")
}

func TestEnrolment(t *testing.T) {
	w := newWorld(t)
	a, ctx := w.blank(), t.Context()
	code := w.invite(divisions(village), "zhang", "li")
	wantReason(t, a.Enrol(ctx, code, "wu", nil), "staff")
	wantReason(t, a.Enrol(ctx, code, "", nil), "staff") // whose secret is it?
	lost := &tablet.SyncOptions{Dialer: &scissors{after: []int{3000}}}
	if err := a.Enrol(ctx, code, "zhang", lost); err != nil {
		t.Fatalf("the same code and key again: %v", err)
	}
	do(t, a.SetSecret("li", "907755"))
	wantReason(t, a.SetSecret("wu", "112233"), "staff")
	id, err := a.Identity()
	if must(t, id, err); id.Staff.Len() != 2 || id.Divisions.At(0) != village || id.Role != "tablet" || id.Label != "tablet of zhang" {
		t.Fatalf("identity %+v", id)
	}
	further := w.invite(divisions(village), "zhang", "li", "wu")
	wantReason(t, a.Enrol(ctx, further, "li", nil), "staff") // li has a secret: let them unlock it
	do(t, a.Enrol(ctx, further, "", nil))
	handedOver := w.invite(divisions(village), "chen")
	do(t, a.Enrol(ctx, handedOver, "", nil))
	if got := []string{a.Staff().At(0), a.Staff().At(1)}; !slices.Equal(got, []string{"chen", "li"}) {
		t.Fatalf("secrets of %q", got)
	}
	b := w.blank()
	wantReason(t, b.Enrol(ctx, code, "zhang", nil), "code")

	i, err := session.ParseInvitation(w.invite(divisions(village), "zhang"))
	must(t, i, err)
	i.Pin[0]++
	i.Shard[0]++
	wantReason(t, b.Enrol(ctx, i.String(), "zhang", nil), "pin")
	i.Pin[0]--
	wantReason(t, b.Enrol(ctx, i.String(), "zhang", nil), "wrong_shard")
	wantReason(t, a.Enrol(ctx, i.String(), "zhang", nil), "other_shard")
	i.Shard[0]--
	nobody := &tablet.SyncOptions{Address: "127.0.0.1:1", Tries: 1}
	wantReason(t, b.Enrol(ctx, i.String(), "zhang", nobody), "unreachable")
	i.Pin[0]++ // of before a rotation: the server shows by the shard's roster that it is the right one
	do(t, b.Enrol(ctx, i.String(), "", nil))
	_, err = b.Sync(ctx, nobody)
	wantReason(t, err, "unreachable")
	if s := b.status(); s.LastReason != "unreachable" || s.LastSyncMs != 0 {
		t.Fatalf("status %+v", s)
	}
}

func TestFurtherRightsComeWithAFurtherInvitation(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("zhang", village), w.tablet("li", village2)
	s := b.add("resident", "", "", `{"name": "李四"}`)
	b.run()
	a.run()
	if _, err := a.Get(s.ID); tablet.ReasonOf(err) != "unknown_record" {
		t.Fatalf("out of scope: %v", err)
	}
	w.clock.forward(time.Minute) // of two certificates the later one counts
	do(t, a.Enrol(t.Context(), w.invite(divisions(village, village2), "zhang"), "zhang", nil))
	a.run()
	a.wantState(s.ID, tablet.StateReceived, "")
}

// progress notes the phases in order.
type progress struct{ phases []string }

func (p *progress) Progress(phase string, _, _ int) {
	if n := len(p.phases); n == 0 || p.phases[n-1] != phase {
		p.phases = append(p.phases, phase)
	}
}

func TestProgressIsTold(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	a.add("resident", "", "", `{"name": "王建国"}`)
	p := &progress{}
	a.sync.Progress = p
	a.run()
	if got := fmt.Sprint(p.phases); got != "[offer push pull]" && got != "[offer push offer push pull]" {
		t.Fatalf("phases %s", got)
	}
}

// B2: a form opened before a sync in the background says what it showed, not what
// came in between.
func TestB02FormOpenedBeforeASync(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("zhang", village), w.tablet("li", village)
	s := a.add("resident", "", "", `{"name": "王建国", "phone": "1", "workplace": "村委会"}`)
	a.run()
	b.run()
	open := b.show(s.ID)
	a.save(s.Form, `{"name": "王建国", "phone": "2", "workplace": "学校"}`)
	a.run()
	b.run() // in the background, while somebody types
	b.save(open.Form, `{"name": "王建国", "phone": "3", "workplace": "村委会"}`)
	b.run()
	a.run()
	for _, x := range []*tab{a, b} {
		r := x.show(s.ID)
		if r.Conflicts.Len() != 1 || r.Conflicts.At(0).Path != "phone" || r.Conflicts.At(0).Values.Len() != 2 {
			t.Fatalf("%d conflicts in %s", r.Conflicts.Len(), r.JSON)
		}
		if value(t, r.JSON, "workplace") != "学校" {
			t.Fatalf("what the form showed and nobody touched was put back: %s", r.JSON)
		}
	}
}

// gate keeps whoever dials waiting until it opens.
type gate struct {
	reached chan struct{}
	open    chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}, 16), make(chan struct{})} }

func (g *gate) Dial(ctx context.Context, address string) (net.Conn, error) {
	g.reached <- struct{}{}
	select {
	case <-g.open:
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// B25: of two syncs at once the second is told so, and people go on saving.
func TestB25TwoSyncsAtOnce(t *testing.T) {
	w := newWorld(t)
	a, g := w.tablet("zhang", village), newGate()
	first := make(chan error, 1)
	go func() {
		_, err := a.Sync(t.Context(), &tablet.SyncOptions{Dialer: g})
		first <- err
	}()
	<-g.reached
	_, err := a.Sync(t.Context(), nil)
	wantReason(t, err, "busy")
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	close(g.open)
	do(t, <-first)
	a.run()
	a.wantState(s.ID, tablet.StateCentre, "")
}

func TestASyncCanBeStoppedAndGoneOnWith(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	for _, stop := range []func() error{
		func() error { a.Stop(); return nil },
		a.Lock,
	} {
		g, ended := newGate(), make(chan error, 1)
		go func() {
			var none context.Context // as an app that cannot make one
			_, err := a.Sync(none, &tablet.SyncOptions{Dialer: g})
			ended <- err
		}()
		<-g.reached
		do(t, stop())
		wantReason(t, <-ended, "stopped")
	}
	who, err := a.Unlock(secret)
	must(t, who, err)
	a.run()
	a.wantState(s.ID, tablet.StateCentre, "")

	g, ended := newGate(), make(chan error, 1)
	go func() {
		_, err := a.Sync(t.Context(), &tablet.SyncOptions{Dialer: g})
		ended <- err
	}()
	<-g.reached
	do(t, a.Close())
	wantReason(t, <-ended, "stopped")
}
