// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrNobody says that there is no resident's record among those handed in.
var ErrNobody = errors.New("no resident's record")

// Person is what a bundle is made of.
type Person struct {
	ID       record.ID // the smallest of the linked residents
	Records  []Record  // in any order; voided ones are left out
	Names    export.Names
	View     export.View
	Position uint64    // of the feed
	At       time.Time // when the bundle is made
}

// Record is one record with what is known of its saves.
type Record struct {
	Entry     rules.Entry
	Conflicts []Conflict
	Revisions []Revision // admitted ones, in the order of the ledger
}

// Conflict is one register with several values.
type Conflict struct {
	Path   string   // as care.FormatPath writes it
	Others []string // the values that are not shown, in words
}

// Revision is one save.
type Revision struct {
	Dot        string // replica, counter and the first bytes of its hash
	Replica    string
	Author     string
	SavedAt    time.Time // by the saver's clock
	ReceivedAt time.Time // by the centre's
}

// resource is one resource as JSON has it.
type resource map[string]any

// list is a JSON array.
type list []any

// bundle is a bundle that is being made.
type bundle struct {
	Person
	entries       []resource
	patient       resource // a reference to it
	practitioners map[string]resource
	organisations map[string]resource
	teams         map[string]resource
	current       *Record
	targets       list // references to what the current record has become
}

// Bundle returns the bundle as JSON, indented. Errors: ErrNobody.
func Bundle(p Person) ([]byte, error) {
	b := &bundle{Person: p, practitioners: map[string]resource{}, organisations: map[string]resource{}, teams: map[string]resource{}}
	b.Records = slices.Clone(p.Records)
	b.Records = slices.DeleteFunc(b.Records, func(r Record) bool { return r.Entry.Voided || r.Entry.Form == nil })
	slices.SortFunc(b.Records, func(x, y Record) int { return slices.Compare(x.Entry.ID[:], y.Entry.ID[:]) })
	var residents []*Record
	for i := range b.Records {
		if _, ok := b.Records[i].Entry.Form.(*carev1.Resident); ok {
			residents = append(residents, &b.Records[i])
		}
	}
	if len(residents) == 0 {
		return nil, ErrNobody
	}
	b.addPatient(residents)
	for i := range b.Records {
		b.addRecord(&b.Records[i])
	}
	return json.MarshalIndent(b.whole(), "", "  ")
}

// whole returns the bundle: the patient first, then the others by type and id.
func (b *bundle) whole() resource {
	rank := func(r resource) int {
		return slices.Index([]string{
			"Patient", "Practitioner", "Organization", "CareTeam", "CarePlan", "Condition", "AllergyIntolerance", "Encounter", "Observation",
			"MedicationStatement", "Immunization", "Provenance",
		}, r["resourceType"].(string))
	}
	slices.SortStableFunc(b.entries, func(x, y resource) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), strings.Compare(x["id"].(string), y["id"].(string)))
	})
	entries := list{}
	for _, r := range b.entries {
		entries = append(entries, resource{"fullUrl": "urn:uuid:" + r["id"].(string), "resource": r})
	}
	return resource{
		"resourceType": "Bundle", "type": "collection", "language": "zh-CN", "id": b.ID.String(),
		"identifier": resource{"system": Namespace + "person", "value": b.ID.String()},
		"timestamp":  instant(b.At),
		"meta": resource{
			"lastUpdated": instant(b.At),
			"tag":         list{resource{"system": Namespace + "position", "code": strconv.FormatUint(b.Position, 10)}},
		},
		"entry": entries,
	}
}

// add puts a resource into the bundle, under an id that follows from the current record and
// what the resource is of it, and returns a reference to it. text says in Chinese what it is.
func (b *bundle) add(typ, part, text string, r resource) resource {
	id := derived(b.current.Entry.ID, typ+"/"+part)
	if typ == "Patient" {
		id = b.ID.String()
	}
	return b.put(typ, id, text, r)
}

