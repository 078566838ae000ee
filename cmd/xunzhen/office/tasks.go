// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
)

// SplitTask divides a task.
func (o *Office) SplitTask(ctx context.Context, q *officev1.SplitTaskRequest) (*officev1.SplitTaskResponse, error) {
	q.Shard = o.Shard()
	reply, err := o.tasks.SplitTask(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	return reply, nil
}

// Tasks returns the parts that q asks for, at most limit, with the indicators that nobody counts;
// more says that there are more.
func (o *Office) Tasks(ctx context.Context, q *officev1.ListTasksRequest, limit int) (out []*officev1.TaskNode, uncounted []string, more bool, err error) {
	ask := proto.CloneOf(q)
	ask.Shard = o.Shard()
	ask.PageSize = uint32(min(listPage, limit))
	for {
		page, err := o.tasks.ListTasks(ctx, ask)
		if err != nil {
			return nil, nil, false, fmt.Errorf("list tasks: %w", err)
		}
		out, uncounted = append(out, page.GetNodes()...), page.GetNotCounted()
		ask.PageToken = page.GetNextPageToken()
		if ask.PageToken == "" || len(out) >= limit {
			return out[:min(len(out), limit)], uncounted, ask.PageToken != "" || len(out) > limit, nil
		}
	}
}
