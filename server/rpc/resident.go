// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"cmp"
	"context"
	"errors"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/access"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/server/register"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	mostPersons = 200 // in a page of a list
	maxAge      = 150
)

// residentService looks persons up for the office.
type residentService struct {
	officev1grpc.UnimplementedResidentServiceServer
	cfg Config
}

// SearchResidents returns a page of persons.
func (s *residentService) SearchResidents(ctx context.Context, m *officev1.SearchResidentsRequest) (*officev1.SearchResidentsResponse, error) {
	c := callOf(ctx)
	p, err := c.county.Projection()
	if err != nil {
		return nil, err
	}
	from, err := registerPlace(m)
	if err != nil {
		return nil, err
	}
	v := c.view()
	whole, err := c.whole(v, m.GetWhole())
	if err != nil {
		return nil, err
	}
	state, err := p.State(ctx)
	if err != nil {
		return nil, err
	}
	out := &officev1.SearchResidentsResponse{Masked: !whole, Behind: state.Behind}
	q, places, err := s.query(ctx, p, v, m)
	if err != nil || m.GetPlace() != "" && len(places) == 0 {
		return out, queryError(err) // a place that nobody knows has nobody
	}
	for _, d := range places {
		out.Places = append(out.Places, string(d))
	}
	hits, next, err := c.county.Register().Find(ctx, p, c.residents, q, from, pageSize(m.GetPageSize(), usualPage, mostPersons))
	if err != nil {
		return nil, queryError(err)
	}
	if out.Persons, err = c.found(ctx, v, hits, whole); err != nil {
		return nil, err
	}
	if next != (register.Place{}) {
		out.NextPageToken = place{key: next.Append(nil)}.token(m)
	}
	if whole && len(hits) > 0 {
		err = c.logWhole(ctx, m.GetWhole(), access.Entry{What: access.WhatPeople, Division: divisionOf(places, v), Rows: len(hits)})
	}
	if err != nil {
		return nil, err // nothing leaves that is not in the log
	}
	return out, nil
}

// registerPlace reads the token of a search.
func registerPlace(m *officev1.SearchResidentsRequest) (register.Place, error) {
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil || from.key == nil {
		return register.Place{}, err
	}
	at, err := register.DecodePlace(from.key)
	if err != nil {
		return register.Place{}, errToken
	}
	return at, nil
}

func queryError(err error) error {
	if errors.Is(err, register.ErrQuery) {
		return &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "search", Err: err}
	}
	return err
}

// query reads what is looked for, and which divisions its place means.
func (s *residentService) query(ctx context.Context, p register.Viewer, v view, m *officev1.SearchResidentsRequest) (q register.Query, places []record.Division, err error) {
	today := care.DateOf(callOf(ctx).began)
	q = register.Query{
		Name: m.GetName(), Pinyin: m.GetPinyin(), Number: m.GetNumber(), Phone: m.GetPhone(), ArchiveNumber: m.GetArchiveNumber(),
		Doctor: m.GetDoctorId(), Population: m.GetPopulation(), Sex: m.GetSex(),
		Scope: v.Divisions, Sensitive: slices.Contains(v.Classes, record.ClassSensitive), Today: today,
	}
	if !slices.Contains(v.Classes, record.ClassGeneral) {
		q.Scope = nil // residents are of the general class
	}
	text := register.Query{}
	if err := text.Understand(m.GetText()); err != nil {
		return q, nil, err
	}
	if text.Name != "" && q.Name != "" || text.Pinyin != "" && q.Pinyin != "" {
		return q, nil, invalid("the text and another field are both names")
	}
	q.Name, q.Pinyin, q.AnyNumber = q.Name+text.Name, q.Pinyin+text.Pinyin, text.AnyNumber
	youngest, oldest := int(m.GetAgeFrom()), -1
	if m.AgeTo != nil {
		oldest = int(m.GetAgeTo())
	}
	if youngest > maxAge || oldest > maxAge {
		return q, nil, invalid("age")
	}
	q.BornFrom, q.BornTo = register.BornBetween(youngest, oldest, today)
	for _, st := range m.GetStatuses() {
		one, err := statusFromWire(st)
		if err != nil {
			return q, nil, err
		}
		q.Statuses = append(q.Statuses, one)
	}
	if m.GetPlace() != "" {
		q.Divisions, err = register.Divisions(ctx, p, m.GetPlace())
	}
	return q, q.Divisions, err
}

func statusFromWire(s officev1.PersonStatus) (register.Status, error) {
	if s < officev1.PersonStatus_PERSON_STATUS_HERE || s > officev1.PersonStatus_PERSON_STATUS_DEAD {
		return 0, invalid("status %d", s)
	}
	return register.Status(s - 1), nil
}

// whole reports whether numbers are to be shown whole. Errors: ReasonRights for whom they are shown in part only;
// ReasonInvalid without an author or a purpose.
func (c *call) whole(v view, m *officev1.Whole) (bool, error) {
	switch {
	case m == nil:
		return false, nil
	case v.Masked || !c.principal.MayName(m.GetAuthor()):
		return false, &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "whole numbers"}
	case m.GetAuthor() == "" || m.GetPurpose() == "":
		return false, invalid("whole numbers need an author and a purpose")
	}
	return true, nil
}

