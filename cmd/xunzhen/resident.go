// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// personLine is one resident in a list for programs. What the form does not say is empty.
type personLine struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Sex       string   `json:"sex"`
	BirthDate string   `json:"birth_date"`
	Divisions []string `json:"divisions"`
	Bearer    bool     `json:"bearer,omitempty"` // of the number that was asked for
}

func personLineOf(m *syncv1.Record) (personLine, error) {
	id, err := idFromWire(m.GetId())
	if err != nil {
		return personLine{}, err
	}
	registers, err := office.Registers(m)
	if err != nil {
		return personLine{}, err
	}
	form, err := care.Message(care.KindResident, registers)
	if err != nil {
		return personLine{}, err
	}
	r := form.(*carev1.Resident)
	out := personLine{ID: id.String(), Name: r.GetName(), Divisions: m.GetDivisions()}
	if r.GetSex() != carev1.Sex_SEX_UNSPECIFIED {
		out.Sex = strings.ToLower(strings.TrimPrefix(r.GetSex().String(), "SEX_"))
	}
	if d := care.Date(r.GetBirthDate()); d != 0 {
		out.BirthDate = d.String()
	}
	return out, nil
}

func idFromWire(b []byte) (record.ID, error) {
	if len(b) != len(record.ID{}) {
		return record.ID{}, fmt.Errorf("record id: %w", record.ErrMalformed)
	}
	return record.ID(b), nil
}
