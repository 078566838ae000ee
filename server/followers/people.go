// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// People knows which residents may be, and which are, one person. It finds residents by the
// number of a document, says of residents who were registered twice that they are one person
// where nothing speaks against it (links.go), and keeps the pairs about which somebody has to
// decide (proposals.go).
//
// What it derives is in memory and comes from the feed alone: nothing of it is stored, and
// after a start it is there again when the residents have been read. It keeps ids and keyed
// hashes, no name and no number. Its methods may be called from many goroutines.
type People struct {
	shard Shard
	log   *slog.Logger
	tags  tagger
	// linkable has something in it when toLink got longer.
	linkable chan struct{}
	turn     chan struct{} // has room for the one who works; everything below is theirs

	epoch     ledger.Epoch
	residents stream
	links     stream
	index     index
	said      map[record.ID]care.Link // by the id of the link
	people    care.People             // what they say together
	stale     bool                    // people is not yet that
	todo      []record.ID             // residents to be compared with others
	toLink    []record.ID             // residents of whose number others are known
	pairs     pairs
}

// NewPeople returns a follower that has read nothing yet. The key is the county's for search.
func NewPeople(shard Shard, key []byte, log *slog.Logger) *People {
	p := &People{shard: shard, log: log, tags: newTagger(key), turn: make(chan struct{}, 1), linkable: make(chan struct{}, 1)}
	p.reset()
	return p
}

func (p *People) reset() {
	p.epoch, p.index, p.pairs, p.todo = p.shard.Epoch(), newIndex(), newPairs(), nil
	p.toLink = nil
	p.residents, p.links = stream{kind: care.KindResident}, stream{kind: care.KindResidentLink}
	p.said, p.people, p.stale = map[record.ID]care.Link{}, care.People{}, false
}

// Run follows the feed until ctx ends. What fails is logged and tried again after
// the next commit.
func (p *People) Run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := p.shard.Changed()
		if n, err := p.Follow(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("residents could not be linked", "err", err)
		} else if n > 0 {
			p.log.Info("residents linked", "links", n)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-p.linkable: // of what somebody else has read
		}
	}
}

// Follow reads the feed to its end, saves the links that are missing, and returns
// how many it saved.
func (p *People) Follow(ctx context.Context) (int, error) {
	if err := p.catchUp(ctx); err != nil {
		return 0, err
	}
	if err := p.compareAll(ctx); err != nil {
		return 0, err
	}
	return p.linkAll(ctx)
}

// inTurn waits for the turn and runs f. It is given back between pages, so that who asks
// does not wait for all that is to be read or saved.
func (p *People) inTurn(ctx context.Context, f func() error) error {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.turn }()
	return f()
}

