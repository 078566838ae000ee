// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport"
)

// site is a data folder on which a server is started and stopped. Its clock is the
// world's.
type site struct {
	*world
	data   string
	stores map[string]syncengine.Store
	stop   func()
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		world: &world{t: t, clock: &clock{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}},
		data:  filepath.Join(t.TempDir(), "data"), stores: map[string]syncengine.Store{}, stop: func() {},
	}
	t.Cleanup(func() { s.stop() })
	s.start(s.data)
	return s
}

// start starts a server on a data folder, in place of the one that runs.
func (s *site) start(data string) {
	s.t.Helper()
	s.stop()
	made, err := server.New(s.t.Context(), server.Config{
		Data: data, Listen: "127.0.0.1:0", Schema: care.Kinds(), Clock: s.clock.read, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler), CertificateLife: 100 * 24 * time.Hour, OpenStore: s.open,
	})
	s.server = must(s.t, made, err)
	c, err := made.County(s.t.Context(), "130403")
	s.county = must(s.t, c, err)
	do(s.t, made.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- made.Serve(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-served; err != nil {
			s.t.Error(err)
		}
		if err := made.Close(); err != nil {
			s.t.Error(err)
		}
		s.stop = func() {}
	}
}

// open keeps stores in memory over restarts.
func (s *site) open(path string, create bool) (syncengine.Store, error) {
	if create {
		s.stores[filepath.Base(path)] = kept{memstore.New()}
	}
	return s.stores[filepath.Base(path)], nil
}

// syncs lets a tablet sync with the server where it is now.
func (s *site) syncs(x *tab) *tablet.SyncReport {
	s.t.Helper()
	x.sync.Address = s.server.Address()
	return x.run()
}

func (s *site) tlsFolder() string { return filepath.Join(s.data, "tls") }

// rotateTLS replaces the server's authority while it is stopped.
func (s *site) rotateTLS() {
	s.t.Helper()
	s.stop()
	do(s.t, auth.ReplaceAuthority(s.tlsFolder(), s.clock.read, rand.Reader))
	s.start(s.data)
}

func TestTabletsFindAServerWhoseAuthorityWasReplaced(t *testing.T) {
	s := newSite(t)
	early, away := s.tablet("zhang", village), s.tablet("li", village)
	s.syncs(early)
	s.syncs(away)
	before, roster, code := s.server.Pin(), s.county.Roster(), s.invite(divisions(village), "wu")
	stolen, older := filepath.Join(t.TempDir(), "tls"), filepath.Join(t.TempDir(), "data")
	copyPrivate(t, stolen, s.tlsFolder())
	copyPrivate(t, older, s.data)

	s.clock.forward(time.Hour)
	s.rotateTLS()
	if s.server.Pin() == before {
		t.Fatal("the authority is the same")
	}
	s.syncs(early)
	for range 3 { // one that was away all the while
		s.rotateTLS() // however often, and by a clock that stands
	}
	s.syncs(away)
	s.syncs(early)
	late := s.blank() // and one that was invited before
	do(t, late.Enrol(t.Context(), code, "wu", &tablet.SyncOptions{Address: s.server.Address()}))
	s.syncs(late)

	// Who has the key of the first authority, and its roster, is nobody to those who have
	// seen a later one.
	thief := s.impostor(stolen, roster.Raw)
	for name, x := range map[string]*tab{"early": early, "away": away, "late": late} {
		_, err := x.Sync(t.Context(), &tablet.SyncOptions{Address: thief, Tries: 1})
		if tablet.ReasonOf(err) != "pin" {
			t.Errorf("%s: %v", name, err)
		}
	}

	// The county itself is believed on an older copy of its folder: it has the shard's key.
	s.clock.forward(time.Minute)
	s.start(older)
	if s.server.Pin() != before {
		t.Fatal("not the first authority")
	}
	for _, x := range []*tab{early, away, late} {
		s.syncs(x)
	}
}

