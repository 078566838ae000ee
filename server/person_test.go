// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/transport"
)

const aNumber = "990000195803060018" // of an area that does not exist

// population is a server with residents.
type population struct {
	*servertest.Server
	t *testing.T
}

func newPopulation(t *testing.T) population {
	t.Helper()
	return population{servertest.Start(t, func(c *server.Config) { c.Schema = care.Kinds() }), t}
}

func (p population) register(name, number string, division record.Division) record.ID {
	p.t.Helper()
	changes, err := care.Diff(care.KindResident, nil, &carev1.Resident{
		Name: name, Sex: carev1.Sex_SEX_MALE, BirthDate: 19580306,
		IdentityDocument: &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: number},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.save(syncengine.OfficeSave{Kind: care.KindResident, Changes: changes}, division)
}

func (p population) link(a, b record.ID, division record.Division) {
	p.t.Helper()
	changes, err := care.Diff(care.KindResidentLink, nil, care.NewLink(a, b, &carev1.LinkRuling{State: carev1.LinkState_LINK_STATE_LINKED}))
	if err != nil {
		p.t.Fatal(err)
	}
	p.save(syncengine.OfficeSave{Record: care.LinkID(a, b), Changes: changes}, division)
}

func (p population) save(s syncengine.OfficeSave, division record.Division) record.ID {
	p.t.Helper()
	p.Clock.Move(time.Millisecond) // so that ids are in the order of their making
	s.Changes = append(s.Changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(division))})
	saved, err := p.County.Engine.Save(p.t.Context(), "li", s)
	if err != nil {
		p.t.Fatal(err)
	}
	return saved[0].Record
}

// find asks as somebody, and returns each person's residents, bearers marked by a star.
func (p population) find(c *servertest.Caller, number string) (out []string) {
	p.t.Helper()
	shard := p.County.Shard()
	m, err := syncv1grpc.NewPersonServiceClient(c.Conn).FindByNumber(c.Context(), &syncv1.FindByNumberRequest{Shard: shard[:], Number: number})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, one := range m.GetPersons() {
		var who []string
		if string(one.GetId()) != string(one.GetResidents()[0].GetId()) {
			p.t.Error("a person is not shown under its smallest id")
		}
		for _, r := range one.GetResidents() {
			star := ""
			if slices.ContainsFunc(one.GetBearers(), func(id []byte) bool { return string(id) == string(r.GetId()) }) {
				star = "*"
			}
			if len(r.GetRegisters()) == 0 {
				p.t.Error("a resident without its registers")
			}
			who = append(who, star+record.ID(r.GetId()).String())
		}
		out = append(out, strings.Join(who, " "))
	}
	return out
}

// inOrder returns persons as they are answered: residents by their ids, and persons by
// their first. Ids made in one millisecond are in no order that a test could know.
func inOrder(persons ...string) []string {
	byID := func(a, b string) int { return strings.Compare(strings.TrimPrefix(a, "*"), strings.TrimPrefix(b, "*")) }
	for i, one := range persons {
		who := strings.Fields(one)
		slices.SortFunc(who, byID)
		persons[i] = strings.Join(who, " ")
	}
	slices.SortFunc(persons, byID)
	return persons
}

