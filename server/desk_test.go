// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

const (
	township                       = record.Division("130403001")
	elsewhere      record.Division = "130403002001"
	kindHomeVisit                  = care.KindHomeVisit
	kindVerify     record.Kind     = 43
	kindSatisfied  record.Kind     = 38
	rights                         = syncv1.Reason_REASON_RIGHTS
	notFoundReason                 = syncv1.Reason_REASON_NOT_FOUND
	codeReason                     = syncv1.Reason_REASON_CODE
)

// invite makes a code and returns how a key takes it as an installation of a role.
func (p population) invite(staff string, as segment.Role) func(key ed25519.PublicKey, role syncv1.Role) error {
	p.t.Helper()
	r := servertest.Clerk(staff)
	r.Role = as
	i, err := p.Invite(p.t.Context(), p.County, r, time.Hour)
	if err != nil {
		p.t.Fatal(err)
	}
	stranger := p.Stranger()
	return func(key ed25519.PublicKey, role syncv1.Role) error {
		_, err := stranger.Enrolment.Enrol(stranger.Context(), &syncv1.EnrolRequest{
			Shard: i.Shard[:], Code: i.Code, PublicKey: key, Role: role,
		})
		return err
	}
}

func publicKey(t *testing.T) ed25519.PublicKey {
	t.Helper()
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestACodeForADeskIsForNoTabletAndTheOtherWayRound(t *testing.T) {
	p := newPopulation(t)
	key := publicKey(t)
	desk := p.invite("zhao", segment.RoleOffice)
	for name, role := range map[string]syncv1.Role{"an older program": 0, "a tablet": syncv1.Role_ROLE_TABLET, "a hub": syncv1.Role_ROLE_HUB} {
		if got := transport.ReasonOf(desk(key, role)); got != codeReason {
			t.Errorf("%s with a desk's code: %s", name, transport.ReasonName(got))
		}
	}
	if err := desk(key, syncv1.Role_ROLE_OFFICE); err != nil {
		t.Errorf("the desk itself, afterwards: %v", err)
	}
	for name, role := range map[string]segment.Role{"tablet": segment.RoleTablet, "hub": segment.RoleHub} {
		code := p.invite("zhao", role)
		if got := transport.ReasonOf(code(publicKey(t), syncv1.Role_ROLE_OFFICE)); got != codeReason {
			t.Errorf("a desk with a %s's code: %s", name, transport.ReasonName(got))
		}
		if err := code(publicKey(t), 0); err != nil {
			t.Errorf("the %s itself, afterwards: %v", name, err)
		}
	}
}

func TestAKeyIsADesksOrATabletsForEver(t *testing.T) {
	p := newPopulation(t)
	desk, tablet := p.Enrol(servertest.Clerk("zhao")), p.Enrol(servertest.Doctor("zhang"))
	asTablet, asDesk := p.invite("zhao", segment.RoleTablet), p.invite("zhang", segment.RoleOffice)
	const invalid = syncv1.Reason_REASON_INVALID
	if got := transport.ReasonOf(asTablet(desk.Cert.PublicKey, 0)); got != invalid {
		t.Errorf("a desk's key as a tablet's: %s", transport.ReasonName(got))
	}
	if got := transport.ReasonOf(asDesk(tablet.Cert.PublicKey, syncv1.Role_ROLE_OFFICE)); got != invalid {
		t.Errorf("a tablet's key as a desk's: %s", transport.ReasonName(got))
	}
	if err := desk.LoginAgain(); err != nil {
		t.Error(err)
	}
	shard := p.County.Shard()
	if _, err := desk.Sync.Hello(desk.Context(), &syncv1.HelloRequest{Shard: shard[:]}); transport.ReasonOf(err) != rights {
		t.Errorf("a desk says hello: %v", err)
	}
}

func TestWhatADesksKeySealedIsHeldByWhateverWayItComes(t *testing.T) {
	p := newPopulation(t)
	desk, tablet := p.Enrol(servertest.Clerk("zhao")), p.Enrol(servertest.Doctor("zhang"))
	id, _ := desk.Save(kindHomeVisit, record.Revision{Author: "zhao", Changes: []record.Change{
		servertest.Set(record.PathScope, string(servertest.Village)),
	}})
	sealed := desk.Seal()
	reply, err := tablet.Push(session.PushRequest{Certificates: [][]byte{desk.Cert.Raw}, Segments: [][]byte{sealed.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	if r := reply.Results[0]; r.Outcome != session.OutcomeStored || len(r.Verdicts) != 1 || r.Verdicts[0] != ledger.HeldAuthor {
		t.Errorf("a desk's segment in a tablet's push: %+v", r)
	}
	v, err := p.County.Engine.Get(t.Context(), id)
	if err != nil || len(v.State.Registers()) > 0 {
		t.Errorf("it says %v, %v", v.State.Registers(), err)
	}
}

// saveAs saves a form through a caller's session and returns the record.
func (p population) saveAs(c *servertest.Caller, author string, kind record.Kind, id record.ID, form proto.Message, division record.Division) ([]byte, error) {
	p.t.Helper()
	changes, err := care.Diff(kind, nil, form)
	if err != nil {
		p.t.Fatal(err)
	}
	if division != "" {
		changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(division))})
	}
	one := &syncv1.OfficeSave{Kind: uint32(kind)}
	if !id.IsZero() {
		one = &syncv1.OfficeSave{Record: id[:]}
	}
	for _, ch := range changes {
		one.Changes = append(one.Changes, &syncv1.RegisterChange{
			Path: []byte(ch.Path), Value: &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: ch.Value.Bytes},
		})
	}
	shard := p.County.Shard()
	reply, err := c.Records.Save(c.Context(), &syncv1.SaveRequest{Shard: shard[:], Author: author, Saves: []*syncv1.OfficeSave{one}})
	if err != nil {
		return nil, err
	}
	return reply.GetSaved()[0].GetRecord(), nil
}

