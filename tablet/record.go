// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"encoding/json"
	"fmt"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// How far a record has come, from here. The least far of its own saves counts, and of
// the values shown that a hub lent.
const (
	StateTablet   = "tablet"    // some save is on this tablet only
	StateClinic   = "clinic"    // a clinic hub has it too; or it shows a colleague's save that only a hub has
	StateCentre   = "centre"    // the centre has signed for it
	StateBackedUp = "backed_up" // and two successive backups cover it
	StateHeld     = "held"      // the centre has it and does not admit it: see Reason
	StateReceived = "received"  // nothing of it was saved here
)

// Record is a record as a screen shows it.
type Record struct {
	ID   string
	Kind string // home_visit, …; a number where this program does not know the kind
	// SubjectID is the resident it is about; "" for residents.
	SubjectID string
	// Division is the 12-digit code it belongs to; "" while nobody said.
	Division string
	// JSON is the form with the displayed values; "" for an unknown kind, and where
	// all there is to show is damaged.
	JSON string
	// Form goes with JSON into Save; "" when no form may be opened.
	Form string
	// Voided says that everybody who saved last declared the record void, for
	// VoidReason.
	Voided     bool
	VoidReason string
	// Departed says that the record left what this tablet may see.
	Departed bool
	// Damaged says that the record cannot be read on this tablet any more: nothing of
	// it is shown, and the next sync brings what the centre has.
	Damaged bool
	// Beyond says that the record was let go for want of room: nothing of it is shown, and
	// the centre has it. See Limits.
	Beyond bool
	// Unreadable is how many saves of the record should be shown and are damaged on
	// this tablet. What is not at the centre either is lost.
	Unreadable int
	// FromClinic is how many registers show what a colleague saved and only a clinic hub
	// is known to have: nobody knows yet what the centre makes of it. A form opens on it
	// like on other values.
	FromClinic int
	// Conflicts are the registers with siblings.
	Conflicts *ConflictList
	// State is how far it has come, and Reason why it is held.
	State  string
	Reason string
	// Stage is where the form stands between its author and its reviewers: draft,
	// submitted, checked, returned, corrected; "" for a kind that has no such thing.
	Stage string
	// Level is who checked it, returned it, or is to look at the correction: 1 the team,
	// 2 the township, 3 the county; 0 in other stages, and where the form does not say.
	Level int
	// ReturnReason is why it was returned, while it is returned or corrected.
	ReturnReason string
}

// Conflict is a register that people saved differently without having seen each
// other's value, or that has a save of one's own which the centre holds.
type Conflict struct {
	Path    string // "phone", "medications[k7f3q2xw]", "life", "scope", "subject"
	LabelZH string
	LabelEN string
	Values  *ValueList // the displayed one first
}

// Value is one of several.
type Value struct {
	Dot       string // names the save
	JSON      string // a form with this value only; {} for a cleared one
	SavedAtMs int64  // by the saver's clock
	Mine      bool
	Held      bool // the centre does not admit it
	// FromClinic says that a colleague saved it and only a clinic hub is known to have it.
	FromClinic bool
}

// viewer makes records of screens.
type viewer struct {
	own map[causal.ReplicaID]bool
}

func (v viewer) record(s replica.Screen, w replica.Whereabouts) (*Record, error) {
	kind := s.Record.Kind()
	r := &Record{ID: s.Record.String(), Kind: kindName(kind), Departed: s.Departed, Conflicts: &ConflictList{}}
	r.Damaged, r.Unreadable, r.Beyond = s.Damaged, len(s.Unreadable), s.Trimmed
	if id, ok := s.State.Subject(); ok {
		r.SubjectID = id.String()
	}
	r.Division = string(s.Shown.Scope.Division)
	r.life(s)
	r.FromClinic = s.FromClinic()
	r.whereabouts(w)
	if s.Opens {
		r.Form = formOf(s).token()
	}
	for _, g := range s.Registers {
		if c := v.conflict(kind, g, s.Lent); c != nil {
			r.Conflicts.all = append(r.Conflicts.all, c)
		}
	}
	if len(s.Registers) == 0 && (r.Damaged || r.Unreadable > 0 || r.Beyond) {
		return r, nil
	}
	m, err := care.Message(kind, s.Registers)
	if err != nil {
		r.Form = "" // the kind is not known to this program
		return r, nil
	}
	if at, ok := care.StandingOf(m); ok {
		r.Stage, r.Level, r.ReturnReason = at.Stage.String(), int(at.Level), at.Reason
	}
	text, err := care.FormatJSON(m)
	r.JSON = string(text)
	return r, err
}