// impostor answers connections with an authority's certificates that show a roster, and
// returns its address.
func (s *site) impostor(folder string, roster []byte) string {
	s.t.Helper()
	a, err := auth.OpenAuthority(folder, []string{"127.0.0.1"}, s.clock.read, rand.Reader)
	must(s.t, a, err).Present([][]byte{roster})
	l, err := tls.Listen("tcp", "127.0.0.1:0", a.ServerTLS())
	must(s.t, l, err)
	s.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = conn.(*tls.Conn).Handshake() // who comes does not stay
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// copyPrivate copies a folder for nobody but its owner to read.
func copyPrivate(t *testing.T, to, from string) {
	t.Helper()
	do(t, os.CopyFS(to, os.DirFS(from)))
	do(t, filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	}))
}

func TestEnvelopesToAFormerRecipientAreOpened(t *testing.T) {
	s := newSite(t)
	a := s.tablet("zhang", village)
	s.syncs(a)
	old := a.add("resident", "", "", `{"name": "王建国"}`)
	do(t, a.Lock()) // sealed to the key of today
	s.stop()
	for range 2 {
		do(t, county.RotateRecipient(s.county.Dir, rand.Reader))
	}
	s.start(s.data)
	a.sync.Address = s.server.Address()
	r, err := a.SyncLocked(t.Context(), a.sync)
	if must(t, r, err); r.Acks != 1 || r.Refused > 0 {
		t.Fatalf("%+v", r)
	}
	_, err = a.Unlock(secret)
	do(t, err)
	s.syncs(a) // and learns the new one
	a.wantState(old.ID, tablet.StateCentre, "")
	next := a.add("resident", "", "", `{"name": "李四"}`)
	do(t, a.Lock())
	request, err := a.RecoveryRequest()
	must(t, request, err)
	key, err := auth.ReadRecipientKey(filepath.Join(s.county.Dir, "recipient.key"))
	must(t, key, err)
	answer, err := tablet.AnswerRecovery(key.Bytes(), s.county.Shard().String(), request)
	must(t, answer, err)
	do(t, a.Recover(answer, "zhang", secret))
	s.stop()
	for n := range 2 { // the former keys are needed no more
		do(t, os.Remove(filepath.Join(s.county.Dir, []string{"recipient-1.key", "recipient-2.key"}[n])))
	}
	s.start(s.data)
	do(t, a.Lock())
	a.sync.Address = s.server.Address()
	r, err = a.SyncLocked(t.Context(), a.sync)
	if must(t, r, err); r.Acks != 1 || r.Refused > 0 {
		t.Fatalf("%+v", r)
	}
	_, err = a.Unlock(secret)
	do(t, err)
	a.wantState(next.ID, tablet.StateCentre, "")
}

func TestARotatedOperatorKeyOpensNoSession(t *testing.T) {
	s := newSite(t)
	former, err := county.OperatorKey(s.county.Dir)
	must(t, former, err)
	s.stop()
	do(t, county.RotateOperator(s.county.Dir, rand.Reader))
	s.start(s.data)
	if _, err := s.login(former); transport.ReasonOf(err) != syncv1.Reason_REASON_LOGIN {
		t.Errorf("the former key: %v", err)
	}
	o := s.office()
	list, err := o.devices.ListDevices(o.ctx(), &syncv1.ListDevicesRequest{Shard: o.shard})
	must(t, list, err)
}

