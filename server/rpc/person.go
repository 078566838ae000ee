// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	mostProposals = 500
	// mostResidents bounds the residents in an answer: nobody was registered so often.
	mostResidents = 64
	// longestNumber is more than any document's number takes, blanks and all, in characters.
	longestNumber = 64
)

type personService struct {
	syncv1grpc.UnimplementedPersonServiceServer
}

// FindByNumber returns who bears a number, as far as the caller may see them.
func (s *personService) FindByNumber(ctx context.Context, m *syncv1.FindByNumberRequest) (*syncv1.FindByNumberResponse, error) {
	if n := utf8.RuneCountInString(m.GetNumber()); n == 0 || n > longestNumber {
		return nil, invalid("number of %d characters", n)
	}
	c := callOf(ctx)
	if c.principal.Who == auth.Device && c.principal.Certificate.Role != segment.RoleTablet {
		return nil, &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "call"} // a hub asks for nobody
	}
	found, err := c.county.People.FindByNumber(ctx, m.GetNumber())
	if err != nil {
		return nil, err
	}
	a := answer{call: c, out: &syncv1.FindByNumberResponse{}}
	for _, p := range found {
		if err := a.add(ctx, p); err != nil || a.out.More {
			return a.out, err
		}
	}
	return a.out, nil
}

// answer is who was found, on the way to who asked.
type answer struct {
	call      *call
	out       *syncv1.FindByNumberResponse
	residents int
	size      int
}

// add adds a person, unless the caller may see none of those that bear the number.
func (a *answer) add(ctx context.Context, p followers.Person) error {
	one := &syncv1.Person{}
	for _, id := range p.Residents {
		v, err := a.call.county.Engine.Get(ctx, id)
		if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
			continue // a link can name a resident that has not come yet
		}
		if err != nil {
			return err
		}
		if !a.call.principal.MaySee(v.Row) {
			continue
		}
		if a.residents == mostResidents || a.size >= pageBytes {
			a.out.More = true
			break
		}
		r := viewToWire(v)
		one.Residents = append(one.Residents, r)
		a.residents, a.size = a.residents+1, a.size+proto.Size(r)
		if slices.Contains(p.Bearers, id) {
			one.Bearers = append(one.Bearers, id[:])
		}
	}
	if len(one.Bearers) > 0 {
		one.Id = one.Residents[0].GetId()
		a.out.Persons = append(a.out.Persons, one)
	}
	return nil
}

// ListLinkProposals returns pairs of residents about which nobody has decided.
func (s *personService) ListLinkProposals(ctx context.Context, m *syncv1.ListLinkProposalsRequest) (*syncv1.ListLinkProposalsResponse, error) {
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	const idSize = len(record.ID{})
	var a, b record.ID
	if from.key != nil {
		if len(from.key) != 2*idSize {
			return nil, errToken
		}
		a, b = record.ID(from.key[:idSize]), record.ID(from.key[idSize:])
	}
	found, more, err := callOf(ctx).county.People.Proposals(ctx, a, b, pageSize(m.GetPageSize(), usualPage, mostProposals))
	if err != nil {
		return nil, err
	}
	out := &syncv1.ListLinkProposalsResponse{}
	for _, p := range found {
		out.Proposals = append(out.Proposals, &syncv1.LinkProposal{ResidentA: p.A[:], ResidentB: p.B[:], Reasons: linkReasons(p.Why)})
	}
	if more {
		last := found[len(found)-1]
		out.NextPageToken = place{key: slices.Concat(last.A[:], last.B[:])}.token(m)
	}
	return out, nil
}

// linkReasons writes reasons, in the order of their numbers.
func linkReasons(why followers.Reasons) (out []syncv1.LinkReason) {
	for _, row := range []struct {
		why  followers.Reasons
		wire syncv1.LinkReason
	}{
		{followers.SameNumber, syncv1.LinkReason_LINK_REASON_SAME_NUMBER},
		{followers.OtherName, syncv1.LinkReason_LINK_REASON_OTHER_NAME},
		{followers.OtherSex, syncv1.LinkReason_LINK_REASON_OTHER_SEX},
		{followers.OtherBirth, syncv1.LinkReason_LINK_REASON_OTHER_BIRTH},
		{followers.SamePerson, syncv1.LinkReason_LINK_REASON_SAME_PERSON},
		{followers.NumberSlip, syncv1.LinkReason_LINK_REASON_NUMBER_SLIP},
	} {
		if why&row.why != 0 {
			out = append(out, row.wire)
		}
	}
	return out
}
