// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
)

// FindByNumber returns who bears a number, and whether there are more.
func (o *Office) FindByNumber(ctx context.Context, number string) ([]*syncv1.Person, bool, error) {
	m, err := o.persons.FindByNumber(ctx, &syncv1.FindByNumberRequest{Shard: o.Shard(), Number: number})
	if err != nil {
		return nil, false, fmt.Errorf("find by number: %w", err)
	}
	return m.GetPersons(), m.GetMore(), nil
}

// LinkProposals returns the pairs of residents about which somebody has to decide, in
// order of their ids.
func (o *Office) LinkProposals(ctx context.Context) ([]*syncv1.LinkProposal, error) {
	var all []*syncv1.LinkProposal
	for token := ""; ; {
		page, err := o.persons.ListLinkProposals(ctx, &syncv1.ListLinkProposalsRequest{Shard: o.Shard(), PageSize: listPage, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list links to decide about: %w", err)
		}
		all = append(all, page.GetProposals()...)
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}
