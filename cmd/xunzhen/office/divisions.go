// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Recode records changes of division codes and moves records; with dry it only says what it
// would do. progress is told how far it has come.
func (o *Office) Recode(ctx context.Context, author string, changes []*syncv1.CodeChange, dry bool, progress func(done, total uint64)) (*syncv1.RecodeReport, error) {
	stream, err := o.divisions.Recode(ctx, &syncv1.RecodeRequest{Shard: o.Shard(), Author: author, Changes: changes, DryRun: dry})
	if err != nil {
		return nil, fmt.Errorf("re-code: %w", err)
	}
	return reportOf(stream, "re-code", progress)
}

// Move gives a record another division in place of those shown.
func (o *Office) Move(ctx context.Context, id record.ID, to record.Division, shown []causal.Dot, author string) error {
	m := &syncv1.MoveRequest{Shard: o.Shard(), Record: id[:], Author: author, Division: string(to)}
	for _, d := range shown {
		m.Parents = append(m.Parents, d.Append(nil))
	}
	if _, err := o.records.Move(ctx, m); err != nil {
		return fmt.Errorf("move record %s: %w", id, err)
	}
	return nil
}