// put puts a resource into the bundle under an id.
func (b *bundle) put(typ, id, text string, r resource) resource {
	r["resourceType"], r["id"], r["language"] = typ, id, "zh-CN"
	r["text"] = resource{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml" lang="zh-CN" xml:lang="zh-CN">` + html.EscapeString(text) + `</div>`}
	if b.current != nil && len(b.current.Conflicts) > 0 && typ != "Provenance" {
		meta, _ := r["meta"].(resource)
		if meta == nil {
			meta = resource{}
		}
		meta["tag"] = list{resource{"system": Namespace + "state", "code": "conflict", "display": "此记录有尚未裁定的冲突值"}}
		r["meta"] = meta
	}
	for k, v := range r {
		if l, ok := v.(list); v == nil || v == "" || ok && len(l) == 0 {
			delete(r, k)
		}
	}
	b.entries = append(b.entries, r)
	ref := resource{"reference": "urn:uuid:" + id, "type": typ}
	if typ != "Provenance" && b.current != nil {
		b.targets = append(b.targets, ref)
	}
	return ref
}

// derived returns a UUID that follows from a record and what of it is meant.
func derived(id record.ID, part string) string {
	h := sha256.Sum256(append(id[:], part...))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8, as RFC 9562 has it for ids of one's own making
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// shared puts a resource into the bundle that belongs to no one record.
func (b *bundle) shared(all map[string]resource, typ, key, text string, r func() resource) any {
	if key == "" {
		return nil
	}
	if ref, ok := all[key]; ok {
		return ref
	}
	current, targets := b.current, b.targets
	b.current = nil
	ref := b.put(typ, derived(record.ID{}, typ+"/"+key), text, r())
	b.current, b.targets = current, targets
	all[key] = ref
	return ref
}

func (b *bundle) practitioner(staff string) any {
	name := b.Names.Staff(staff)
	return b.shared(b.practitioners, "Practitioner", staff, "医务人员 "+name, func() resource {
		return resource{"identifier": list{resource{"system": Namespace + "staff", "value": staff}}, "name": list{resource{"text": name}}}
	})
}

func (b *bundle) organisation(code string) any {
	name := b.Names.Organisation(code)
	return b.shared(b.organisations, "Organization", code, "机构 "+name, func() resource {
		return resource{"identifier": list{resource{"system": Namespace + "organisation", "value": code}}, "name": name}
	})
}

func (b *bundle) team(id []byte, organisation string) any {
	if len(id) != len(record.ID{}) {
		return nil
	}
	name := cmp.Or(b.Names.Team(id), record.ID(id).String())
	return b.shared(b.teams, "CareTeam", record.ID(id).String(), "家庭医生团队 "+name, func() resource {
		r := resource{"identifier": list{resource{"system": Namespace + "team", "value": record.ID(id).String()}}, "name": name, "status": "active", "subject": b.patient}
		if o := b.organisation(organisation); o != nil {
			r["managingOrganization"] = list{o}
		}
		return r
	})
}

// instant writes a time as FHIR has it.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// date writes a civil date, or the part of it that is known; nil for none.
func date(d care.Date) any {
	if !d.Valid() {
		return nil
	}
	return d.String()
}

// coded returns a concept with words in Chinese and codes of some systems.
func coded(text string, codings ...resource) resource {
	r := resource{"text": text}
	if len(codings) > 0 {
		all := list{}
		for _, c := range codings {
			all = append(all, c)
		}
		r["coding"] = all
	}
	return r
}

func coding(system, code string) resource { return resource{"system": system, "code": code} }

// masked stands where a value may not be seen.
func masked() resource {
	return resource{"extension": list{resource{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}}}
}

// hidden puts a value under a name, or says that it is masked.
func (b *bundle) hidden(r resource, name, value string) resource {
	if b.View.Masked {
		r["_"+name] = masked()
	} else {
		r[name] = value
	}
	return r
}
