// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/server/access"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const mostEntries = 500 // in a page of the access log

// accessService shows the access log.
type accessService struct {
	officev1grpc.UnimplementedAccessServiceServer
}

// ListAccess returns a page of the log, the newest entry first.
func (s *accessService) ListAccess(ctx context.Context, m *officev1.ListAccessRequest) (*officev1.ListAccessResponse, error) {
	c := callOf(ctx)
	v := c.view()
	if !slices.Contains(v.Classes, record.ClassSensitive) {
		return nil, &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "access log"}
	}
	p, err := c.county.Projection()
	if err != nil {
		return nil, err
	}
	q, err := accessQueryFromWire(m, v)
	if err != nil {
		return nil, err
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	var at access.Place
	if from.key != nil {
		if len(from.key) != len(record.ID{}) || from.after > 1<<62 {
			return nil, errToken
		}
		at = access.Place{At: int64(from.after), Record: record.ID(from.key)}
	}
	lines, next, err := access.List(ctx, p, q, at, pageSize(m.GetPageSize(), usualPage, mostEntries))
	if err != nil {
		return nil, err
	}
	out := &officev1.ListAccessResponse{}
	for _, l := range lines {
		out.Entries = append(out.Entries, accessLineToWire(l))
	}
	if next != (access.Place{}) {
		out.NextPageToken = place{after: uint64(next.At), key: next.Record[:]}.token(m)
	}
	return out, nil
}

func accessQueryFromWire(m *officev1.ListAccessRequest, v view) (q access.Query, err error) {
	q = access.Query{Author: m.GetStaffId(), What: m.GetWhat(), Divisions: v.Divisions}
	if utf8.RuneCountInString(q.Author) > access.MaxAuthor || len(q.What) > access.MaxWhat {
		return q, invalid("staff id or code")
	}
	if len(m.GetPersonId()) > 0 {
		if q.Person, err = recordFromWire(m.GetPersonId()); err != nil {
			return q, err
		}
	}
	for _, one := range []struct {
		into *time.Time
		ms   int64
	}{{&q.Since, m.GetSinceMs()}, {&q.Until, m.GetUntilMs()}} {
		if one.ms < 0 || one.ms > 1<<50 {
			return q, invalid("time")
		}
		if one.ms > 0 {
			*one.into = time.UnixMilli(one.ms).UTC()
		}
	}
	return q, nil
}

func accessLineToWire(l access.Line) *officev1.AccessLine {
	m := &officev1.AccessLine{
		RecordId: l.Record[:], AtMs: l.At.UnixMilli(), StaffId: l.Author, Installation: l.Who, What: l.What, Purpose: l.Purpose,
		Division: string(l.Division), Period: l.Period, Rows: uint64(l.Rows), Sha256: l.Sha256,
	}
	if !l.Person.IsZero() {
		m.PersonId = l.Person[:]
	}
	return m
}