func (r *Record) life(s replica.Screen) {
	r.Voided = s.Life == record.LifeVoided
	if g, ok := s.Register(record.PathLife); ok && r.Voided {
		r.VoidReason = record.VoidReason(g.Siblings[0].Value)
	}
}

func (r *Record) whereabouts(w replica.Whereabouts) {
	switch {
	case w.Held:
		r.State = StateHeld
	case r.FromClinic > 0 && w.Place != replica.PlaceTablet:
		r.State = StateClinic
	case w.Place == 0:
		r.State = StateReceived
	default:
		r.State = w.Place.String()
	}
	if w.Verdict != 0 {
		r.Reason = w.Verdict.String()
	}
}

func kindName(kind record.Kind) string {
	if info, ok := care.Kinds().Lookup(kind); ok {
		return info.Name
	}
	return fmt.Sprint(uint16(kind))
}

// conflict returns what a person must see of a register; nil when there is nothing
// to decide.
func (v viewer) conflict(kind record.Kind, g record.Register, lent causal.Vector) *Conflict {
	held := false
	for _, s := range g.Siblings {
		held = held || s.Held
	}
	if !g.Conflict() && (!held || len(g.Siblings) == 1) {
		return nil
	}
	c := &Conflict{Path: care.FormatPath(kind, g.Path), Values: &ValueList{}}
	if l, ok := labelOf(kind, g.Path); ok {
		c.LabelZH, c.LabelEN = l.ZH, l.EN
	}
	for _, s := range g.Siblings {
		c.Values.all = append(c.Values.all, &Value{
			Dot: s.Dot.String(), JSON: valueJSON(kind, g.Path, s.Value), SavedAtMs: s.ClockMs, Mine: v.own[s.Dot.Replica], Held: s.Held,
			FromClinic: lent.Has(s.Dot),
		})
	}
	return c
}

// labelOf is care.LabelOf with the registers that every record has.
func labelOf(kind record.Kind, p record.Path) (care.Label, bool) {
	switch p {
	case record.PathLife:
		return care.Label{ZH: "记录有效性", EN: "validity"}, true
	case record.PathScope:
		return care.Label{ZH: "所属区划", EN: "division"}, true
	case record.PathSubject:
		return care.Label{ZH: "居民", EN: "resident"}, true
	}
	return care.LabelOf(kind, p)
}

// valueJSON writes a value for people; what cannot be read is "null".
func valueJSON(kind record.Kind, p record.Path, v record.Value) string {
	var text []byte
	var err error
	switch {
	case p == record.PathLife && record.ParseLife(v) == record.LifeVoided:
		text, err = json.Marshal(map[string]string{"life": "voided", "reason": record.VoidReason(v)})
	case p == record.PathLife:
		text = []byte(`{"life":"active"}`)
	case p == record.PathScope:
		text, err = json.Marshal(map[string]string{"division": string(v.Bytes)})
	case p == record.PathSubject && len(v.Bytes) == 16:
		text, err = json.Marshal(map[string]string{"subject": record.ID(v.Bytes).String()})
	default:
		text, err = care.FormatValue(kind, p, v)
	}
	if err != nil {
		return "null"
	}
	return string(text)
}
