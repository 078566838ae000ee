// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	pageRecords = 500
	pageBytes   = 1 << 20
)

// stream is how far the records of one kind have been read.
type stream struct {
	kind     record.Kind
	position syncengine.Position
}

// page hands the next records up to end to take, in order of the feed, and reports
// whether there are no more. A record at which take fails is read again next time.
func (s *stream) page(ctx context.Context, shard Shard, end syncengine.Position, take func(syncengine.RecordRow) error) (done bool, err error) {
	if s.position >= end {
		return true, nil
	}
	q := syncengine.FeedQuery{
		After: s.position, UpTo: end, Kind: s.kind, Limit: pageRecords, Bytes: pageBytes, Divisions: []record.Division{""},
		Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
	}
	rows, err := shard.List(ctx, q)
	if err != nil {
		return false, fmt.Errorf("read the feed: %w", err)
	}
	for _, row := range rows {
		if err := take(row); err != nil {
			return false, fmt.Errorf("record %s: %w", row.ID, err)
		}
		s.position = row.Position
	}
	if q.Full(rows) {
		return false, nil
	}
	s.position = end // what is of other kinds is passed over once
	return true, nil
}

// alone runs f, but a record with which nothing can be done is nobody else's trouble: it
// is logged, and passed over until it changes. With a panic of a follower the whole server
// would end, at each start again.
func alone(log *slog.Logger, id record.ID, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = syncengine.NewPanicError(p)
		}
		var bug *syncengine.PanicError
		switch {
		case errors.As(err, &bug):
			log.Error("a record was passed over", "record", id, "err", err, "stack", bug.Stack)
		case err != nil && (syncengine.ReasonOf(err) == syncengine.ReasonInvalid || errors.Is(err, record.ErrMalformed)):
			log.Error("a record was passed over", "record", id, "err", err)
		default:
			return
		}
		err = nil
	}()
	return f()
}
