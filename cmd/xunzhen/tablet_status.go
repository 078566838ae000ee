// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletStatus says how the tablet is.
type tabletStatus struct {
	tabletFlags
	Json bool `help:"help_json"`
}

// statusJSON is the status for programs.
type statusJSON struct {
	Unsent     int   `json:"unsent"`
	Clinic     int   `json:"clinic"`
	SinceMs    int64 `json:"since_ms"`
	Held       int   `json:"held"`
	HeldAtMost bool  `json:"held_at_most"`
	Lost       int   `json:"lost"`

	Returned       int            `json:"returned"`
	ReturnedBy     map[string]int `json:"returned_by"` // by level; "0" where the form does not say
	ReturnedBehind bool           `json:"returned_behind"`

	Locked      bool      `json:"locked"`
	Enrolled    bool      `json:"enrolled"`
	Replica     string    `json:"replica,omitempty"`
	Staff       []string  `json:"staff,omitempty"`
	Divisions   []string  `json:"divisions,omitempty"`
	LastSyncMs  int64     `json:"last_sync_ms"`
	LastHubMs   int64     `json:"last_hub_ms"`
	LastReason  string    `json:"last_reason,omitempty"`
	Behind      string    `json:"behind,omitempty"`
	NewKeys     int       `json:"new_keys"`
	FreeBytes   int64     `json:"free_bytes"`
	Rules       rulesJSON `json:"rules"`
	Findings    int       `json:"findings"`
	Beyond      int       `json:"beyond"`
	ExpiresAtMs int64     `json:"expires_at_ms"`
	Warnings    []string  `json:"warnings"`
}

// rulesJSON names the rule pack for programs.
type rulesJSON struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Hash    string `json:"hash"`
	BuiltIn bool   `json:"built_in,omitempty"`
	Refused bool   `json:"refused,omitempty"`
}

// Run prints the status; it needs no secret. Its first line says how many saves are
// not yet at the centre, and since when.
func (f tabletStatus) Run(c *call) error {
	return f.openLocked(c, func(t *tablet.Tablet) error {
		s, err := t.Status()
		if err != nil {
			return err
		}
		who := &tablet.Identity{Staff: &tablet.Strings{}, Divisions: &tablet.Strings{}}
		if s.Enrolled {
			if who, err = t.Identity(); err != nil {
				return err
			}
		}
		if f.Json {
			return c.json(statusFor(s, who))
		}
		c.tellSent(s)
		return c.tellStatus(s, who)
	})
}

// tellSent writes the first line: how many saves are not yet at the centre, and since
// when. Before that comes what is graver: a centre that may have lost what it had, and
// saves that were lost here.
func (c *call) tellSent(s *tablet.Status) {
	switch {
	case s.Behind == tablet.WarnRewritten:
		c.line("status_rewritten")
	case s.Behind != "":
		c.line("status_behind")
	}
	if s.Lost > 0 {
		c.line("status_lost", s.Lost)
	}
	switch {
	case s.Unsent == 1:
		c.line("status_one_unsent", s.Unsent, c.when(s.SinceMs))
	case s.Unsent > 1:
		c.line("status_unsent", s.Unsent, c.when(s.SinceMs))
	case !s.Enrolled:
		c.line("status_nowhere")
	case s.Behind == "" && s.Lost == 0:
		c.line("status_all_sent")
	}
}

