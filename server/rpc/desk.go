// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"errors"
	"slices"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// What a desk may do stands here, in one place: in whose name it asks (checkDesk), what RecordService lets it write
// (mayWrite), and where any service saves for it (save). What it may call stands in the table of package auth, what
// it may see in view.

// deskForms reports whether a desk writes whole forms of a kind by RecordService: those with which the office works
// beside the records of residents. Other office records have services of their own, which check what they say.
func deskForms(k record.Kind) bool {
	switch k {
	case 37, // outreach_event
		38, // satisfaction_survey
		43, // verification
		44, // task
		57: // rectification
		return true
	}
	return false
}

// grantsRights reports whether records of a kind decide what others may do. No desk saves one, by whatever service:
// the operator does.
func grantsRights(k record.Kind) bool {
	return k == care.KindStaff || k == care.KindRulePack || k == care.KindDivisionChange || k == care.KindResidentLink
}

var (
	errServersOwn = errors.New("the access log is written by the server alone")
	errNotDesks   = errors.New("a desk does not save this")
	errNotStaff   = errors.New("not on the desk's certificate")
)

// checkDesk holds the author that a request names against the certificate of the desk that sent it. In requests a
// field called author is always who asks.
func (c *call) checkDesk(request any) error {
	named, ok := request.(interface{ GetAuthor() string })
	if !ok || c.principal.Who != auth.Desk || named.GetAuthor() == "" || c.principal.MayName(named.GetAuthor()) {
		return nil
	}
	return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "author", Err: errNotStaff}
}

// mayWrite says whether the caller may make a save by RecordService, wherever the record is. A desk writes its own
// forms, and of others the registers of reviews.
func (c *call) mayWrite(s syncengine.OfficeSave) error {
	kind := kindOf(s)
	if kind == care.KindAccessEntry {
		return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "save", Err: errServersOwn}
	}
	if c.principal.Who != auth.Desk || deskForms(kind) {
		return nil
	}
	if s.Record.IsZero() || len(s.Changes) == 0 || slices.ContainsFunc(s.Changes, func(ch record.Change) bool { return !c.mayReview(kind, ch.Path) }) {
		return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "save", Err: errNotDesks}
	}
	return nil
}

// mayReview reports whether the register at a path is a level's word that the desk may say: the county's word is for
// desks of a county only.
func (c *call) mayReview(kind record.Kind, path record.Path) bool {
	level, ok := care.LevelAt(kind, path)
	return ok && (level != care.ReviewCounty ||
		slices.ContainsFunc(c.principal.Certificate.Divisions, func(d record.Division) bool { return len(d) <= int(care.LevelCounty) }))
}

func kindOf(s syncengine.OfficeSave) record.Kind {
	if s.Record.IsZero() {
		return s.Kind
	}
	return s.Record.Kind()
}

// save saves by the centre's replica for the caller. Every service that saves for a desk does it here. A desk saves in the
// names of its staff, kinds of its classes that grant no rights, records within its divisions, and leaves them there.
// Errors: ReasonRights; ReasonNotFound for a record out of its sight, as if there were none; and Save's.
func (c *call) save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error) {
	if c.principal.Who != auth.Operator {
		if !c.principal.MayName(author) {
			return nil, &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "author", Err: errNotStaff}
		}
		if err := c.within(ctx, saves); err != nil {
			return nil, err
		}
	}
	return c.county.Engine.Save(ctx, author, saves...)
}

// within checks what a desk wants to save.
func (c *call) within(ctx context.Context, saves []syncengine.OfficeSave) error {
	var ids []record.ID
	for _, s := range saves {
		if !s.Record.IsZero() {
			ids = append(ids, s.Record)
		}
	}
	there := map[record.ID]syncengine.RecordRow{}
	if len(ids) > 0 {
		rows, err := c.county.Engine.Rows(ctx, ids)
		if err != nil {
			return err
		}
		for _, row := range rows {
			there[row.ID] = row
		}
	}
	for _, s := range saves {
		row, known := there[s.Record]
		if known && !c.principal.MaySee(row) {
			return notFound("record")
		}
		if err := c.withinDesk(s, known); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) withinDesk(s syncengine.OfficeSave, known bool) error {
	kind, cert := kindOf(s), c.principal.Certificate
	class, ok := c.county.Class(kind)
	if !ok || grantsRights(kind) || kind == care.KindAccessEntry || !slices.Contains(cert.Classes, class) {
		return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "save", Err: errNotDesks}
	}
	scoped := known // where it was seen
	for _, ch := range s.Changes {
		if ch.Path != record.PathScope {
			continue
		}
		if ch.Value.Form != record.Present || !record.Division(ch.Value.Bytes).WithinAny(cert.Divisions) {
			return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "save", Err: errors.New("a division outside the desk's scope")}
		}
		scoped = true
	}
	if !scoped {
		return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "save", Err: errors.New("a new record without a division")}
	}
	return nil
}

func notFound(what string) error {
	return &syncengine.Error{Reason: syncengine.ReasonNotFound, Doing: what}
}

// leaveOutPersonal takes out of an answer to a desk what names somebody or tells where one lives: whole numbers come
// with a purpose and an entry in the access log only, from ResidentService.
func leaveOutPersonal(kind record.Kind, m *syncv1.GetResponse) {
	hidden := func(path []byte) bool { return care.Personal(kind, record.Path(path)) }
	m.Record.Registers = slices.DeleteFunc(m.GetRecord().GetRegisters(), func(g *syncv1.RecordRegister) bool { return hidden(g.GetPath()) })
	for _, r := range m.GetHistory() {
		r.Changes = slices.DeleteFunc(r.GetChanges(), func(ch *syncv1.RegisterChange) bool { return hidden(ch.GetPath()) })
	}
}
