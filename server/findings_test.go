// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/transport"
	"github.com/xunzhen/xunzhen/transport/remote"
)

const highPressure = `
name: "trial" version: "1"
rules {
  id: "T.high" kinds: "hypertension_follow_up" kinds: "tuberculosis_follow_up" severity: SEVERITY_ERROR
  when: "r.service_date > 20260101"
  values { id: "d" expression: "r.service_date" format: VALUE_FORMAT_DATE }
  zh: "{d} 太迟" en: "{d} is late" paths: "service_date"
  source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED }
}
`

// clinic is a server whose county has findings, and a session of the office.
type clinic struct {
	*servertest.Server
	t      *testing.T
	office officev1grpc.FindingServiceClient
	caller *servertest.Caller
	shard  []byte
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	pack, err := rules.Load(rules.Source{Name: "trial.txtpb", Text: []byte(highPressure)})
	if err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, func(c *server.Config) {
		c.Schema, c.Rules, c.CertificateLife = care.Kinds(), pack, 48*time.Hour
	})
	shard := s.County.Shard()
	c := &clinic{Server: s, t: t, caller: s.Operator(), shard: shard[:]}
	c.office = officev1grpc.NewFindingServiceClient(c.caller.Conn)
	return c
}

func (c *clinic) follow() {
	c.t.Helper()
	p, err := c.County.Projection()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := p.Follow(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clinic) save(kind record.Kind, form proto.Message, division record.Division, subject record.ID) record.ID {
	c.t.Helper()
	changes, err := care.Diff(kind, nil, form)
	if err != nil {
		c.t.Fatal(err)
	}
	changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(division))})
	if !subject.IsZero() {
		changes = append(changes, record.Change{Path: record.PathSubject, Value: record.Of(subject[:])})
	}
	saved, err := c.County.Engine.Save(c.t.Context(), "li", syncengine.OfficeSave{Kind: kind, Changes: changes})
	if err != nil {
		c.t.Fatal(err)
	}
	return saved[0].Record
}

// seen makes a resident with two visits in a division, one of them sensitive.
func (c *clinic) seen(division record.Division) (general, sensitive record.ID) {
	c.t.Helper()
	resident := c.save(care.KindResident, &carev1.Resident{Name: "王演示"}, division, record.ID{})
	tuberculosis, _ := care.KindNamed("tuberculosis_follow_up")
	return c.save(care.KindHypertensionFollowUp, &carev1.HypertensionFollowUp{ServiceDate: 20260201}, division, resident),
		c.save(tuberculosis, &carev1.TuberculosisFollowUp{ServiceDate: 20260202}, division, resident)
}

// centre is the server as a tablet of a device's sees it.
func (c *clinic) centre(d *servertest.Device) *remote.Centre {
	c.t.Helper()
	centre, err := remote.New(remote.Config{
		Addresses: []string{c.Address()}, Shard: c.County.Shard(), Pin: c.Pin(),
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "tcp", address)
		},
		Identity: func(context.Context) ([]byte, segment.Signer, error) {
			return d.Cert.Raw, segment.KeySigner(d.Key), nil
		},
		Tries: 1,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { centre.Close() })
	return centre
}

// kept is what a tablet has, and where it stands.
type kept struct {
	centre *remote.Centre
	cursor []byte
	sets   map[record.ID]*officev1.FindingSet
	anew   int
	basis  *officev1.FindingBasis
}

func (k *kept) pull(ctx context.Context) error {
	return k.centre.PullFindings(ctx, k.cursor, func(p *officev1.PullFindingsResponse) error {
		if p.GetAnew() {
			k.sets, k.anew = nil, k.anew+1
		}
		if k.sets == nil {
			k.sets = map[record.ID]*officev1.FindingSet{}
		}
		for _, s := range p.GetSets() {
			if k.sets[record.ID(s.GetRecordId())] = s; len(s.GetFindings()) == 0 {
				delete(k.sets, record.ID(s.GetRecordId()))
			}
		}
		k.cursor, k.basis = p.GetCursor(), p.GetBasis()
		return nil
	})
}

func (k *kept) has(ids ...record.ID) bool {
	for _, id := range ids {
		if len(k.sets[id].GetFindings()) != 1 {
			return false
		}
	}
	return len(k.sets) == len(ids)
}

