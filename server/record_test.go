// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// office is a server with a caller of the office.
type office struct {
	*servertest.Server
	*servertest.Caller
	t     *testing.T
	shard []byte
}

func newOffice(t *testing.T) *office {
	t.Helper()
	s := servertest.Start(t)
	shard := s.County.Shard()
	return &office{s, s.Operator(), t, shard[:]}
}

// get returns a record.
func (o *office) get(id record.ID) *syncv1.GetResponse {
	o.t.Helper()
	reply, err := o.Records.Get(o.Context(), &syncv1.GetRequest{Shard: o.shard, Record: id[:], HistorySize: 200})
	if err != nil {
		o.t.Fatal(err)
	}
	return reply
}

// values returns the present values at a path, displayed one first.
func values(r *syncv1.Record, p record.Path) []string {
	var out []string
	for _, g := range r.GetRegisters() {
		if string(g.GetPath()) != string(p) {
			continue
		}
		for _, s := range g.GetSiblings() {
			out = append(out, string(s.GetValue().GetPresent()))
		}
	}
	return out
}

// shown returns the dots of the values at a path.
func shown(r *syncv1.Record, p record.Path) [][]byte {
	var out [][]byte
	for _, g := range r.GetRegisters() {
		if string(g.GetPath()) != string(p) {
			continue
		}
		for _, s := range g.GetSiblings() {
			out = append(out, s.GetDot())
		}
	}
	return out
}

// conflict makes a record whose phone two tablets edited apart.
func (o *office) conflict() record.ID {
	o.t.Helper()
	zhang, li := o.Enrol(servertest.Doctor("zhang")), o.Enrol(servertest.Doctor("li"))
	id, dot := zhang.Create(servertest.Village, "139")
	zhang.PushSegments(zhang.Seal())
	zhang.Edit(id, servertest.Village, dot, servertest.Set(servertest.Phone, "138", dot))
	li.Edit(id, servertest.Village, dot, servertest.Set(servertest.Phone, "137", dot), servertest.Set(servertest.Address, "east"))
	zhang.PushSegments(zhang.Seal())
	li.PushSegments(li.Seal())
	return id
}

func TestOfficeResolvesAConflictWithWhatWasShown(t *testing.T) {
	o := newOffice(t)
	id := o.conflict()
	list, err := o.Records.ListConflicts(o.Context(), &syncv1.ListConflictsRequest{Shard: o.shard})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.GetRecords()) != 1 || len(list.GetRecords()[0].GetRegisters()) != 1 {
		t.Fatalf("conflicts %v", list)
	}
	r := list.GetRecords()[0]
	got := values(r, servertest.Phone)
	slices.Sort(got)
	if !slices.Equal(got, []string{"137", "138"}) || !slices.Contains(r.GetFlags(), syncv1.RecordFlag_RECORD_FLAG_CONFLICT) {
		t.Errorf("siblings %v, flags %v", got, r.GetFlags())
	}
	decide := &syncv1.ResolveRequest{Shard: o.shard, Record: id[:], Author: "office", Resolutions: []*syncv1.RegisterChange{{
		Path: []byte(servertest.Phone), Parents: shown(r, servertest.Phone),
		Value: &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: []byte("138")},
	}}}
	reply, err := o.Records.Resolve(o.Context(), decide)
	if err != nil {
		t.Fatal(err)
	}
	if got := values(reply.GetRecord(), servertest.Phone); !slices.Equal(got, []string{"138"}) {
		t.Errorf("after the decision: %v", got)
	}
	history := o.get(id).GetHistory()
	if len(history) != 4 || history[3].GetAuthor() != "office" || string(history[3].GetDot()) != string(reply.GetDot()) {
		t.Errorf("history of %d, last %v", len(history), history[len(history)-1])
	}
	list, err = o.Records.ListConflicts(o.Context(), &syncv1.ListConflictsRequest{Shard: o.shard})
	if err != nil || len(list.GetRecords()) != 0 {
		t.Errorf("conflicts left: %v, %v", list, err)
	}
}

