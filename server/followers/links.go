// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"context"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	// LinkAuthor is the author of links that no person made.
	LinkAuthor = "system"
	// linkReason is what such a link says about itself.
	linkReason = "证件号码、姓名、性别、出生日期一致 / number, name, sex and birth date agree"

	// maxBearers bounds the residents looked at for one number, or for one name and birth
	// date. What more bear is a placeholder somebody typed, and nobody is linked or proposed
	// by it.
	maxBearers = 16
)

// linkAll links the residents that may have to be, one a turn, and returns how many links
// it saved.
func (p *People) linkAll(ctx context.Context) (saved int, err error) {
	for done := false; !done; {
		err := p.inTurn(ctx, func() error {
			if done = len(p.toLink) == 0; done {
				return nil
			}
			made, err := p.link(ctx, p.toLink[0])
			if err != nil {
				return err
			}
			if p.toLink = p.toLink[1:]; made {
				saved++
			}
			return nil
		})
		if err != nil {
			return saved, err
		}
	}
	return saved, nil
}

// link links a resident with the first of the bearers of its number who agrees, and reports
// whether it did. It does not where anybody has ruled about it and one of them: then a person
// decides about the others, too.
func (p *People) link(ctx context.Context, id record.ID) (linked bool, err error) {
	err = alone(p.log, id, func() error {
		r, err := p.resident(ctx, id)
		if err != nil {
			return err
		}
		others, err := p.others(ctx, r)
		if err != nil {
			return err
		}
		for _, o := range others {
			ruled, err := p.ruled(ctx, r.id, o.id)
			if err != nil || ruled {
				return err
			}
		}
		at := slices.IndexFunc(others, func(o resident) bool { return care.Agree(r.form, o.form) })
		if at >= 0 {
			linked, err = p.save(ctx, r, others[at])
		}
		return err
	})
	return linked, err
}

// others returns who else bears the number of a resident, ascending; nobody where too many do.
func (p *People) others(ctx context.Context, r resident) ([]resident, error) {
	found := p.index.bearers(p.tags.tag(tagNumber, r.key()), maxBearers+1)
	if len(found) > maxBearers {
		return nil, nil
	}
	out, err := p.readable(ctx, slices.DeleteFunc(found, func(id record.ID) bool { return id == r.id }))
	return slices.DeleteFunc(out, func(o resident) bool { return o.key() != r.key() }), err
}

// ruled reports whether anybody has said anything about a pair. The store is asked: what the
// feed has not shown yet must not be said again.
func (p *People) ruled(ctx context.Context, a, b record.ID) (bool, error) {
	_, err := p.shard.Get(ctx, care.LinkID(a, b))
	switch {
	case err == nil:
		return true, nil
	case syncengine.ReasonOf(err) == syncengine.ReasonNotFound:
		return false, nil
	}
	return false, err
}

// save saves that a and b are one person, in the division of the one under whose id
// the person is shown, and reports whether it did.
func (p *People) save(ctx context.Context, a, b resident) (bool, error) {
	if record.ID.Compare(a.id, b.id) > 0 {
		a, b = b, a
	}
	changes, err := care.Diff(care.KindResidentLink, nil, care.NewLink(a.id, b.id, &carev1.LinkRuling{
		State: carev1.LinkState_LINK_STATE_LINKED, Basis: carev1.LinkBasis_LINK_BASIS_SYSTEM, Reason: linkReason,
	}))
	if err != nil {
		return false, err
	}
	division, ok := a.division()
	if !ok {
		if division, ok = b.division(); !ok {
			return false, nil // neither is anywhere: the office has to place them first
		}
	}
	changes = append(changes,
		record.Change{Path: record.PathScope, Value: record.Of([]byte(division))},
		record.Change{Path: record.PathLife, Value: record.Active()})
	_, err = p.shard.Save(ctx, LinkAuthor, syncengine.OfficeSave{Record: care.LinkID(a.id, b.id), Changes: changes})
	if err != nil {
		return false, err
	}
	p.log.Info("resident linked", "record", care.LinkID(a.id, b.id))
	return true, nil
}
