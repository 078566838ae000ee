// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/transport"
)

// doubtful is a server whose county has the rules of the program.
func doubtful(t *testing.T) (*clinic, officev1grpc.AuthenticityServiceClient) {
	t.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, func(c *server.Config) {
		c.Schema, c.Rules, c.CertificateLife = care.Kinds(), pack, 48*time.Hour
	})
	shard := s.County.Shard()
	c := &clinic{Server: s, t: t, caller: s.Operator(), shard: shard[:]}
	return c, officev1grpc.NewAuthenticityServiceClient(c.caller.Conn)
}

// onePen saves home visits to so many homes that were all written at one point.
func (c *clinic) onePen(homes int, division record.Division) {
	c.t.Helper()
	household, _ := care.KindNamed("household")
	point := &carev1.Position{LatitudeDegX1000000: proto.Int32(25_500_000), LongitudeDegX1000000: proto.Int32(111_600_000), AccuracyM: proto.Int32(5)}
	for i := range homes {
		home := c.save(household, &carev1.Household{RegisteredOn: 20250101, Position: &carev1.Position{
			LatitudeDegX1000000: proto.Int32(25_500_000 + int32(i+1)*3000), LongitudeDegX1000000: proto.Int32(111_600_000), AccuracyM: proto.Int32(5),
		}}, division, record.ID{})
		resident := c.save(care.KindResident, &carev1.Resident{Name: fmt.Sprint("王试", i), HouseholdId: home[:]}, division, record.ID{})
		began := time.Date(2026, 3, 10, 1, 20*i, 0, 0, time.UTC)
		c.save(care.KindHomeVisit, &carev1.HomeVisit{
			ServiceDate: 20260310, DoctorId: "li", OrganisationCode: "C1", HouseholdId: home[:], Position: point,
			Stay: &carev1.Stay{ArrivedAtMs: began.UnixMilli(), LeftAtMs: began.Add(10 * time.Minute).UnixMilli()},
		}, division, resident)
	}
}