// What was not on the screen is not replaced by the decision.
func TestDecisionLeavesWhatWasNotShown(t *testing.T) {
	o := newOffice(t)
	id := o.conflict()
	one := shown(o.get(id).GetRecord(), servertest.Phone)[:1]
	reply, err := o.Records.Resolve(o.Context(), &syncv1.ResolveRequest{
		Shard: o.shard, Record: id[:], Author: "office", Resolutions: []*syncv1.RegisterChange{{
			Path: []byte(servertest.Phone), Parents: one,
			Value: &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: []byte("130")},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := values(reply.GetRecord(), servertest.Phone); len(got) != 2 {
		t.Errorf("values %v", got)
	}
}

func TestOfficeSavesVoidsAndMoves(t *testing.T) {
	o := newOffice(t)
	text := func(s string) *syncv1.RegisterValue {
		return &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: []byte(s)}
	}
	saved, err := o.Records.Save(o.Context(), &syncv1.SaveRequest{Shard: o.shard, Author: "office", Saves: []*syncv1.OfficeSave{
		{Kind: uint32(servertest.Note), Changes: []*syncv1.RegisterChange{
			{Path: []byte(record.PathScope), Value: text(string(servertest.Village))},
			{Path: []byte(servertest.Phone), Value: text("139")},
		}},
		{Kind: uint32(servertest.Note), Changes: []*syncv1.RegisterChange{
			{Path: []byte(record.PathScope), Value: text(string(servertest.Village))},
		}},
	}})
	if err != nil || len(saved.GetSaved()) != 2 {
		t.Fatal(saved, err)
	}
	id := record.ID(saved.GetSaved()[0].GetRecord())
	r := o.get(id).GetRecord()
	if got := values(r, servertest.Phone); !slices.Equal(got, []string{"139"}) || r.GetKind() != uint32(servertest.Note) {
		t.Errorf("saved %v", r)
	}
	if _, err := o.Records.Move(o.Context(), &syncv1.MoveRequest{
		Shard: o.shard, Record: id[:], Author: "office", Division: string(servertest.Village2), Parents: shown(r, record.PathScope),
	}); err != nil {
		t.Fatal(err)
	}
	if r = o.get(id).GetRecord(); !slices.Equal(r.GetDivisions(), []string{string(servertest.Village2)}) {
		t.Errorf("moved to %v", r.GetDivisions())
	}
	if _, err := o.Records.Void(o.Context(), &syncv1.VoidRequest{
		Shard: o.shard, Record: id[:], Author: "office", Reason: "entered twice", Parents: shown(r, record.PathLife),
	}); err != nil {
		t.Fatal(err)
	}
	if r = o.get(id).GetRecord(); !slices.Contains(r.GetFlags(), syncv1.RecordFlag_RECORD_FLAG_VOIDED) {
		t.Errorf("flags %v", r.GetFlags())
	}
}

func TestRequestsOfTheOfficeAreChecked(t *testing.T) {
	o := newOffice(t)
	id := o.conflict()
	text := &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: []byte("1")}
	parents := shown(o.get(id).GetRecord(), servertest.Phone)
	resolve := func(rec []byte, author string, changes ...*syncv1.RegisterChange) error {
		_, err := o.Records.Resolve(o.Context(), &syncv1.ResolveRequest{
			Shard: o.shard, Record: rec, Author: author, Resolutions: changes,
		})
		return err
	}
	phone := func(v *syncv1.RegisterValue, parents ...[]byte) *syncv1.RegisterChange {
		return &syncv1.RegisterChange{Path: []byte(servertest.Phone), Value: v, Parents: parents}
	}
	save := func(saves ...*syncv1.OfficeSave) error {
		_, err := o.Records.Save(o.Context(), &syncv1.SaveRequest{Shard: o.shard, Author: "office", Saves: saves})
		return err
	}
	unknown, err := record.NewID(servertest.Note, time.Unix(1e9, 0), zero{})
	if err != nil {
		t.Fatal(err)
	}
	const wrong, missing, much = syncv1.Reason_REASON_INVALID, syncv1.Reason_REASON_NOT_FOUND, syncv1.Reason_REASON_TOO_MUCH
	erased := &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_ERASED}
	act := &syncv1.OfficeSave{Kind: 2, Changes: []*syncv1.RegisterChange{phone(text)}}
	wantReason(t, "nothing decided", resolve(id[:], "office"), much)
	wantReason(t, "nothing shown", resolve(id[:], "office", phone(text)), wrong)
	wantReason(t, "nobody decides", resolve(id[:], "", phone(text, parents...)), wrong)
	wantReason(t, "dot cut", resolve(id[:], "office", phone(text, parents[0][:8])), wrong)
	wantReason(t, "erased by nobody's order", resolve(id[:], "office", phone(erased, parents...)), wrong)
	wantReason(t, "no value", resolve(id[:], "office", phone(nil, parents...)), wrong)
	wantReason(t, "no path", resolve(id[:], "office", &syncv1.RegisterChange{Value: text, Parents: parents}), wrong)
	wantReason(t, "record cut", resolve(id[:9], "office", phone(text, parents...)), wrong)
	wantReason(t, "no such record", resolve(unknown[:], "office", phone(text, parents...)), missing)
	wantReason(t, "an act by the back door", save(act), wrong)
	wantReason(t, "kind too large", save(&syncv1.OfficeSave{Kind: 1 << 20}), wrong)
	wantReason(t, "no saves", save(), much)

	_, err = o.Records.List(o.Context(), &syncv1.ListRequest{Shard: o.shard, PageToken: "x"})
	wantReason(t, "invented token", err, wrong)
	_, err = o.Records.List(o.Context(), &syncv1.ListRequest{Shard: o.shard, Flags: []syncv1.RecordFlag{99}})
	wantReason(t, "flag of the future", err, wrong)
	_, err = o.Records.List(o.Context(), &syncv1.ListRequest{Shard: o.shard, Filter: &syncv1.RecordFilter{
		Divisions: slices.Repeat([]string{"1"}, 65),
	}})
	wantReason(t, "many divisions", err, much)
	_, err = o.Records.CreateInvitation(o.Context(), &syncv1.CreateInvitationRequest{
		Shard: o.shard, Role: syncv1.Role_ROLE_CENTRE, Staff: []string{"x"}, Divisions: []string{""}, PrivacyClasses: []uint32{1},
	})
	wantReason(t, "invitation for a centre", err, wrong)
	for _, division := range []string{"330106001001", "1304", ""} {
		_, err = o.Records.CreateInvitation(o.Context(), &syncv1.CreateInvitationRequest{
			Shard: o.shard, Role: syncv1.Role_ROLE_TABLET, Staff: []string{"x"}, Divisions: []string{"130403001001", division}, PrivacyClasses: []uint32{1},
		})
		wantReason(t, "invitation for division "+division+", which is not in the county", err, wrong)
	}
	_, err = o.Records.RuleGap(o.Context(), &syncv1.RuleGapRequest{Shard: o.shard, Author: "office", Replica: make([]byte, 16)})
	wantReason(t, "gap of nobody", err, wrong)
	_, err = o.Records.Get(o.Context(), &syncv1.GetRequest{Shard: o.shard, Record: unknown[:]})
	wantReason(t, "get", err, missing)
}

