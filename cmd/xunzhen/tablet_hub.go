// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletHub are the clinic hubs that a tablet turns to while the centre is out of
// reach.
type tabletHub struct {
	Add    tabletHubAdd    `cmd:"" help:"help_tablet_hub_add"`
	List   tabletHubList   `cmd:"" help:"help_tablet_hub_list"`
	Remove tabletHubRemove `cmd:"" help:"help_tablet_hub_remove"`
}

type tabletHubAdd struct {
	tabletFlags
	Text string `arg:"" help:"help_hub_text" placeholder:"TEXT"`
	Name string `help:"help_hub_name" placeholder:"NAME"`
}

// Run notes a hub; it needs no secret and no network.
func (f tabletHubAdd) Run(c *call) error {
	return f.openLocked(c, func(t *tablet.Tablet) error {
		h, err := t.AddHub(f.Text, f.Name)
		if tablet.ReasonOf(err) == "invitation" {
			return &problem{key: "problem_hub_text", cause: err}
		}
		if err != nil {
			return err
		}
		c.line("hub_added", h.Name)
		return nil
	})
}

type tabletHubList struct {
	tabletFlags
	Json bool `help:"help_json"`
}

// hubJSON is a hub for programs.
type hubJSON struct {
	Name      string   `json:"name"`
	Label     string   `json:"label,omitempty"`
	Addresses []string `json:"addresses"`
	LastMs    int64    `json:"last_ms"`
}

// Run lists the hubs in the order in which they are tried.
func (f tabletHubList) Run(c *call) error {
	return f.openLocked(c, func(t *tablet.Tablet) error {
		all, err := t.Hubs()
		if err != nil {
			return err
		}
		out := make([]hubJSON, all.Len())
		for i := range out {
			h := all.At(i)
			out[i] = hubJSON{h.Name, h.Label, texts(h.Addresses), h.LastMs}
		}
		switch {
		case f.Json:
			return c.json(out)
		case len(out) == 0:
			c.line("hub_none")
			return nil
		}
		return c.tellHubs(out)
	})
}

func (c *call) tellHubs(all []hubJSON) error {
	t := terminal.Table{Head: []string{c.say("hub_name"), c.say("hub_label"), c.say("hub_addresses"), c.say("hub_last")}}
	for _, h := range all {
		t.Add(h.Name, h.Label, strings.Join(h.Addresses, ", "), c.when(h.LastMs))
	}
	return t.Write(c.Stdout)
}

type tabletHubRemove struct {
	tabletFlags
	Name string `arg:"" help:"help_hub_remove_name" placeholder:"NAME"`
}

// Run forgets a hub.
func (f tabletHubRemove) Run(c *call) error {
	return f.openLocked(c, func(t *tablet.Tablet) error {
		if err := t.RemoveHub(f.Name); err != nil {
			return err
		}
		c.line("hub_removed", f.Name)
		return nil
	})
}