// logWhole writes an entry about what is about to leave whole, by whom and for what m says.
func (c *call) logWhole(ctx context.Context, m *officev1.Whole, e access.Entry) error {
	e.Author, e.Purpose = m.GetAuthor(), m.GetPurpose()
	return c.logAccess(ctx, e)
}

// divisionOf returns the division that a list is about: the one place it was asked for, or what the caller sees; empty
// for the whole county.
func divisionOf(places []record.Division, v view) record.Division {
	for _, all := range [][]record.Division{places, v.Divisions} {
		if len(all) == 1 && len(all[0]) >= int(care.LevelCounty) {
			return all[0]
		}
	}
	return ""
}

// residents returns the forms of residents.
func (c *call) residents(ctx context.Context, ids []record.ID) ([]*carev1.Resident, error) {
	rows, err := c.county.Engine.Rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []*carev1.Resident
	for _, row := range rows {
		if form, ok := residentIn(row); ok {
			out = append(out, form)
		}
	}
	return out, nil
}

// residentIn returns the form of a resident's record; false where it is void or cannot be read.
func residentIn(row syncengine.RecordRow) (*carev1.Resident, bool) {
	state, err := record.DecodeState(row.State)
	if err != nil || state.Life() == record.LifeVoided {
		return nil, false
	}
	form, err := care.Message(care.KindResident, state.Registers())
	if err != nil {
		return nil, false
	}
	r, ok := form.(*carev1.Resident)
	return r, ok
}

// found writes hits with the numbers of their first residents that the caller may see.
func (c *call) found(ctx context.Context, v view, hits []register.Hit, whole bool) ([]*officev1.FoundPerson, error) {
	var ids []record.ID
	for _, h := range hits {
		ids = append(ids, h.Residents...)
	}
	rows, err := c.county.Engine.Rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	forms := map[record.ID]*carev1.Resident{}
	for _, row := range rows {
		if form, ok := residentIn(row); ok && v.sees(row.Class, row.Divisions) {
			forms[row.ID] = form
		}
	}
	var out []*officev1.FoundPerson
	for _, h := range hits {
		m := hitToWire(h)
		i := slices.IndexFunc(h.Residents, func(id record.ID) bool { return forms[id] != nil })
		if i >= 0 { // else it was moved or made void since the register read it
			putNumbers(m, forms[h.Residents[i]], whole)
		}
		out = append(out, m)
	}
	return out, nil
}

// sees reports whether a record may be shown.
func (v view) sees(class record.Class, divisions []record.Division) bool {
	return slices.Contains(v.Classes, class) &&
		(slices.Contains(v.Divisions, "") || slices.ContainsFunc(divisions, func(d record.Division) bool { return d.WithinAny(v.Divisions) }))
}

// putNumbers puts a resident's numbers into m, whole or in part.
func putNumbers(m *officev1.FoundPerson, r *carev1.Resident, whole bool) {
	m.Number, m.Phone, m.ArchiveNumber = r.GetIdentityDocument().GetNumber(), r.GetPhone(), r.GetArchiveNumber()
	if !whole {
		m.Number, m.Phone, m.ArchiveNumber = care.MaskNumber(m.GetNumber()), care.MaskPhone(m.GetPhone()), care.MaskNumber(m.GetArchiveNumber())
	}
}

func hitToWire(h register.Hit) *officev1.FoundPerson {
	m := &officev1.FoundPerson{
		PersonId: h.Person[:], Name: h.Name, Sex: h.Sex, BirthDate: int32(h.BirthDate), DoctorIds: h.Doctors, Populations: h.Populations,
		Status: officev1.PersonStatus(h.Status) + 1, Since: int32(h.Since),
	}
	for _, id := range h.Residents {
		m.ResidentIds = append(m.ResidentIds, id[:])
	}
	for _, d := range h.Divisions {
		m.Divisions = append(m.Divisions, string(d))
	}
	return m
}

// GetPerson returns a person's page.
func (s *residentService) GetPerson(ctx context.Context, m *officev1.GetPersonRequest) (*officev1.GetPersonResponse, error) {
	id, err := recordFromWire(m.GetResident())
	if err != nil {
		return nil, err
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	p, err := c.county.Projection()
	if err != nil {
		return nil, err
	}
	v := c.view()
	whole, err := c.whole(v, m.GetWhole())
	if err != nil {
		return nil, err
	}
	page, err := pageOf(ctx, p, id, v)
	if err != nil {
		return nil, err
	}
	w := personPage{call: c, view: v, page: page, whole: whole}
	out, err := w.write(ctx, m, int(min(from.after, uint64(len(page.Records)))))
	if err == nil && whole {
		err = c.logWhole(ctx, m.GetWhole(), access.Entry{
			What: access.WhatPerson, Division: cmp.Or(firstOf(page.Hit.Divisions), divisionOf(nil, v)), Rows: 1, Person: page.Hit.Person,
		})
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func firstOf(all []record.Division) record.Division {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// pageOf returns the page of a resident's person. Who is out of sight is not there.
func pageOf(ctx context.Context, p *projection.Projection, id record.ID, v view) (register.Page, error) {
	if id.Kind() != care.KindResident {
		return register.Page{}, notFound("person")
	}
	person, err := p.Person(ctx, id)
	if err != nil {
		return register.Page{}, err
	}
	page, ok := register.PageOf(person, register.Sight{Divisions: v.Divisions, Classes: v.Classes}, care.DateOf(callOf(ctx).began))
	if !ok {
		return register.Page{}, notFound("person")
	}
	return page, nil
}
