// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
)

// Doubts returns at most limit findings of authenticity that are asked for, the newest first, with
// the first answer, which has the counts, and whether there are more.
func (o *Office) Doubts(ctx context.Context, q *officev1.ListAuthenticityRequest, limit int) (found []*officev1.AuthenticityFinding, first *officev1.ListAuthenticityResponse, more bool, err error) {
	ask := proto.CloneOf(q)
	ask.Shard = o.Shard()
	for {
		ask.PageSize = uint32(min(listPage, limit-len(found)))
		page, err := o.doubts.ListAuthenticity(ctx, ask)
		if err != nil {
			return nil, nil, false, fmt.Errorf("list doubts: %w", err)
		}
		if first == nil {
			first = page
		}
		found = append(found, page.GetFindings()...)
		ask.PageToken = page.GetNextPageToken()
		if ask.PageToken == "" || len(found) >= limit {
			return found, first, ask.PageToken != "", nil
		}
	}
}

// Doubt returns one finding with its evidence.
func (o *Office) Doubt(ctx context.Context, id []byte) (*officev1.AuthenticityFinding, error) {
	m, err := o.doubts.GetAuthenticity(ctx, &officev1.GetAuthenticityRequest{Shard: o.Shard(), Id: id})
	if err != nil {
		return nil, fmt.Errorf("doubt: %w", err)
	}
	return m.GetFinding(), nil
}

// DoctorYear returns what a doctor's year looks like; year and day may be 0.
func (o *Office) DoctorYear(ctx context.Context, doctor string, year, day int32) (*officev1.GetAuthenticityDoctorResponse, error) {
	m, err := o.doubts.GetAuthenticityDoctor(ctx, &officev1.GetAuthenticityDoctorRequest{Shard: o.Shard(), DoctorId: doctor, Year: year, Day: day})
	if err != nil {
		return nil, fmt.Errorf("doctor's year: %w", err)
	}
	return m, nil
}

// RuleDoubt saves a ruling.
func (o *Office) RuleDoubt(ctx context.Context, m *officev1.RuleAuthenticityRequest) error {
	ask := proto.CloneOf(m)
	ask.Shard = o.Shard()
	if _, err := o.doubts.RuleAuthenticity(ctx, ask); err != nil {
		return fmt.Errorf("rule on a doubt: %w", err)
	}
	return nil
}
