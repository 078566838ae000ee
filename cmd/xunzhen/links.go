// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/transport"
)

// linksCommands are about residents who may be one person.
type linksCommands struct {
	List      linksList      `cmd:"" default:"withargs" help:"help_links_list"`
	Same      linksSame      `cmd:"" help:"help_links_same"`
	Different linksDifferent `cmd:"" help:"help_links_different"`
}

// linksList lists what is to be decided.
type linksList struct {
	officeFlags
	Json bool `help:"help_json"`
}

// proposedLink is one pair for programs. Reasons are those of LinkReason in small letters.
type proposedLink struct {
	A       personLine `json:"a"`
	B       personLine `json:"b"`
	Reasons []string   `json:"reasons"`
}

// Run prints the pairs.
func (f linksList) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		all, err := proposedLinks(c, o)
		switch {
		case err != nil:
			return err
		case f.Json:
			return c.json(all)
		case len(all) == 0:
			c.line("links_none")
			return nil
		}
		for _, p := range all {
			if err := c.tellProposal(p); err != nil {
				return err
			}
		}
		c.line("links_how")
		return nil
	})
}

func proposedLinks(c *call, o *office.Office) ([]proposedLink, error) {
	all, err := o.LinkProposals(c.ctx)
	if err != nil {
		return nil, err
	}
	out := make([]proposedLink, len(all))
	for i, m := range all {
		for _, side := range []struct {
			id   []byte
			line *personLine
		}{{m.GetResidentA(), &out[i].A}, {m.GetResidentB(), &out[i].B}} {
			_, r, err := residentAt(c, o, side.id)
			if err == nil {
				*side.line, err = personLineOf(r)
			}
			if err != nil {
				return nil, err
			}
		}
		for _, why := range m.GetReasons() {
			out[i].Reasons = append(out[i].Reasons, strings.ToLower(strings.TrimPrefix(why.String(), "LINK_REASON_")))
		}
	}
	return out, nil
}

func residentAt(c *call, o *office.Office, raw []byte) (record.ID, *syncv1.Record, error) {
	id, err := idFromWire(raw)
	if err != nil {
		return id, nil, err
	}
	r, _, err := o.Get(c.ctx, id)
	return id, r, err
}

func (c *call) tellProposal(p proposedLink) error {
	var why []string
	for _, reason := range p.Reasons {
		if key := "link_reason_" + reason; c.words.Has(key) {
			reason = c.say(key)
		}
		why = append(why, reason)
	}
	fmt.Fprintln(c.Stdout, strings.Join(why, "; "))
	t := terminal.Table{Indent: 2}
	for _, r := range []personLine{p.A, p.B} {
		t.Add(r.ID, r.Name, c.sex(r.Sex), r.BirthDate, strings.Join(r.Divisions, " "))
	}
	return t.Write(c.Stdout)
}

// sex is a sex in the reader's language, as forms show it.
func (c *call) sex(name string) string {
	v, ok := carev1.Sex_value["SEX_"+strings.ToUpper(name)]
	if !ok {
		return ""
	}
	return formReader{c.words.Language()}.code(carev1.Sex(v).Descriptor(), carev1.Sex(v).Number())
}

// linkRuling is what linksSame and linksDifferent have in common.
type linkRuling struct {
	officeFlags
	rulingFlags
	A string `arg:"" help:"help_links_a" placeholder:"A"`
	B string `arg:"" help:"help_links_b" placeholder:"B"`
}

// linksSame says that two residents are one person.
type linksSame struct{ linkRuling }

// Run saves it.
func (f linksSame) Run(c *call) error {
	return f.rule(c, carev1.LinkState_LINK_STATE_LINKED, "links_said_same")
}

// linksDifferent says that two residents are two people.
type linksDifferent struct{ linkRuling }

// Run saves it.
func (f linksDifferent) Run(c *call) error {
	return f.rule(c, carev1.LinkState_LINK_STATE_UNLINKED, "links_said_different")
}

func (f linkRuling) rule(c *call, state carev1.LinkState, said string) error {
	var ids [2]record.ID
	for i, text := range []string{f.A, f.B} {
		id, _, err := named(text, "")
		if err != nil {
			return err
		}
		if ids[i] = id; id.Kind() != care.KindResident {
			return problemf("problem_not_resident", text)
		}
	}
	if ids[0] == ids[1] {
		return problemf("problem_one_resident")
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		changes, err := f.changes(c, o, ids, state)
		if err != nil {
			return err
		}
		if len(changes) > 0 {
			if _, err := o.Save(c.ctx, care.LinkID(ids[0], ids[1]), f.Author, changes); err != nil {
				return err
			}
		}
		c.line(said, ids[0], ids[1])
		return nil
	})
}

// changes are those of a ruling: of a new link, or over all that is live in the one there
// is. There are none where that says the same.
func (f linkRuling) changes(c *call, o *office.Office, ids [2]record.ID, state carev1.LinkState) ([]record.Change, error) {
	division, err := f.division(c, o, ids)
	if err != nil {
		return nil, err
	}
	form := care.NewLink(ids[0], ids[1], &carev1.LinkRuling{
		State: state, Basis: carev1.LinkBasis_LINK_BASIS_PERSON, Reason: f.Reason,
	})
	m, _, err := o.Get(c.ctx, care.LinkID(ids[0], ids[1]))
	if r, ok := transport.RefusalOf(err); ok && r.Reason == syncv1.Reason_REASON_NOT_FOUND {
		changes, err := care.Diff(care.KindResidentLink, nil, form)
		return append(changes,
			record.Change{Path: record.PathScope, Value: record.Of([]byte(division))},
			record.Change{Path: record.PathLife, Value: record.Active()}), err
	}
	if err != nil {
		return nil, err
	}
	now, err := office.Registers(m)
	if err != nil {
		return nil, err
	}
	return ruleAnew(now, form)
}

// ruleAnew returns what a ruling changes in a link as it stands. Where several stand beside
// each other it replaces all of them, whatever the one that is shown says.
func ruleAnew(now []record.Register, form *carev1.ResidentLink) ([]record.Change, error) {
	changes, err := care.Diff(care.KindResidentLink, now, form)
	at := slices.IndexFunc(now, func(g record.Register) bool { return g.Path == pathRuling && g.Conflict() })
	if err != nil || len(changes) > 0 || at < 0 {
		return changes, err
	}
	all, err := care.Diff(care.KindResidentLink, nil, form)
	for _, change := range all {
		if change.Path == pathRuling {
			change.Parents = now[at].Parents()
			changes = append(changes, change)
		}
	}
	return changes, err
}

// pathRuling is the register of a link that says what was decided.
var pathRuling = record.Field(3)

// division returns where a link belongs: to the resident under whose id the person is shown.
// Both residents must be there.
func (f linkRuling) division(c *call, o *office.Office, ids [2]record.ID) (record.Division, error) {
	var places [2]string
	for i, id := range ids {
		r, _, err := o.Get(c.ctx, id)
		if err != nil {
			return "", err
		}
		if all := r.GetDivisions(); len(all) > 0 {
			places[i] = all[0]
		}
	}
	if string(ids[0][:]) > string(ids[1][:]) {
		places[0], places[1] = places[1], places[0]
	}
	for _, place := range places {
		if place != "" {
			return record.Division(place), nil
		}
	}
	return "", errors.New("neither resident is in a division")
}
