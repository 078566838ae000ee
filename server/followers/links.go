// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	// LinkAuthor is the author of links that no person made.
	LinkAuthor = "system"
	// linkReason is what such a link says about itself.
	linkReason = "证件号码、姓名、性别、出生日期一致 / number, name, sex and birth date agree"

	pageRecords = 500
	pageBytes   = 1 << 20
	// maxBearers bounds the residents looked at for one number. A number that more
	// bear is a placeholder somebody typed, and nobody is linked by it.
	maxBearers = 16
)

// Links says of residents who were registered twice that they are one person: it
// saves a resident_link where the normalised number of their documents, name, sex
// and birth date agree. A pair about which anybody has ruled is left alone, and so
// is a resident whom somebody has told apart from another bearer of the number.
//
// Of numbers it keeps hashes only. It is for one goroutine at a time.
type Links struct {
	shard Shard
	log   *slog.Logger

	epoch    ledger.Epoch
	position syncengine.Position
	bearers  map[numberHash][]record.ID // ascending
	number   map[record.ID]numberHash
}

type numberHash [16]byte

// NewLinks returns a follower that has read nothing yet.
func NewLinks(shard Shard, log *slog.Logger) *Links {
	l := &Links{shard: shard, log: log}
	l.reset()
	return l
}

func (l *Links) reset() {
	l.epoch, l.position = l.shard.Epoch(), 0
	l.bearers, l.number = map[numberHash][]record.ID{}, map[record.ID]numberHash{}
}

// Run follows the feed until ctx ends. What fails is logged and tried again after
// the next commit.
func (l *Links) Run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := l.shard.Changed()
		if n, err := l.Follow(ctx); err != nil && ctx.Err() == nil {
			l.log.Error("residents could not be linked", "err", err)
		} else if n > 0 {
			l.log.Info("residents linked", "links", n)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// Follow reads the feed to its end, saves the links that are missing, and returns
// how many it saved.
func (l *Links) Follow(ctx context.Context) (int, error) {
	if l.shard.Epoch() != l.epoch {
		l.reset()
	}
	saved, end := 0, l.shard.Position()
	for {
		q := syncengine.FeedQuery{
			After: l.position, UpTo: end, Kind: care.KindResident, Limit: pageRecords, Bytes: pageBytes,
			Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral, record.ClassSensitive},
		}
		rows, err := l.shard.List(ctx, q)
		if err != nil {
			return saved, fmt.Errorf("read the feed: %w", err)
		}
		for _, row := range rows {
			made, err := l.takeAlone(ctx, row)
			if err != nil {
				return saved, fmt.Errorf("resident %s: %w", row.ID, err)
			}
			if made {
				saved++
			}
			l.position = row.Position
		}
		if !q.Full(rows) {
			l.position = max(l.position, end) // what is no resident is passed over once
			return saved, nil
		}
	}
}

// takeAlone is take, but a resident with whom nothing can be done is nobody else's
// trouble: it is passed over until it changes. With a panic of this goroutine the
// whole server would end, at each start again.
func (l *Links) takeAlone(ctx context.Context, row syncengine.RecordRow) (made bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = syncengine.NewPanicError(p)
		}
		var bug *syncengine.PanicError
		switch {
		case errors.As(err, &bug):
			l.log.Error("a resident was passed over", "record", row.ID, "err", err, "stack", bug.Stack)
		case err != nil && syncengine.ReasonOf(err) == syncengine.ReasonInvalid:
			l.log.Error("a resident was passed over", "record", row.ID, "err", err)
		default:
			return
		}
		made, err = false, nil
	}()
	return l.take(ctx, row)
}

// take learns one resident as it now stands and links it if it must be.
func (l *Links) take(ctx context.Context, row syncengine.RecordRow) (bool, error) {
	state, err := record.DecodeState(row.State)
	if err != nil {
		return false, err
	}
	r := resident{id: row.ID, state: state}
	if err := r.read(); err != nil {
		return false, err
	}
	l.index(r.id, r.numberHash())
	others := l.others(r.id)
	if len(others) == 0 || len(others) >= maxBearers {
		return false, nil
	}
	return l.link(ctx, r, others)
}

