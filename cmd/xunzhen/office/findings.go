// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/transport"
)

// Findings returns what is found that q asks for, at most limit sets, those that changed last
// at the end, and how much there is of each rule. more says that there are more sets.
func (o *Office) Findings(ctx context.Context, q *officev1.ListFindingsRequest, limit int) (sets []*officev1.FindingSet, counts []*officev1.FindingCount, more bool, err error) {
	ask := proto.CloneOf(q)
	ask.Shard = o.Shard()
	for {
		ask.PageSize = uint32(min(listPage, limit-len(sets)))
		page, err := o.findings.ListFindings(ctx, ask)
		if err != nil {
			return nil, nil, false, fmt.Errorf("list findings: %w", err)
		}
		sets = append(sets, page.GetSets()...)
		if ask.PageToken == "" {
			counts = page.GetCounts()
		}
		ask.PageToken = page.GetNextPageToken()
		if ask.PageToken == "" || len(sets) >= limit {
			return sets, counts, ask.PageToken != "", nil
		}
	}
}

// FindingState returns how far findings follow the records; nil where the server looks for
// nothing.
func (o *Office) FindingState(ctx context.Context) (*officev1.GetFindingStateResponse, error) {
	state, err := o.findings.GetFindingState(ctx, &officev1.GetFindingStateRequest{Shard: o.Shard()})
	if transport.ReasonOf(err) == syncv1.Reason_REASON_NOT_SERVED || status.Code(err) == codes.Unimplemented {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state of findings: %w", err)
	}
	return state, nil
}