// Certificates are renewed by the way, whatever the tablets' own clocks show, so that none
// expires that syncs now and then.
func TestCertificatesAreRenewedInTimeOverTwoYears(t *testing.T) {
	w := newWorld(t)
	wrong := &clock{now: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)}
	right, old := w.tablet("zhang", village), w.blankBy(wrong)
	do(t, old.Enrol(t.Context(), w.invite(divisions(village), "li"), "li", nil))
	renewed := map[*tab]int{}
	for range 730 / 30 {
		w.clock.forward(30 * 24 * time.Hour)
		for _, x := range []*tab{right, old} {
			if x.status().ExpiresAtMs <= w.clock.NowMs() {
				t.Fatal("it has expired")
			}
			if r := x.run(); r.Renewed {
				renewed[x]++
			}
		}
	}
	for x, n := range renewed {
		if n != 12 { // half of a hundred days is over at every second sync
			t.Errorf("the tablet by the clock of %s was renewed %d times", time.UnixMilli(x.opts.Clock.NowMs()).UTC().Format("2006"), n)
		}
	}
	if len(renewed) != 2 {
		t.Errorf("%d tablets were renewed", len(renewed))
	}
	w.clock.forward(2 * 365 * 24 * time.Hour) // in a drawer
	s := right.add("resident", "", "", `{"name": "王建国"}`)
	if r := right.run(); !r.Renewed {
		t.Errorf("%+v", r)
	}
	right.wantState(s.ID, tablet.StateCentre, "")
	w.wantSound()
}

func TestAHubFindsACentreWhoseAuthorityWasReplaced(t *testing.T) {
	s := newSite(t)
	c := s.clinic(divisions(village)...)
	c.up()
	s.clock.forward(time.Hour)
	s.rotateTLS()
	for range 2 { // also after a restart
		do(t, c.Move([]string{s.server.Address()}))
		c.up()
		c.stop()
		c.start()
	}
}

// Who uses sticks only reads in an answer whom to encrypt the next one to.
func TestANewRecipientIsReadInAnAnswer(t *testing.T) {
	s := newSite(t)
	a := s.tablet("zhang", village)
	turn := func(context.Context) (func(), error) { return func() {}, nil }
	carry := func() {
		up, err := a.ExportBundle(t.Context(), filepath.Join(t.TempDir(), "up.xzb"), nil)
		must(t, up, err)
		in, err := os.Open(up.Path)
		must(t, in, err)
		defer in.Close() //nolint:errcheck // only read
		var down bytes.Buffer
		report, err := s.county.ImportBundle(t.Context(), in, &down, turn)
		must(t, report, err)
		path := filepath.Join(t.TempDir(), "down.xzb")
		do(t, os.WriteFile(path, down.Bytes(), 0o600))
		answer, err := a.ImportBundle(t.Context(), path, nil)
		must(t, answer, err)
	}
	first := a.add("resident", "", "", `{"name": "王建国"}`)
	carry()
	a.wantState(first.ID, tablet.StateCentre, "")
	s.rotateTLS()
	s.stop()
	do(t, county.RotateRecipient(s.county.Dir, rand.Reader))
	s.start(s.data)
	second := a.add("resident", "", "", `{"name": "李四"}`)
	carry() // to the former key; the answer names the new one
	a.wantState(second.ID, tablet.StateCentre, "")
	s.stop()
	do(t, os.Remove(filepath.Join(s.county.Dir, "recipient-1.key")))
	s.start(s.data)
	third := a.add("resident", "", "", `{"name": "赵六"}`)
	carry()
	a.wantState(third.ID, tablet.StateCentre, "")
	a.sync.Address = s.server.Address()
	s.syncs(a) // and knows the new authority without having been shown it
}

func TestABundleToAFormerRecipientIsOpened(t *testing.T) {
	s := newSite(t)
	a, b := s.tablet("zhang", village), s.tablet("li", village)
	saved := a.add("resident", "", "", `{"name": "王建国"}`)
	stick := filepath.Join(t.TempDir(), "stick.xzb")
	written, err := a.ExportBundle(t.Context(), stick, nil)
	must(t, written, err)
	s.stop()
	do(t, county.RotateRecipient(s.county.Dir, rand.Reader))
	s.start(s.data)
	in, err := os.Open(written.Path)
	must(t, in, err)
	defer in.Close() //nolint:errcheck // only read
	turn := func(context.Context) (func(), error) { return func() {}, nil }
	report, err := s.county.ImportBundle(t.Context(), in, io.Discard, turn)
	if must(t, report, err); report.BrokenOff {
		t.Errorf("%+v", report)
	}
	s.syncs(b)
	b.wantState(saved.ID, tablet.StateReceived, "")
}