func (c *call) tellStatus(s *tablet.Status, who *tablet.Identity) error {
	t := terminal.Table{Indent: 2}
	if s.Clinic > 0 {
		t.Add(c.say("status_clinic"), s.Clinic)
	}
	switch {
	case s.Held > 0 && s.HeldAtMost:
		t.Add(c.say("status_held"), c.say("status_at_most", s.Held))
	case s.Held > 0:
		t.Add(c.say("status_held"), s.Held)
	}
	if text := c.returned(s); text != "" {
		t.Add(c.say("status_returned"), text)
	}
	if s.Findings > 0 {
		t.Add(c.say("status_found"), s.Findings)
	}
	if s.Beyond > 0 {
		t.Add(c.say("status_beyond"), s.Beyond)
	}
	t.Add(c.say("status_rules"), c.rules(s.Rules))
	t.Add(c.say("status_last_sync"), c.when(s.LastSyncMs))
	if s.LastHubMs > 0 {
		t.Add(c.say("status_last_hub"), c.when(s.LastHubMs))
	}
	if s.LastReason != "" {
		t.Add(c.say("status_last_try"), c.when(s.LastTryMs)+": "+c.reason(s.LastReason))
	}
	if s.Enrolled {
		t.Add(c.say("status_replica"), who.Replica)
		t.Add(c.say("status_staff"), list(who.Staff))
		t.Add(c.say("status_divisions"), list(who.Divisions))
		t.Add(c.say("status_expires"), c.when(s.ExpiresAtMs))
	}
	if s.FreeBytes >= 0 {
		t.Add(c.say("status_free"), fmt.Sprintf("%.1f GiB", float64(s.FreeBytes)/(1<<30)))
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	for i := range s.Warnings().Len() {
		warning := s.Warnings().At(i)
		if warning == tablet.WarnHeld && s.HeldAtMost {
			warning += "_at_most"
		}
		fmt.Fprintln(c.Stdout, "! "+c.say("warn_"+warning))
	}
	return nil
}

// returned says how many forms were returned for correction, and by which level; nothing
// where there are none.
func (c *call) returned(s *tablet.Status) string {
	var levels []string
	for level := range reviewLevels + 1 {
		if n := s.ReturnedBy(level); n > 0 {
			levels = append(levels, fmt.Sprintf("%s %d", c.level(level), n))
		}
	}
	text := ""
	if s.Returned > 0 {
		text = fmt.Sprintf("%d (%s)", s.Returned, strings.Join(levels, ", "))
	}
	if s.ReturnedBehind && s.LastSyncMs > 0 {
		text = strings.TrimSpace(text + " " + c.say("status_returned_behind"))
	}
	return text
}

// rules names a rule pack.
func (c *call) rules(r *tablet.Rules) string {
	text := strings.TrimSpace(r.Name+" "+r.Version) + " (" + r.Hash + ")"
	if r.BuiltIn {
		text += " " + c.say("status_rules_own")
	}
	return text
}

// reviewLevels is how many levels review forms.
const reviewLevels = int(care.ReviewCounty)

func returnedBy(s *tablet.Status) map[string]int {
	out := map[string]int{}
	for level := range reviewLevels + 1 {
		if n := s.ReturnedBy(level); n > 0 {
			out[fmt.Sprint(level)] = n
		}
	}
	return out
}

func statusFor(s *tablet.Status, who *tablet.Identity) statusJSON {
	return statusJSON{
		Rules: rulesJSON(*s.Rules), Findings: s.Findings, Beyond: s.Beyond,
		Returned: s.Returned, ReturnedBy: returnedBy(s), ReturnedBehind: s.ReturnedBehind,
		Unsent: s.Unsent, Clinic: s.Clinic, SinceMs: s.SinceMs, Held: s.Held, HeldAtMost: s.HeldAtMost, Lost: s.Lost, Locked: s.Locked, Enrolled: s.Enrolled, Replica: who.Replica,
		Staff: texts(who.Staff), Divisions: texts(who.Divisions), LastSyncMs: s.LastSyncMs, LastHubMs: s.LastHubMs, LastReason: s.LastReason, Behind: s.Behind,
		NewKeys: s.NewKeys, FreeBytes: s.FreeBytes, ExpiresAtMs: s.ExpiresAtMs, Warnings: texts(s.Warnings()),
	}
}

func texts(s *tablet.Strings) []string {
	out := make([]string, s.Len())
	for i := range out {
		out[i] = s.At(i)
	}
	return out
}

// when writes an instant as people here read it; 0 is never.
func (c *call) when(ms int64) string {
	if ms == 0 {
		return c.say("never")
	}
	return time.UnixMilli(ms).Local().Format("2006-01-02 15:04")
}

// reason says a reason in a few words.
func (c *call) reason(reason string) string {
	if key := "reason_" + reason; c.words.Has(key) {
		return c.say(key)
	}
	return reason
}