// catchUp reads the feed as far as it goes now.
func (p *People) catchUp(ctx context.Context) error {
	end := p.shard.Position()
	for done := false; !done; {
		err := p.inTurn(ctx, func() (err error) {
			if p.shard.Epoch() != p.epoch {
				p.reset()
				end = p.shard.Position()
			}
			if done, err = p.links.page(ctx, p.shard, end, p.takeLink); err == nil && done {
				done, err = p.residents.page(ctx, p.shard, end, p.takeResident)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// takeLink learns what one link now says. One whose id is not that of its pair says nothing.
func (p *People) takeLink(row syncengine.RecordRow) error {
	return alone(p.log, row.ID, func() error {
		delete(p.said, row.ID)
		p.stale = true
		state, err := record.DecodeState(row.State)
		if err != nil || state.Life() == record.LifeVoided {
			return err
		}
		m, err := care.Message(care.KindResidentLink, state.Registers())
		if err != nil {
			return err
		}
		form := m.(*carev1.ResidentLink)
		if len(form.GetResidentA()) != len(record.ID{}) || len(form.GetResidentB()) != len(record.ID{}) {
			return nil
		}
		l := care.Link{A: record.ID(form.GetResidentA()), B: record.ID(form.GetResidentB())}
		l.Same = form.GetRuling().GetState() == carev1.LinkState_LINK_STATE_LINKED
		if care.LinkID(l.A, l.B) == row.ID && form.GetRuling().GetState() != carev1.LinkState_LINK_STATE_UNSPECIFIED {
			p.said[row.ID] = l
		}
		return nil
	})
}

// takeResident learns one resident as it now stands.
func (p *People) takeResident(row syncengine.RecordRow) error {
	return alone(p.log, row.ID, func() error {
		state, err := record.DecodeState(row.State)
		if err != nil {
			return err
		}
		r, err := residentOf(row.ID, state)
		if err != nil {
			return err
		}
		usual, slips := p.tagsOf(r)
		p.index.put(r.id, usual, slips)
		if p.pairs.has(r.id) || p.shares(r, usual, slips) {
			p.todo = append(p.todo, r.id)
		}
		return nil
	})
}

// shares reports whether a resident may have something in common with another.
func (p *People) shares(r resident, usual [2]tag, slips []tag) bool {
	return len(p.index.bearers(usual[0], 2)) > 1 || len(p.index.bearers(usual[1], 2)) > 1 || len(slips) > 0 ||
		len(p.index.bearers(p.tags.tag(tagSlip, r.key()), 1)) > 0
}

// knows returns what all links say.
func (p *People) knows() care.People {
	if p.stale {
		p.people, p.stale = care.NewPeople(slices.Collect(maps.Values(p.said))), false
	}
	return p.people
}

// resident is a record as it stands, with its form.
type resident struct {
	id    record.ID
	state record.State
	form  *carev1.Resident
}

func residentOf(id record.ID, state record.State) (resident, error) {
	m, err := care.Message(care.KindResident, state.Registers())
	if err != nil {
		return resident{}, err
	}
	return resident{id, state, m.(*carev1.Resident)}, nil
}

// resident reads a resident as it now stands.
func (p *People) resident(ctx context.Context, id record.ID) (resident, error) {
	view, err := p.shard.Get(ctx, id)
	if err != nil {
		return resident{}, err
	}
	return residentOf(id, view.State)
}

// readable reads residents as they now stand, in the order of ids; those with which nothing
// can be done are left out.
func (p *People) readable(ctx context.Context, ids []record.ID) ([]resident, error) {
	var out []resident
	for _, id := range ids {
		err := alone(p.log, id, func() error {
			r, err := p.resident(ctx, id)
			if err == nil {
				out = append(out, r)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r resident) void() bool { return r.state.Life() == record.LifeVoided }

// key is the key of r's document; "" when r has none or is void.
func (r resident) key() string {
	if r.void() {
		return ""
	}
	return care.MatchKey(r.form.GetIdentityDocument())
}

// person is what two residents of one village have in common who may be one person, beside
// their documents; "" when any of it is not known, or r is void.
func (r resident) person() string {
	division, ok := r.division()
	if !ok || r.void() {
		return ""
	}
	return personKey(r.form.GetName(), care.Date(r.form.GetBirthDate()), division)
}

// slips are the resident numbers that may have been meant by r's, if that is none.
func (r resident) slips() []care.ResidentNumber {
	if r.void() {
		return nil
	}
	return care.OneSlip(r.form.GetIdentityDocument().GetNumber())
}

func (r resident) division() (record.Division, bool) {
	scope := r.state.At(record.PathScope)
	if len(scope) == 0 || scope[0].Value.Form != record.Present {
		return "", false
	}
	return record.Division(scope[0].Value.Bytes), true
}

func (p *People) tagsOf(r resident) (usual [2]tag, slips []tag) {
	for _, n := range r.slips() {
		slips = append(slips, p.tags.tag(tagSlip, string(n)))
	}
	return [2]tag{p.tags.tag(tagNumber, r.key()), p.tags.tag(tagPerson, r.person())}, slips
}