// index keeps which number a resident bears now; zero: none.
func (l *Links) index(id record.ID, now numberHash) {
	before := l.number[id]
	if before == now {
		return
	}
	if at, ok := slices.BinarySearchFunc(l.bearers[before], id, compareIDs); ok {
		l.bearers[before] = slices.Delete(l.bearers[before], at, at+1)
	}
	delete(l.number, id)
	if now == (numberHash{}) {
		return
	}
	at, _ := slices.BinarySearchFunc(l.bearers[now], id, compareIDs)
	l.bearers[now] = slices.Insert(l.bearers[now], at, id)
	l.number[id] = now
}

// others returns who else bears the number of a resident, ascending.
func (l *Links) others(id record.ID) []record.ID {
	number, ok := l.number[id]
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(l.bearers[number]), func(o record.ID) bool { return o == id })
}

// link links a resident with the first of the others who agrees, unless it is
// linked with one of them already or somebody has told it apart from one.
func (l *Links) link(ctx context.Context, r resident, others []record.ID) (bool, error) {
	for _, o := range others {
		ruled, err := l.ruled(ctx, r.id, o)
		if err != nil || ruled {
			return false, err
		}
	}
	for _, id := range others {
		o, err := l.resident(ctx, id)
		if err != nil {
			return false, err
		}
		if care.Agree(r.form, o.form) {
			return true, l.save(ctx, r, o)
		}
	}
	return false, nil
}

// ruled reports whether anybody has said anything about a pair.
func (l *Links) ruled(ctx context.Context, a, b record.ID) (bool, error) {
	_, err := l.shard.Get(ctx, care.LinkID(a, b))
	switch {
	case err == nil:
		return true, nil
	case syncengine.ReasonOf(err) == syncengine.ReasonNotFound:
		return false, nil
	}
	return false, err
}

func (l *Links) resident(ctx context.Context, id record.ID) (resident, error) {
	view, err := l.shard.Get(ctx, id)
	if err != nil {
		return resident{}, err
	}
	r := resident{id: id, state: view.State}
	return r, r.read()
}

// save saves that a and b are one person, in the division of the one under whose id
// the person is shown.
func (l *Links) save(ctx context.Context, a, b resident) error {
	if compareIDs(a.id, b.id) > 0 {
		a, b = b, a
	}
	changes, err := care.Diff(care.KindResidentLink, nil, care.NewLink(a.id, b.id, &carev1.LinkRuling{
		State: carev1.LinkState_LINK_STATE_LINKED, Basis: carev1.LinkBasis_LINK_BASIS_SYSTEM, Reason: linkReason,
	}))
	if err != nil {
		return err
	}
	division, ok := a.division()
	if !ok {
		if division, ok = b.division(); !ok {
			return nil // neither is anywhere: the office has to place them first
		}
	}
	changes = append(changes,
		record.Change{Path: record.PathScope, Value: record.Of([]byte(division))},
		record.Change{Path: record.PathLife, Value: record.Active()})
	_, err = l.shard.Save(ctx, LinkAuthor, syncengine.OfficeSave{Record: care.LinkID(a.id, b.id), Changes: changes})
	if err == nil {
		l.log.Info("resident linked", "record", care.LinkID(a.id, b.id))
	}
	return err
}

// resident is a record as it stands, with its form.
type resident struct {
	id    record.ID
	state record.State
	form  *carev1.Resident
}

func (r *resident) read() error {
	m, err := care.Message(care.KindResident, r.state.Registers())
	if err != nil {
		return err
	}
	r.form = m.(*carev1.Resident)
	return nil
}

// numberHash stands for the number of r's document: zero when r has none or is void.
func (r *resident) numberHash() numberHash {
	key := care.MatchKey(r.form.GetIdentityDocument())
	if key == "" || r.state.Life() == record.LifeVoided {
		return numberHash{}
	}
	sum := sha256.Sum256([]byte(key))
	return numberHash(sum[:])
}

func (r *resident) division() (record.Division, bool) {
	scope := r.state.At(record.PathScope)
	if len(scope) == 0 || scope[0].Value.Form != record.Present {
		return "", false
	}
	return record.Division(scope[0].Value.Bytes), true
}

func compareIDs(a, b record.ID) int { return bytes.Compare(a[:], b[:]) }