type zero struct{}

func (zero) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestListsComePageByPage(t *testing.T) {
	o := newOffice(t)
	d := o.Enrol(servertest.Doctor("zhang"))
	want := map[string]bool{}
	for i := range 45 {
		village := servertest.Village
		if i%3 == 0 {
			village = servertest.Village2
		}
		id, _ := d.Create(village, fmt.Sprint(i))
		if village == servertest.Village {
			want[id.String()] = true
		}
	}
	d.PushSegments(d.Seal())
	ask := &syncv1.ListRequest{
		Shard: o.shard, PageSize: 7, View: syncv1.RecordView_RECORD_VIEW_FULL,
		Filter: &syncv1.RecordFilter{Divisions: []string{string(servertest.Village)}, Kind: uint32(servertest.Note)},
	}
	last := uint64(0)
	for pages := 1; ; pages++ {
		reply, err := o.Records.List(o.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range reply.GetRecords() {
			if r.GetPosition() <= last || len(values(r, servertest.Phone)) != 1 {
				t.Errorf("record %v after position %d", r, last)
			}
			last = r.GetPosition()
			delete(want, record.ID(r.GetId()).String())
		}
		if ask.PageToken = reply.GetNextPageToken(); ask.GetPageToken() == "" {
			if pages != 5 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	if len(want) > 0 {
		t.Errorf("%d records did not come", len(want))
	}
	ask.Filter.Kind++
	ask.PageToken = ""
	if reply, err := o.Records.List(o.Context(), ask); err != nil || len(reply.GetRecords()) > 0 {
		t.Errorf("of another kind: %v, %v", reply, err)
	}
}

func TestHistoryComesPageByPage(t *testing.T) {
	o := newOffice(t)
	d := o.Enrol(servertest.Doctor("zhang"))
	id, scope := d.Create(servertest.Village, "0")
	for i, dot := 1, scope; i < 25; i++ {
		dot = d.Edit(id, servertest.Village, scope, servertest.Set(servertest.Phone, fmt.Sprint(i), dot))
	}
	d.PushSegments(d.Seal())
	ask := &syncv1.GetRequest{Shard: o.shard, Record: id[:], HistorySize: 10}
	var got []string
	for {
		reply, err := o.Records.Get(o.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range reply.GetHistory() {
			for _, c := range r.GetChanges() {
				if string(c.GetPath()) == string(servertest.Phone) {
					got = append(got, string(c.GetValue().GetPresent()))
				}
			}
		}
		if ask.HistoryToken = reply.GetNextHistoryToken(); ask.GetHistoryToken() == "" {
			break
		}
	}
	if len(got) != 25 || got[0] != "0" || got[24] != "24" {
		t.Errorf("history %v", got)
	}
}

func TestHeldSavesAreListedReleasedAndWithdrawn(t *testing.T) {
	o := newOffice(t)
	d := o.Enrol(servertest.Doctor("zhang"))
	const outside record.Division = "130404001001"
	type save struct {
		id  record.ID
		dot causal.Dot
	}
	var saves []save
	for i := range 5 {
		id, dot := d.Create(outside, fmt.Sprint(i))
		d.Edit(id, outside, dot, servertest.Set(servertest.Phone, "x", dot))
		saves = append(saves, save{id, dot})
	}
	d.PushSegments(d.Seal())
	held := func() (out []*syncv1.HeldRevision) {
		ask := &syncv1.ListHeldRequest{Shard: o.shard, PageSize: 3}
		for {
			reply, err := o.Records.ListHeld(o.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, reply.GetHeld()...)
			if ask.PageToken = reply.GetNextPageToken(); ask.GetPageToken() == "" {
				return out
			}
		}
	}
	before := held()
	if len(before) != 10 {
		t.Fatalf("%d held", len(before))
	}
	if v := before[0].GetRevision().GetVerdict(); v != syncv1.Verdict_VERDICT_HELD_SCOPE {
		t.Errorf("verdict %v", v)
	}
	one := saves[2]
	if _, err := o.Records.Release(o.Context(), &syncv1.ReleaseRequest{
		Shard: o.shard, Record: one.id[:], Dot: one.dot.Append(nil), Author: "office", Reason: "lent for a week",
	}); err != nil {
		t.Fatal(err)
	}
	if got := values(o.get(one.id).GetRecord(), servertest.Phone); !slices.Equal(got, []string{"2"}) {
		t.Errorf("released: %v", got)
	}
	if now := held(); len(now) != 9 {
		t.Errorf("%d held after one was released", len(now))
	}
	if _, err := o.Records.Withdraw(o.Context(), &syncv1.WithdrawRequest{
		Shard: o.shard, Record: one.id[:], Dot: one.dot.Append(nil), Author: "office", Reason: "mistake",
	}); err != nil {
		t.Fatal(err)
	}
	if now := held(); len(now) != 10 {
		t.Errorf("%d held after it was withdrawn", len(now))
	}
}

func TestErasedSaveKeepsItsPlaceInHistory(t *testing.T) {
	o := newOffice(t)
	d := o.Enrol(servertest.Doctor("zhang"))
	id, dot := d.Create(servertest.Village, "139")
	d.PushSegments(d.Seal())
	if _, err := o.Records.Erase(o.Context(), &syncv1.EraseRequest{
		Shard: o.shard, Record: id[:], Dot: dot.Append(nil), Author: "office", Reason: "order 12/2026",
	}); err != nil {
		t.Fatal(err)
	}
	reply := o.get(id)
	for _, c := range reply.GetHistory()[0].GetChanges() {
		if len(c.GetValue().GetPresent()) > 0 {
			t.Errorf("still there: %v", c)
		}
	}
}

func TestFenceAndItsLifting(t *testing.T) {
	o := newOffice(t)
	d := o.Enrol(servertest.Doctor("zhang"))
	d.Create(servertest.Village, "139")
	d.PushSegments(d.Seal())
	replica := d.Cert.Replica()
	fence := func(lift bool) {
		if _, err := o.Records.Fence(o.Context(), &syncv1.FenceRequest{
			Shard: o.shard, Replica: replica[:], Author: "office", Reason: "lost", Lift: lift,
		}); err != nil {
			t.Fatal(err)
		}
	}
	info := func() *syncv1.ReplicaInfo {
		reply, err := o.Records.ListReplicas(o.Context(), &syncv1.ListReplicasRequest{Shard: o.shard})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range reply.GetReplicas() {
			if string(r.GetReplica()) == string(replica[:]) {
				return r
			}
		}
		t.Fatal("the replica is not listed")
		return nil
	}
	fence(false)
	if i := info(); !i.GetRevoked() || i.GetLastCounter() != 1 || !slices.Equal(i.GetCertificate().GetStaff(), []string{"zhang"}) {
		t.Errorf("fenced: %v", i)
	}
	fence(true)
	if info().GetRevoked() {
		t.Error("still revoked")
	}
	if _, err := d.Pull(session.PullRequest{}); err != nil {
		t.Error(err)
	}
}

func TestOfficeRulesAGapThatBlocks(t *testing.T) {
	o := newOffice(t)
	d := o.Enrol(servertest.Doctor("zhang"))
	d.Create(servertest.Village, "1")
	d.PushSegments(d.Seal())
	d.Create(servertest.Village, "lost")
	d.Seal()
	id, _ := d.Create(servertest.Village, "3")
	third := d.Seal()
	reply, err := d.Push(session.PushRequest{Segments: [][]byte{third.Bytes()}})
	if err != nil || reply.Results[0].Outcome != session.OutcomeGap || reply.Results[0].Expects != 2 {
		t.Fatalf("%+v, %v", reply, err)
	}
	replica := d.Cert.Replica()
	list, err := o.Records.ListReplicas(o.Context(), &syncv1.ListReplicasRequest{Shard: o.shard, PageSize: 1})
	var missing *syncv1.CounterRun
	for err == nil {
		for _, r := range list.GetReplicas() {
			if string(r.GetReplica()) == string(replica[:]) {
				missing = r.GetMissing()
			}
		}
		if list.GetNextPageToken() == "" {
			break
		}
		list, err = o.Records.ListReplicas(o.Context(), &syncv1.ListReplicasRequest{
			Shard: o.shard, PageSize: 1, PageToken: list.GetNextPageToken(),
		})
	}
	if err != nil || missing.GetFromCounter() != 2 || missing.GetToCounter() != 2 {
		t.Fatalf("missing %v, %v", missing, err)
	}
	if _, err := o.Records.RuleGap(o.Context(), &syncv1.RuleGapRequest{
		Shard: o.shard, Replica: replica[:], Runs: []*syncv1.CounterRun{missing}, Author: "office", Reason: "tablet fell into the river",
	}); err != nil {
		t.Fatal(err)
	}
	d.PushSegments(third)
	o.get(id)
}

func TestOfficeInvites(t *testing.T) {
	o := newOffice(t)
	reply, err := o.Records.CreateInvitation(o.Context(), &syncv1.CreateInvitationRequest{
		Shard: o.shard, Role: syncv1.Role_ROLE_HUB, Staff: []string{"wang"}, Divisions: []string{"130403"},
		PrivacyClasses: []uint32{1, 2}, Label: "clinic 3",
	})
	if err != nil {
		t.Fatal(err)
	}
	i, err := session.ParseInvitation(reply.GetInvitation())
	if err != nil || i.Code != reply.GetCode() || i.Pin != o.Pin() || i.Addresses[0] != o.Address() {
		t.Errorf("%+v, %v", i, err)
	}
	if got := time.UnixMilli(reply.GetExpiresAtMs()).Sub(o.Clock.Now()); got != 24*time.Hour {
		t.Errorf("good for %v", got)
	}
	c := o.Stranger()
	enrolled, err := c.Enrolment.Enrol(c.Context(), &syncv1.EnrolRequest{Shard: o.shard, Code: i.Code, PublicKey: public(newKey(t))})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := segment.ParseCertificate(enrolled.GetCertificate(), enrolled.GetShardKey())
	if err != nil || cert.Role != segment.RoleHub || cert.Label != "clinic 3" {
		t.Errorf("%+v, %v", cert, err)
	}
}

func TestCheckpointAndSums(t *testing.T) {
	o := newOffice(t)
	rights := servertest.Doctor("zhang")
	rights.Classes = append(rights.Classes, record.ClassSensitive)
	d := o.Enrol(rights)
	d.Create(servertest.Village, "1")
	d.Create(servertest.Village, "2")
	d.Create(servertest.Village2, "3")
	d.Save(servertest.Secret, record.Revision{Changes: []record.Change{servertest.Set(record.PathScope, string(servertest.Village))}})
	d.PushSegments(d.Seal())
	reply, err := o.Records.GetCheckpoint(o.Context(), &syncv1.GetCheckpointRequest{Shard: o.shard})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ledger.OpenCheckpoint(reply.GetCheckpoint(), o.County.Engine.ShardKey())
	if err != nil || uint64(c.Size) != reply.GetLedgerSize() || c.Epoch.Number != reply.GetEpoch().GetNumber() || reply.GetStopped() {
		t.Errorf("%+v, %v, %v", c, reply, err)
	}
	var got []string
	ask := &syncv1.ListSumsRequest{Shard: o.shard, PageSize: 2}
	for {
		sums, err := o.Records.ListSums(o.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sums.GetSums() {
			got = append(got, fmt.Sprintf("%d %s %d", s.GetPrivacyClass(), s.GetDivision(), s.GetCount()))
		}
		if ask.PageToken = sums.GetNextPageToken(); ask.GetPageToken() == "" {
			break
		}
	}
	want := []string{"1 130403001001 2", "1 130403001002 1", "2 130403001001 1"}
	if !slices.Equal(got, want) {
		t.Errorf("sums %q, want %q", got, want)
	}
}

func TestVerifyReportsOverTheWire(t *testing.T) {
	o := newOffice(t)
	o.conflict()
	d := o.Enrol(servertest.Doctor("li"))
	for range 5 { // 300 leaves: enough for progress to be said
		var some []*segment.Segment
		for range 60 {
			d.Create(servertest.Village, "1")
			some = append(some, d.Seal())
		}
		d.PushSegments(some...)
	}
	stream, err := o.Records.Verify(o.Context(), &syncv1.VerifyRequest{Shard: o.shard, Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	var report *syncv1.VerifyReport
	steps := 0
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.GetReport() == nil {
			steps++
		}
		report = m.GetReport()
	}
	if report == nil || !report.GetReplayed() || len(report.GetViolations()) > 0 || report.GetRecords() < 300 {
		t.Errorf("report %v", report)
	}
	if steps == 0 {
		t.Error("no progress was said")
	}
}