func TestTabletsPullWhatIsInTheirScopeAndClasses(t *testing.T) {
	c := newClinic(t)
	general, sensitive := c.seen(servertest.Village)
	elsewhere, _ := c.seen(servertest.Village2)
	c.follow()
	doctor := servertest.Doctor("li", servertest.Village)
	all := servertest.Doctor("zhang", servertest.Village)
	all.Classes = []record.Class{record.ClassGeneral, record.ClassSensitive}
	for name, row := range map[string]struct {
		rights syncengine.Rights
		want   []record.ID
	}{
		"one class of one village": {doctor, []record.ID{general}},
		"both classes":             {all, []record.ID{general, sensitive}},
		"the county":               {servertest.Doctor("wang"), []record.ID{general, elsewhere}},
	} {
		k := &kept{centre: c.centre(c.Enrol(row.rights))}
		c.follow()
		if err := k.pull(t.Context()); err != nil || !k.has(row.want...) {
			t.Errorf("%s: %v, %v", name, k.sets, err)
		}
		if k.basis.GetPackName() != "trial" || k.basis.GetBehind() > 0 || k.basis.GetAsOf() != 20260301 {
			t.Errorf("%s: made of %v", name, k.basis)
		}
	}
}

func TestATabletHearsOfWhatIsClosedAndOfWhatLeaves(t *testing.T) {
	c := newClinic(t)
	stays, _ := c.seen(servertest.Village)
	closed, _ := c.seen(servertest.Village)
	leaves, _ := c.seen(servertest.Village)
	c.follow()
	k := &kept{centre: c.centre(c.Enrol(servertest.Doctor("li", servertest.Village)))}
	if err := k.pull(t.Context()); err != nil || !k.has(stays, closed, leaves) {
		t.Fatalf("%v, %v", k.sets, err)
	}
	for id, change := range map[record.ID]record.Change{
		closed: {Path: record.PathLife, Value: record.Voided("typed twice")},
		leaves: {Path: record.PathScope, Value: record.Of([]byte(servertest.Village2))},
	} {
		if _, err := c.County.Engine.Save(t.Context(), "li", syncengine.OfficeSave{Record: id, Changes: []record.Change{change}}); err != nil {
			t.Fatal(err)
		}
	}
	view, err := c.County.Engine.Get(t.Context(), leaves)
	if err != nil || len(view.Row.Divisions) != 2 { // two scopes stand beside each other until somebody decides
		t.Fatalf("in %v, %v", view.Row.Divisions, err)
	}
	move := record.Change{Path: record.PathScope, Value: record.Of([]byte(servertest.Village2))}
	for _, s := range view.State.At(record.PathScope) {
		move.Parents = append(move.Parents, s.Dot)
	}
	slices.SortFunc(move.Parents, func(a, b causal.Dot) int { return a.Compare(b) })
	if _, err := c.County.Engine.Save(t.Context(), "li", syncengine.OfficeSave{Record: leaves, Changes: []record.Change{move}}); err != nil {
		t.Fatal(err)
	}
	c.follow()
	if err := k.pull(t.Context()); err != nil || !k.has(stays) || k.anew > 0 {
		t.Errorf("%v, %v, anew %d times", k.sets, err, k.anew)
	}
}

