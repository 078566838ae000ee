// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// findCommand finds persons by a number.
type findCommand struct {
	officeFlags
	Number string `arg:"" help:"help_find_number" placeholder:"NUMBER"`
	Json   bool   `help:"help_json"`
}

// foundPerson is one person for programs.
type foundPerson struct {
	ID        string       `json:"id"`
	Residents []personLine `json:"residents"`
}

// Run prints who bears the number.
func (f findCommand) Run(c *call) error {
	number, err := f.number(c)
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		persons, more, err := o.FindByNumber(c.ctx, number)
		if err != nil {
			return err
		}
		all := make([]foundPerson, len(persons))
		for i, p := range persons {
			if all[i], err = foundPersonOf(p); err != nil {
				return err
			}
		}
		if more {
			c.note("find_more")
		}
		if f.Json {
			return c.json(all)
		}
		return c.tellPersons(all)
	})
}

func (f findCommand) number(c *call) (string, error) {
	if f.Number != "-" {
		return f.Number, nil
	}
	line, err := bufio.NewReader(io.LimitReader(c.Stdin, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

func foundPersonOf(m *syncv1.Person) (foundPerson, error) {
	id, err := idFromWire(m.GetId())
	if err != nil {
		return foundPerson{}, err
	}
	out := foundPerson{ID: id.String()}
	for _, r := range m.GetResidents() {
		line, err := personLineOf(r)
		if err != nil {
			return out, err
		}
		line.Bearer = slices.ContainsFunc(m.GetBearers(), func(id []byte) bool { return string(id) == string(r.GetId()) })
		out.Residents = append(out.Residents, line)
	}
	return out, nil
}

func (c *call) tellPersons(all []foundPerson) error {
	if len(all) == 0 {
		c.line("find_none")
		return nil
	}
	for _, p := range all {
		c.line("find_person", p.ID)
		t := terminal.Table{Indent: 2}
		for _, r := range p.Residents {
			why := c.say("find_linked")
			if r.Bearer {
				why = c.say("find_bearer")
			}
			t.Add(r.ID, r.Name, r.BirthDate, strings.Join(r.Divisions, " "), why)
		}
		if err := t.Write(c.Stdout); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(c.Stdout)
	return err
}