func TestADeskSavesItsFormsWithinItsScopeOnly(t *testing.T) {
	p := newPopulation(t)
	desk := p.Enrol(servertest.Clerk("zhao", township))
	check := &carev1.Verification{ServiceDate: 20260228, DoctorId: "zhao"}
	raw, err := p.saveAs(desk.Caller, "zhao", kindVerify, record.ID{}, check, servertest.Village)
	if err != nil {
		t.Fatal(err)
	}
	mine := record.ID(raw)
	outside := p.save(syncengineSave(t, kindVerify, check), elsewhere)
	visit := p.save(syncengineSave(t, kindHomeVisit, &carev1.HomeVisit{ServiceDate: 20260228}), servertest.Village)
	resident := p.register("王演示", aNumber, servertest.Village)
	other := &carev1.Verification{ServiceDate: 20260301}
	for name, c := range map[string]struct {
		author   string
		kind     record.Kind
		id       record.ID
		form     proto.Message
		division record.Division
		want     syncv1.Reason
	}{
		"its own record again":                  {"zhao", kindVerify, mine, other, "", unspecified},
		"a survey":                              {"zhao", kindSatisfied, record.ID{}, &carev1.SatisfactionSurvey{ServiceDate: 20260228}, servertest.Village2, unspecified},
		"in another's name":                     {"qian", kindVerify, record.ID{}, check, servertest.Village, rights},
		"in nobody's name":                      {"", kindVerify, record.ID{}, check, servertest.Village, syncv1.Reason_REASON_INVALID},
		"in another township":                   {"zhao", kindVerify, record.ID{}, check, elsewhere, rights},
		"in the county as a whole":              {"zhao", kindVerify, record.ID{}, check, "130403000000", rights},
		"nowhere":                               {"zhao", kindVerify, record.ID{}, check, "", rights},
		"a record of another township":          {"zhao", kindVerify, outside, other, "", notFoundReason},
		"one of another township, pulled over":  {"zhao", kindVerify, outside, other, servertest.Village, notFoundReason},
		"its own, pushed out":                   {"zhao", kindVerify, mine, other, elsewhere, rights},
		"a visit that the tablets saved":        {"zhao", kindHomeVisit, visit, &carev1.HomeVisit{ServiceDate: 20260301}, "", rights},
		"a new visit":                           {"zhao", kindHomeVisit, record.ID{}, &carev1.HomeVisit{ServiceDate: 20260301}, servertest.Village, rights},
		"a resident's name":                     {"zhao", care.KindResident, resident, &carev1.Resident{Name: "李演示"}, "", rights},
		"itself a role":                         {"zhao", care.KindStaff, record.ID{}, &carev1.Staff{StaffId: "zhao"}, servertest.Village, rights},
		"rules":                                 {"zhao", care.KindRulePack, record.ID{}, &carev1.RulePack{}, servertest.Village, rights},
		"a change of codes":                     {"zhao", care.KindDivisionChange, record.ID{}, &carev1.DivisionChange{OldCode: "130403001"}, servertest.Village, rights},
		"a link":                                {"zhao", care.KindResidentLink, record.ID{}, &carev1.ResidentLink{}, servertest.Village, rights},
		"the access log":                        {"zhao", care.KindAccessEntry, record.ID{}, &carev1.AccessEntry{AtMs: 1}, servertest.Village, rights},
		"a kind of a class that it has not got": {"zhao", 52, record.ID{}, nil, servertest.Village, rights},
	} {
		form := c.form
		if form == nil {
			form, _ = care.New(c.kind)
		}
		_, err := p.saveAs(desk.Caller, c.author, c.kind, c.id, form, c.division)
		if got := transport.ReasonOf(err); got != c.want {
			t.Errorf("%s: %s, want %s (%v)", name, transport.ReasonName(got), transport.ReasonName(c.want), err)
		}
	}
	v, err := p.County.Engine.Get(t.Context(), outside)
	if m, merr := care.Message(kindVerify, v.State.Registers()); err != nil || merr != nil || m.(*carev1.Verification).GetServiceDate() != 20260228 {
		t.Errorf("the other township's: %v, %v, %v", m, err, merr)
	}
}

