// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Rules judge by one pack. They never change and may be used by many at once.
type Rules struct {
	Settings Settings
	pack     *rules.Pack // only what bears on authenticity
}

// packRules are the rows of the pack that say something about whether a record is true, by the
// name they have here. Rows whose ids begin with A and two digits have their own.
func packRule(id string) (string, bool) {
	switch id {
	case "Q08.death":
		return "A01.death", true
	case "Q08.left":
		return "A01.left", true
	case "C.same_day":
		return "A14.same_day", true
	case "B.phone_pressure":
		return "A16.phone", true
	}
	ours := len(id) > 3 && id[0] == 'A' && id[1] >= '0' && id[1] <= '9' && id[2] >= '0' && id[2] <= '9' && id[3] == '.'
	return id, ours
}

// NewRules returns the rules by a composed pack. Its errors wrap ErrSettings, or are those of
// rules.LoadContent.
func NewRules(content *carev1.RulePackContent) (*Rules, error) {
	s, err := SettingsOf(content)
	if err != nil {
		return nil, err
	}
	part := proto.CloneOf(content)
	part.Proposals, part.Populations, part.Due, part.Tests, part.Rules = nil, nil, nil, nil, nil
	for _, row := range content.GetRules() {
		if _, ours := packRule(row.GetId()); ours {
			part.Rules = append(part.Rules, row)
		}
	}
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(part)
	if err != nil {
		return nil, fmt.Errorf("rules of authenticity: %w", err)
	}
	pack, err := rules.LoadContent(bytes)
	if err != nil {
		return nil, fmt.Errorf("rules of authenticity: %w", err)
	}
	return &Rules{Settings: s, pack: pack}, nil
}

// fromPack returns what the pack's rows find about a person.
func (r *Rules) fromPack(in Input, day care.Date) []Finding {
	entries := map[record.ID]rules.Entry{}
	for _, e := range in.Person.Entries() {
		entries[e.ID] = e
	}
	var out []Finding
	for _, one := range r.pack.Findings(in.Person, day) {
		id := idOf(one.GetRecordId())
		rule, ours := packRule(one.GetRuleId())
		if one.GetFault() || !ours {
			continue
		}
		f := Finding{Rule: rule, Key: id.String(), ZH: one.GetMessageZh(), EN: one.GetMessageEn()}
		place := in.Places[id]
		item := Item{Record: id, Person: in.Person.ID(), Division: place.Division, Class: place.Class}
		if form, ok := entries[id].Form.(headed); ok {
			f.Doctor, f.Unit, item.Day = form.GetDoctorId(), form.GetOrganisationCode(), care.Date(form.GetServiceDate())
		} else if m, ok := entries[id].Form.(*carev1.Resident); ok {
			f.Doctor, f.Unit, item.Day = m.GetDoctorId(), m.GetOrganisationCode(), care.Date(m.GetRegisteredOn())
		}
		f.rest([]Item{item})
		out = append(out, f)
	}
	return out
}

// Hash names what the rules do: the thresholds and rows of the pack that bear on it.
func (r *Rules) Hash() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%+v\x00%x", r.Settings, r.pack.Hash())
	return [sha256.Size]byte(h.Sum(nil))
}
