// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Stock is how much of what the centre sent is here.
type Stock struct {
	session.Extent     // live records, each once; no bytes while locked
	Trimmed        int // records whose states were let go for want of room
}

// Stock returns how much of what the centre sent is here. It reads all heads and at most
// 512 states.
func (r *Replica) Stock(ctx context.Context) (Stock, error) {
	var out Stock
	err := r.view(ctx, func(tx Reader) error {
		var live []record.ID
		err := scan(tx, Bases, nil, func(row Row) error {
			b, err := unpackBase(row.Head)
			switch {
			case err != nil:
			case b.status == baseLive:
				live = append(live, idOfKey(row.Key))
			case b.status == baseTrimmed:
				out.Trimmed++
			}
			return err
		})
		if err == nil {
			out.Extent, err = measure(tx, live)
		}
		return err
	})
	if err != nil {
		return Stock{}, fmt.Errorf("stock: %w", err)
	}
	return out, nil
}

// Spare returns which records Trim may let go: those whose state is here and of which no
// revision is held here, neither an own save nor one that is carried for others, in order of
// kind and id, with the bytes of each. While locked its error wraps ErrLocked.
func (r *Replica) Spare(ctx context.Context, each func(id record.ID, bytes int) error) error {
	err := r.view(ctx, func(tx Reader) error {
		return scan(tx, Bases, nil, func(row Row) error {
			b, err := unpackBase(row.Head)
			if err != nil || !b.spare() {
				return err
			}
			full, ok, err := tx.Get(Bases, row.Key)
			if err != nil || !ok {
				return ignoreDamage(err)
			}
			return each(idOfKey(row.Key), len(full.Body))
		})
	})
	if err != nil {
		return fmt.Errorf("spare: %w", err)
	}
	return nil
}

// spare reports whether the state may be let go: the centre has all of it.
func (b baseRow) spare() bool { return b.status == baseLive && !b.places }

// Trim lets the states of records go for want of room, and returns of how many: those that
// Spare does not name stay. That they are in scope stays known, so a sync still finds that
// all adds up. A state comes back when the record changes, and with FetchTrimmed. Nothing
// that was saved here is touched.
func (r *Replica) Trim(ctx context.Context, ids []record.ID) (int, error) {
	gone := 0
	err := r.update(ctx, func(tx Tx) error {
		gone = 0
		for _, id := range ids {
			b, ok, err := readBase(tx, id)
			if err != nil {
				return err
			}
			if !ok || !b.spare() {
				continue
			}
			b.status, b.conflict = baseTrimmed, false
			if err := tx.Put(Bases, Row{Key: recordKey(id), Head: b.pack()}); err != nil {
				return err
			}
			gone++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("trim: %w", err)
	}
	return gone, nil
}

// FetchTrimmed has the next pull from the centre begin from nothing, if any state was let
// go: it brings them all, as far as they are not let go again.
func (r *Replica) FetchTrimmed(ctx context.Context) error {
	s, err := r.Stock(ctx)
	if err != nil || s.Trimmed == 0 {
		return err
	}
	err = r.update(ctx, func(tx Tx) error { return putChanged(tx, Values, []byte(valueDamaged), []byte{1}) })
	if err != nil {
		return fmt.Errorf("fetch what was let go: %w", err)
	}
	return nil
}