// The operator may not write the access log either: it is the server that says what left.
func TestNobodyWritesOrVoidsTheAccessLogByHand(t *testing.T) {
	p := newPopulation(t)
	entry := p.save(syncengineSave(t, care.KindAccessEntry, &carev1.AccessEntry{AtMs: 1, Author: "zhao"}), "130403000000")
	operator, shard := p.Operator(), p.County.Shard()
	if _, err := p.saveAs(operator, "li", care.KindAccessEntry, record.ID{}, &carev1.AccessEntry{AtMs: 1}, "130403000000"); transport.ReasonOf(err) != rights {
		t.Errorf("a new entry: %v", err)
	}
	if _, err := p.saveAs(operator, "li", care.KindAccessEntry, entry, &carev1.AccessEntry{Author: "qian"}, ""); transport.ReasonOf(err) != rights {
		t.Errorf("an entry changed: %v", err)
	}
	if _, err := operator.Records.Void(operator.Context(), &syncv1.VoidRequest{Shard: shard[:], Record: entry[:], Author: "li", Reason: "x"}); transport.ReasonOf(err) != rights {
		t.Errorf("an entry made void: %v", err)
	}
}

func TestADeskReviewsFormsWithinItsScopeAndItsLevel(t *testing.T) {
	p := newPopulation(t)
	clerk, bureau := p.Enrol(servertest.Clerk("zhao", township)), p.Enrol(servertest.Clerk("qian"))
	visit := p.save(syncengineSave(t, kindHomeVisit, &carev1.HomeVisit{ServiceDate: 20260228}), servertest.Village)
	outside := p.save(syncengineSave(t, kindHomeVisit, &carev1.HomeVisit{ServiceDate: 20260228}), elsewhere)
	review := func(level string) *carev1.HomeVisit {
		return &carev1.HomeVisit{Reviews: map[string]*carev1.Review{level: {State: carev1.ReviewState_REVIEW_STATE_CHECKED, ReviewerId: "zhao"}}}
	}
	mixed := review("1")
	mixed.ServiceDate = 20260301
	for name, c := range map[string]struct {
		by     *servertest.Device
		author string
		id     record.ID
		form   *carev1.HomeVisit
		want   syncv1.Reason
	}{
		"the township's first level":  {clerk, "zhao", visit, review("1"), unspecified},
		"its second":                  {clerk, "zhao", visit, review("2"), unspecified},
		"the county's, at a township": {clerk, "zhao", visit, review("3"), rights},
		"the county's, at its desk":   {bureau, "qian", visit, review("3"), unspecified},
		"another township's form":     {clerk, "zhao", outside, review("1"), notFoundReason},
		"the bureau, anywhere":        {bureau, "qian", outside, review("1"), unspecified},
		"a review with a correction":  {clerk, "zhao", visit, mixed, rights},
		"nothing at all":              {clerk, "zhao", visit, &carev1.HomeVisit{}, rights},
	} {
		_, err := p.saveAs(c.by.Caller, c.author, kindHomeVisit, c.id, c.form, "")
		if got := transport.ReasonOf(err); got != c.want {
			t.Errorf("%s: %s, want %s", name, transport.ReasonName(got), transport.ReasonName(c.want))
		}
	}
}