func TestACursorOfAnotherScopeOrFileBeginsAnew(t *testing.T) {
	c := newClinic(t)
	one, _ := c.seen(servertest.Village)
	two, _ := c.seen(servertest.Village2)
	c.follow()
	k := &kept{centre: c.centre(c.Enrol(servertest.Doctor("li", servertest.Village)))}
	if err := k.pull(t.Context()); err != nil || !k.has(one) || k.anew != 0 {
		t.Fatalf("%v, %v", k.sets, err)
	}
	k.centre = c.centre(c.Enrol(servertest.Doctor("li", servertest.Village2)))
	if err := k.pull(t.Context()); err != nil || !k.has(two) || k.anew != 1 {
		t.Errorf("with another scope: %v, %v, anew %d times", k.sets, err, k.anew)
	}
	for name, cursor := range map[string][]byte{"no cursor": []byte("9"), "a cut one": k.cursor[:20], "a long one": append(slices.Clone(k.cursor), 0)} {
		bad := &kept{centre: k.centre, cursor: cursor}
		if err := bad.pull(t.Context()); remote.ReasonOf(err) != transport.ReasonName(syncv1.Reason_REASON_INVALID) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoIsCutOffOrExpiredPullsNoFindings(t *testing.T) {
	c := newClinic(t)
	c.seen(servertest.Village)
	c.follow()
	revoked := c.Enrol(servertest.Doctor("li"))
	if err := c.County.Engine.Fence(t.Context(), "office", revoked.Cert.Replica(), "lost"); err != nil {
		t.Fatal(err)
	}
	expired := c.Enrol(servertest.Doctor("zhang"))
	c.Clock.Move(49 * time.Hour)
	for want, d := range map[string]*servertest.Device{"revoked": revoked, "expired": expired} {
		k := &kept{centre: c.centre(d)}
		if want == "revoked" {
			c.Clock.Move(-49 * time.Hour)
		}
		if err := k.pull(t.Context()); remote.ReasonOf(err) != want || len(k.sets) > 0 {
			t.Errorf("%s: %v, %v", want, k.sets, err)
		}
		if want == "revoked" {
			c.Clock.Move(49 * time.Hour)
		}
	}
}

func TestAPullGoesOnBehindThePageThatWasKept(t *testing.T) {
	c := newClinic(t)
	var want []record.ID
	for range 7 {
		id, _ := c.seen(servertest.Village)
		want = append(want, id)
	}
	c.follow()
	device := c.Enrol(servertest.Doctor("li"))
	k := &kept{centre: c.centre(device)}
	client := officev1grpc.NewFindingServiceClient(device.Conn)
	for pages := 0; ; pages++ { // each page is the first one of a stream that is left
		ctx, cancel := context.WithCancel(device.Context())
		stream, err := client.PullFindings(ctx, &officev1.PullFindingsRequest{Shard: c.shard, Cursor: k.cursor, PageSize: 2})
		if err != nil {
			t.Fatal(err)
		}
		p, err := stream.Recv()
		cancel()
		if err != nil || len(p.GetSets()) > 2 || p.GetAnew() || pages > 10 {
			t.Fatalf("page %d: %v, %v", pages, p, err)
		}
		for _, s := range p.GetSets() {
			if k.sets == nil {
				k.sets = map[record.ID]*officev1.FindingSet{}
			}
			k.sets[record.ID(s.GetRecordId())] = s
		}
		if k.cursor = p.GetCursor(); p.GetComplete() {
			break
		}
	}
	if !k.has(want...) {
		t.Errorf("%v", k.sets)
	}
}

func TestAPageThatIsNotKeptEndsThePull(t *testing.T) {
	c := newClinic(t)
	c.seen(servertest.Village)
	c.follow()
	full := errors.New("the disk is full")
	err := c.centre(c.Enrol(servertest.Doctor("li"))).PullFindings(t.Context(), nil, func(*officev1.PullFindingsResponse) error { return full })
	if !errors.Is(err, full) {
		t.Error(err)
	}
}

func TestTheOfficeListsWhatItAsksFor(t *testing.T) {
	c := newClinic(t)
	general, sensitive := c.seen(servertest.Village)
	elsewhere, _ := c.seen(servertest.Village2)
	c.follow()
	view, err := c.County.Engine.Get(t.Context(), general)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		ask  *officev1.ListFindingsRequest
		sets int
	}{
		"everything":       {&officev1.ListFindingsRequest{}, 4},
		"a village":        {&officev1.ListFindingsRequest{Division: string(servertest.Village)}, 2},
		"a county":         {&officev1.ListFindingsRequest{Division: servertest.Code}, 4},
		"another county":   {&officev1.ListFindingsRequest{Division: "110101"}, 0},
		"a rule":           {&officev1.ListFindingsRequest{RuleId: "T.high"}, 4},
		"another rule":     {&officev1.ListFindingsRequest{RuleId: "Q99"}, 0},
		"a severity":       {&officev1.ListFindingsRequest{Severity: carev1.Severity_SEVERITY_ERROR}, 4},
		"another severity": {&officev1.ListFindingsRequest{Severity: carev1.Severity_SEVERITY_INFO}, 0},
		"a record":         {&officev1.ListFindingsRequest{Record: elsewhere[:]}, 1},
		"a resident":       {&officev1.ListFindingsRequest{Resident: view.Row.Subject[:]}, 2},
		"since today":      {&officev1.ListFindingsRequest{Since: 20260301}, 4},
		"since tomorrow":   {&officev1.ListFindingsRequest{Since: 20260302}, 0},
		"a rule and since": {&officev1.ListFindingsRequest{RuleId: "T.high", Since: 20260301, Division: string(servertest.Village2)}, 2},
	} {
		row.ask.Shard = c.shard
		row.ask.PageSize = 1
		var ids []record.ID
		counted := uint64(0)
		for first := true; first || row.ask.GetPageToken() != ""; first = false {
			m, err := c.office.ListFindings(c.caller.Context(), row.ask)
			if err != nil || len(m.GetSets()) > 1 || !first && len(m.GetCounts()) > 0 {
				t.Fatalf("%s: %v, %v", name, m, err)
			}
			for _, s := range m.GetSets() {
				ids = append(ids, record.ID(s.GetRecordId()))
			}
			for _, n := range m.GetCounts() {
				counted += n.GetFindings()
			}
			row.ask.PageToken = m.GetNextPageToken()
		}
		if len(ids) != row.sets || counted != uint64(row.sets) {
			t.Errorf("%s: %d sets, %d findings counted; want %d", name, len(ids), counted, row.sets)
		}
	}
	m, err := c.office.ListFindings(c.caller.Context(), &officev1.ListFindingsRequest{Shard: c.shard, Record: sensitive[:]})
	if err != nil || len(m.GetSets()) != 1 || m.GetSets()[0].GetPrivacyClass() != 2 || m.GetSets()[0].GetFindings()[0].GetMessageEn() != "2026-02-02 is late" {
		t.Errorf("%v, %v", m, err)
	}
	for name, ask := range map[string]*officev1.ListFindingsRequest{
		"no division": {Division: "village"}, "no severity": {Severity: 99}, "no day": {Since: 20260230}, "no record": {Record: []byte("id")},
		"no resident": {Resident: make([]byte, 16)}, "a long rule": {RuleId: strings.Repeat("Q", 65)}, "no token": {PageToken: "x"},
	} {
		ask.Shard = c.shard
		if _, err := c.office.ListFindings(c.caller.Context(), ask); transport.ReasonOf(err) != syncv1.Reason_REASON_INVALID {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheOfficeSeesHowFarFindingsFollow(t *testing.T) {
	c := newClinic(t)
	c.seen(servertest.Village)
	m, err := c.office.GetFindingState(c.caller.Context(), &officev1.GetFindingStateRequest{Shard: c.shard})
	if err != nil || m.GetBasis().GetBehind() == 0 {
		t.Fatalf("before: %v, %v", m, err)
	}
	c.follow()
	m, err = c.office.GetFindingState(c.caller.Context(), &officev1.GetFindingStateRequest{Shard: c.shard})
	if err != nil || m.GetBasis().GetBehind() != 0 || m.GetBasis().GetQueued() != 0 || m.GetSets() != 2 || !m.GetBuiltIn() || m.GetFailed() != "" {
		t.Errorf("after: %v, %v", m, err)
	}
}

func TestAServerWithoutRulesSaysThatItHasNoFindings(t *testing.T) {
	s := servertest.Start(t)
	c := &clinic{Server: s, t: t}
	k := &kept{centre: c.centre(s.Enrol(servertest.Doctor("li")))}
	if err := k.pull(t.Context()); remote.ReasonOf(err) != remote.ReasonNotServed {
		t.Error(err)
	}
}

func TestTheLogHasNothingOfWhatIsFound(t *testing.T) {
	c := newClinic(t)
	general, _ := c.seen(servertest.Village)
	c.follow()
	k := &kept{centre: c.centre(c.Enrol(servertest.Doctor("li")))}
	if err := k.pull(t.Context()); err != nil || !k.has(general) {
		t.Fatalf("%v, %v", k.sets, err)
	}
	if _, err := c.office.ListFindings(c.caller.Context(), &officev1.ListFindingsRequest{Shard: c.shard, RuleId: "T.high"}); err != nil {
		t.Fatal(err)
	}
	c.Stop()
	for _, word := range []string{"王演示", "2026-02-01", "T.high", "太迟", fmt.Sprint(20260201)} {
		if strings.Contains(c.Log.String(), word) {
			t.Errorf("the log has %q", word)
		}
	}
}