func TestATabletFindsThoseWhomItsCertificateNames(t *testing.T) {
	p := newPopulation(t)
	here := p.register("甲", aNumber, servertest.Village)
	there := p.register("乙", aNumber, servertest.Village2)
	unnumbered := p.register("丙", "", servertest.Village)
	p.link(there, unnumbered, servertest.Village2)
	elsewhere := p.register("丁", "990000195803060026", servertest.Village2)

	all, first, second := p.Operator(), p.Enrol(servertest.Doctor("li", servertest.Village)), p.Enrol(servertest.Doctor("wu", servertest.Village2))
	sensitive := servertest.Doctor("yu", servertest.Village)
	sensitive.Classes = []record.Class{record.ClassSensitive}
	none := p.Enrol(sensitive)
	for _, row := range []struct {
		name   string
		caller *servertest.Caller
		number string
		want   []string
	}{
		{"the office sees everybody, linked ones together", all, aNumber, inOrder("*"+here.String(), "*"+there.String()+" "+unnumbered.String())},
		{"in any writing", all, " ９９００００-19580306 0018", inOrder("*"+here.String(), "*"+there.String()+" "+unnumbered.String())},
		{"a tablet of one village", first.Caller, aNumber, []string{"*" + here.String()}},
		{"a tablet of the other", second.Caller, aNumber, []string{"*" + there.String()}},
		{"one who lives elsewhere is not there", first.Caller, "990000195803060026", nil},
		{"but at home", second.Caller, "990000195803060026", []string{"*" + elsewhere.String()}},
		{"a tablet without the class", none.Caller, aNumber, nil},
		{"nobody has it", all, "E1", nil},
	} {
		if got := p.find(row.caller, row.number); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	if text := p.Log.String(); strings.Contains(text, "195803") || strings.Contains(text, "甲") || !strings.Contains(text, "FindByNumber") {
		t.Error("the log says more than that somebody asked")
	}
}

func TestSearchIsRefused(t *testing.T) {
	p := newPopulation(t)
	shard := p.County.Shard()
	hub := p.Enrol(syncengine.Rights{
		Role: segment.RoleHub, Staff: []string{"clinic"}, Divisions: []record.Division{servertest.Code}, Classes: []record.Class{record.ClassGeneral},
	})
	tablet := p.Enrol(servertest.Doctor("li"))
	for name, row := range map[string]struct {
		caller *servertest.Caller
		number string
		want   syncv1.Reason
	}{
		"a hub":           {hub.Caller, aNumber, syncv1.Reason_REASON_RIGHTS},
		"no number":       {tablet.Caller, "", syncv1.Reason_REASON_INVALID},
		"64 characters":   {tablet.Caller, strings.Repeat("号", 64), syncv1.Reason_REASON_UNSPECIFIED},
		"65 characters":   {tablet.Caller, strings.Repeat("号", 65), syncv1.Reason_REASON_INVALID},
		"without session": {p.Stranger(), aNumber, syncv1.Reason_REASON_TOKEN},
	} {
		c := syncv1grpc.NewPersonServiceClient(row.caller.Conn)
		_, err := c.FindByNumber(row.caller.Context(), &syncv1.FindByNumberRequest{Shard: shard[:], Number: row.number})
		if got := transport.ReasonOf(err); (err != nil) != (row.want != syncv1.Reason_REASON_UNSPECIFIED) || err != nil && got != row.want {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestAPlaceholderIsNotAnsweredWithoutEnd(t *testing.T) {
	p := newPopulation(t)
	for range 70 {
		p.register("甲", "0", servertest.Village)
	}
	c, shard := p.Operator(), p.County.Shard()
	m, err := syncv1grpc.NewPersonServiceClient(c.Conn).FindByNumber(c.Context(), &syncv1.FindByNumberRequest{Shard: shard[:], Number: "0"})
	if err != nil || !m.GetMore() || len(m.GetPersons()) != 64 {
		t.Errorf("%d persons, more %t, %v", len(m.GetPersons()), m.GetMore(), err)
	}
}

func TestProposalsAreListedInPages(t *testing.T) {
	p := newPopulation(t)
	for _, name := range []string{"甲", "乙", "丙"} {
		p.register(name, aNumber, servertest.Village)
	}
	c, shard := p.Operator(), p.County.Shard()
	client := syncv1grpc.NewPersonServiceClient(c.Conn)
	seen := map[string]bool{}
	for token, pages := "", 0; ; pages++ {
		m, err := client.ListLinkProposals(c.Context(), &syncv1.ListLinkProposalsRequest{Shard: shard[:], PageSize: 2, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range m.GetProposals() {
			seen[string(one.GetResidentA())+string(one.GetResidentB())] = true
			want := []syncv1.LinkReason{syncv1.LinkReason_LINK_REASON_SAME_NUMBER, syncv1.LinkReason_LINK_REASON_OTHER_NAME}
			if !slices.Equal(one.GetReasons(), want) || string(one.GetResidentA()) >= string(one.GetResidentB()) {
				t.Errorf("%v", one)
			}
		}
		if token = m.GetNextPageToken(); token == "" {
			if pages != 1 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d pairs of three residents", len(seen))
	}
	_, err := client.ListLinkProposals(c.Context(), &syncv1.ListLinkProposalsRequest{Shard: shard[:], PageToken: "x"})
	if transport.ReasonOf(err) != syncv1.Reason_REASON_INVALID {
		t.Errorf("a token of nobody's: %v", err)
	}
}

// syncengineSave makes the save of a new record.
func syncengineSave(t *testing.T, kind record.Kind, form proto.Message) syncengine.OfficeSave {
	t.Helper()
	changes, err := care.Diff(kind, nil, form)
	if err != nil {
		t.Fatal(err)
	}
	return syncengine.OfficeSave{Kind: kind, Changes: changes}
}