func TestADeskIsShownRecordsWithoutWhatIsPersonal(t *testing.T) {
	p := newPopulation(t)
	desk, shard := p.Enrol(servertest.Clerk("zhao", township)), p.County.Shard()
	inside, outside := p.register("王演示", aNumber, servertest.Village), p.register("李演示", aNumber, elsewhere)
	get := func(id record.ID) (*syncv1.GetResponse, error) {
		return desk.Records.Get(desk.Context(), &syncv1.GetRequest{Shard: shard[:], Record: id[:], HistorySize: 10})
	}
	m, err := get(inside)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, g := range m.GetRecord().GetRegisters() {
		shown[care.FormatPath(care.KindResident, record.Path(g.GetPath()))] = true
	}
	for _, r := range m.GetHistory() {
		for _, ch := range r.GetChanges() {
			shown[care.FormatPath(care.KindResident, record.Path(ch.GetPath()))] = true
		}
	}
	if !shown["sex"] || !shown["scope"] || len(m.GetHistory()) != 1 {
		t.Errorf("shown: %v", shown)
	}
	for _, hidden := range []string{"name", "identity_document", "birth_date", "phone"} {
		if shown[hidden] {
			t.Errorf("%s is shown", hidden)
		}
	}
	if _, err := get(outside); transport.ReasonOf(err) != notFoundReason {
		t.Errorf("a resident elsewhere: %v", err)
	}
	operator := p.Operator()
	whole, err := operator.Records.Get(operator.Context(), &syncv1.GetRequest{Shard: shard[:], Record: inside[:]})
	if err != nil || len(whole.GetRecord().GetRegisters()) <= len(m.GetRecord().GetRegisters()) {
		t.Errorf("the operator sees no more: %v, %v", whole, err)
	}
}

func TestADeskRenewsAndIsCutOffLikeATablet(t *testing.T) {
	s := servertest.Start(t, func(c *server.Config) { c.Schema, c.CertificateLife = care.Kinds(), 48*time.Hour })
	p := population{s, t}
	desk, shard := s.Enrol(servertest.Clerk("zhao")), s.County.Shard()
	id := p.register("王演示", aNumber, servertest.Village)
	get := func() syncv1.Reason {
		_, err := desk.Records.Get(desk.Context(), &syncv1.GetRequest{Shard: shard[:], Record: id[:]})
		return transport.ReasonOf(err)
	}
	login := func() {
		t.Helper()
		if err := desk.LoginAgain(); err != nil {
			t.Fatal(err)
		}
	}
	s.Clock.Move(49 * time.Hour)
	login()
	if got := get(); got != syncv1.Reason_REASON_EXPIRED {
		t.Errorf("expired: %s", transport.ReasonName(got))
	}
	if _, err := desk.Enrolment.Renew(desk.Context(), &syncv1.RenewRequest{Shard: shard[:]}); err != nil {
		t.Fatal(err)
	}
	if got := get(); got != unspecified {
		t.Errorf("renewed, in the same session: %s", transport.ReasonName(got))
	}
	login() // still with the older certificate
	if got := get(); got != unspecified {
		t.Errorf("renewed, signed in anew: %s", transport.ReasonName(got))
	}
	if err := s.County.Engine.Fence(t.Context(), "office", desk.Cert.Replica(), "left"); err != nil {
		t.Fatal(err)
	}
	if got := get(); got != syncv1.Reason_REASON_REVOKED {
		t.Errorf("cut off: %s", transport.ReasonName(got))
	}
	if _, err := desk.Enrolment.Renew(desk.Context(), &syncv1.RenewRequest{Shard: shard[:]}); transport.ReasonOf(err) != syncv1.Reason_REASON_REVOKED {
		t.Errorf("cut off, renews: %v", err)
	}
}

func TestADeskListsWhatIsFoundInItsScopeAndClasses(t *testing.T) {
	c := newClinic(t)
	c.seen(servertest.Village)
	c.seen(elsewhere)
	all := servertest.Clerk("zhao", township)
	general := servertest.Clerk("qian", township)
	general.Classes = general.Classes[:1]
	desk, plain := c.Enrol(all), c.Enrol(general)
	c.follow()
	count := func(by *servertest.Caller) (sets, counted int) {
		t.Helper()
		m, err := officev1grpc.NewFindingServiceClient(by.Conn).ListFindings(by.Context(), &officev1.ListFindingsRequest{Shard: c.shard})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.GetSets() {
			sets += len(s.GetFindings())
		}
		for _, n := range m.GetCounts() {
			counted += int(n.GetFindings())
		}
		return sets, counted
	}
	for name, one := range map[string]struct {
		by   *servertest.Caller
		want int
	}{"the operator": {c.caller, 4}, "a township's desk": {desk.Caller, 2}, "one without the sensitive class": {plain.Caller, 1}} {
		if sets, counted := count(one.by); sets != one.want || counted != one.want {
			t.Errorf("%s is shown %d, counted %d, want %d", name, sets, counted, one.want)
		}
	}
}