func TestTheOfficeSeesWhatIsDoubtfulAndRulesOnIt(t *testing.T) {
	c, office := doubtful(t)
	c.onePen(4, "431124100200")
	c.follow()
	list := func(q *officev1.ListAuthenticityRequest) *officev1.ListAuthenticityResponse {
		t.Helper()
		q.Shard = c.shard
		m, err := office.ListAuthenticity(c.caller.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	all := list(&officev1.ListAuthenticityRequest{RuleId: "A08.same_point"})
	if len(all.GetFindings()) != 1 || all.GetFindings()[0].GetDoctorId() != "li" || all.GetCounts()[0].GetOpen() != 1 || all.GetWaiting() != 0 {
		t.Fatalf("%v", all)
	}
	id := all.GetFindings()[0].GetId()
	one, err := office.GetAuthenticity(c.caller.Context(), &officev1.GetAuthenticityRequest{Shard: c.shard, Id: id})
	if err != nil || len(one.GetFinding().GetItems()) != 4 {
		t.Fatalf("%v, %v", one, err)
	}
	rule := &officev1.RuleAuthenticityRequest{
		Shard: c.shard, Id: id, Author: "zhao", Decision: carev1.AuthenticityDecision_AUTHENTICITY_DECISION_UNDER_INVESTIGATION, Reason: "电话核查", EvidenceSha256: one.GetFinding().GetEvidenceSha256(),
	}
	for range 2 { // a second one goes over the first
		if _, err := office.RuleAuthenticity(c.caller.Context(), rule); err != nil {
			t.Fatal(err)
		}
		rule.Decision = carev1.AuthenticityDecision_AUTHENTICITY_DECISION_CONFIRMED
	}
	c.follow()
	one, err = office.GetAuthenticity(c.caller.Context(), &officev1.GetAuthenticityRequest{Shard: c.shard, Id: id})
	if r := one.GetFinding().GetRuling(); err != nil || r.GetDecision() != rule.Decision || r.GetAuthorId() != "zhao" || r.GetEvidenceChanged() || r.GetReason() != "电话核查" {
		t.Fatalf("%v, %v", r, err)
	}
	v, err := c.County.Engine.Get(t.Context(), record.ID(id))
	if err != nil || record.ID(id).Kind() != authenticity.KindRuling || v.State.Divisions()[0] != "431124100200" {
		t.Errorf("the ruling is no record in its division: %v, %v", v.State.Divisions(), err)
	}
	if got := list(&officev1.ListAuthenticityRequest{Open: true, RuleId: "A08"}); len(got.GetFindings()) > 0 {
		t.Error("it is open")
	}
	if got := list(&officev1.ListAuthenticityRequest{Decision: rule.Decision, Quarter: "2026Q1", DoctorId: "li", Division: "431124"}); len(got.GetFindings()) != 1 {
		t.Errorf("%v", got)
	}
	c.onePen(1, "431124100200") // more evidence
	c.follow()
	if one, err = office.GetAuthenticity(c.caller.Context(), &officev1.GetAuthenticityRequest{Shard: c.shard, Id: id}); err != nil || !one.GetFinding().GetRuling().GetEvidenceChanged() {
		t.Errorf("%v, %v", one.GetFinding().GetRuling(), err)
	}
	if _, err = office.RuleAuthenticity(c.caller.Context(), rule); transport.ReasonOf(err) != syncv1.Reason_REASON_INVALID {
		t.Errorf("ruled on evidence that nobody looked at: %v", err)
	}
	year, err := office.GetAuthenticityDoctor(c.caller.Context(), &officev1.GetAuthenticityDoctorRequest{Shard: c.shard, DoctorId: "li", Day: 20260310})
	if err != nil || year.GetYear() != 2026 || len(year.GetDayVisits()) != 5 || year.GetStartHours()[9] == 0 {
		t.Errorf("%v, %v", year, err)
	}
}

func TestQuestionsAboutDoubtsThatMakeNoSense(t *testing.T) {
	c, office := doubtful(t)
	c.follow()
	ctx := c.caller.Context()
	id := make([]byte, 16)
	for name, ask := range map[string]func() error{
		"a quarter that is none": func() error {
			_, err := office.ListAuthenticity(ctx, &officev1.ListAuthenticityRequest{Shard: c.shard, Quarter: "2026Q5"})
			return err
		},
		"a division that is none": func() error {
			_, err := office.ListAuthenticity(ctx, &officev1.ListAuthenticityRequest{Shard: c.shard, Division: "village"})
			return err
		},
		"a decision that is none": func() error {
			_, err := office.ListAuthenticity(ctx, &officev1.ListAuthenticityRequest{Shard: c.shard, Decision: 9})
			return err
		},
		"a token of another list": func() error {
			_, err := office.ListAuthenticity(ctx, &officev1.ListAuthenticityRequest{Shard: c.shard, PageToken: "AAAA"})
			return err
		},
		"half an id": func() error {
			_, err := office.GetAuthenticity(ctx, &officev1.GetAuthenticityRequest{Shard: c.shard, Id: id[:8]})
			return err
		},
		"a day that is none": func() error {
			_, err := office.GetAuthenticityDoctor(ctx, &officev1.GetAuthenticityDoctorRequest{Shard: c.shard, DoctorId: "li", Day: 20260230})
			return err
		},
		"no doctor": func() error {
			_, err := office.GetAuthenticityDoctor(ctx, &officev1.GetAuthenticityDoctorRequest{Shard: c.shard})
			return err
		},
		"no reason": func() error {
			_, err := office.RuleAuthenticity(ctx, &officev1.RuleAuthenticityRequest{Shard: c.shard, Id: id, Author: "zhao", Decision: 1, Reason: " "})
			return err
		},
		"no decision": func() error {
			_, err := office.RuleAuthenticity(ctx, &officev1.RuleAuthenticityRequest{Shard: c.shard, Id: id, Author: "zhao", Reason: "x"})
			return err
		},
	} {
		if err := ask(); transport.ReasonOf(err) != syncv1.Reason_REASON_INVALID {
			t.Errorf("%s: %v", name, err)
		}
	}
	some := record.DerivedID(authenticity.KindRuling, []byte("none"))
	if _, err := office.GetAuthenticity(ctx, &officev1.GetAuthenticityRequest{Shard: c.shard, Id: some[:]}); transport.ReasonOf(err) != syncv1.Reason_REASON_NOT_FOUND {
		t.Errorf("a finding that is not there: %v", err)
	}
}
