// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// mostFound is the largest page of a search.
const mostFound = 200

// SearchResidents returns the persons that q asks for, at most limit, and the first answer without them: which places
// were meant, and whether numbers are shown in part. more says that there are more.
func (o *Office) SearchResidents(ctx context.Context, q *officev1.SearchResidentsRequest, limit int) (found []*officev1.FoundPerson, first *officev1.SearchResidentsResponse, more bool, err error) {
	ask := proto.CloneOf(q)
	ask.Shard = o.Shard()
	for {
		ask.PageSize = uint32(min(mostFound, limit-len(found)))
		page, err := o.people.SearchResidents(ctx, ask)
		if err != nil {
			return nil, nil, false, fmt.Errorf("search residents: %w", err)
		}
		if found = append(found, page.GetPersons()...); first == nil {
			first = page
		}
		ask.PageToken = page.GetNextPageToken()
		if ask.PageToken == "" || len(found) >= limit {
			return found, first, ask.PageToken != "", nil
		}
	}
}

// Person returns a person's page with at most limit of its records. more says that there are more.
func (o *Office) Person(ctx context.Context, resident record.ID, whole *officev1.Whole, limit int) (page *officev1.GetPersonResponse, more bool, err error) {
	q := &officev1.GetPersonRequest{Shard: o.Shard(), Resident: resident[:], Whole: whole}
	for {
		have := len(page.GetRecords())
		q.PageSize = uint32(min(500, limit-have))
		next, err := o.people.GetPerson(ctx, q)
		if err != nil {
			return nil, false, fmt.Errorf("person %s: %w", resident, err)
		}
		if page == nil {
			page = next
		} else {
			page.Records = append(page.Records, next.GetRecords()...)
		}
		q.PageToken = next.GetNextPageToken()
		if q.PageToken == "" || len(page.GetRecords()) >= limit {
			return page, q.PageToken != "", nil
		}
	}
}

// Access returns entries of the access log, the newest first, at most limit. more says that there are more.
func (o *Office) Access(ctx context.Context, q *officev1.ListAccessRequest, limit int) (all []*officev1.AccessLine, more bool, err error) {
	ask := proto.CloneOf(q)
	ask.Shard = o.Shard()
	for {
		ask.PageSize = uint32(min(listPage, limit-len(all)))
		page, err := o.log.ListAccess(ctx, ask)
		if err != nil {
			return nil, false, fmt.Errorf("list the access log: %w", err)
		}
		all, ask.PageToken = append(all, page.GetEntries()...), page.GetNextPageToken()
		if ask.PageToken == "" || len(all) >= limit {
			return all, ask.PageToken != "", nil
		}
	}
}
