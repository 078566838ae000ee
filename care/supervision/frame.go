// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrFrame is wrapped when a text is no sampling frame.
var ErrFrame = errors.New("no sampling frame")

// FrameHead is the first line of a frame's text.
const FrameHead = "xunzhen sampling frame 1"

// Candidate is somebody who may be drawn: a person, as a round sees them.
type Candidate struct {
	ID       record.ID
	Division record.Division // where they are in care; empty: nowhere
	Doctor   string          // in charge; empty: nobody
	Groups   Groups
}

// Groups is a set of groups of which samples are drawn.
type Groups uint32

// With returns the set with a group in it.
func (g Groups) With(one carev1.SupervisionGroup) Groups { return g | 1<<uint(one) }

// Has reports whether a group is in the set.
func (g Groups) Has(one carev1.SupervisionGroup) bool {
	return one > 0 && one < 32 && g&(1<<uint(one)) != 0
}

// Stratum is what a sample is drawn in: a group in a unit. Its text stands in the frame:
//
//	stratum = group number "/" unit
//	unit    = "*" | 9 or 12 digits of a division | "doctor:" staff id, with what is no letter or digit as in URLs
type Stratum string

// StratumOf returns the stratum of a candidate for a row of the plan; false where they are in
// none: not of the group, nowhere, or in nobody's charge.
func StratumOf(row *carev1.SupervisionStratum, c Candidate) (Stratum, bool) {
	if !c.Groups.Has(row.GetGroup()) {
		return "", false
	}
	unit := ""
	switch row.GetUnit() {
	case carev1.SupervisionUnit_SUPERVISION_UNIT_ROUND:
		unit = "*"
	case carev1.SupervisionUnit_SUPERVISION_UNIT_TOWNSHIP:
		if len(c.Division) >= int(care.LevelTownship) {
			unit = string(c.Division[:care.LevelTownship])
		}
	case carev1.SupervisionUnit_SUPERVISION_UNIT_VILLAGE:
		if len(c.Division) >= int(care.LevelVillage) {
			unit = string(c.Division[:care.LevelVillage])
		}
	case carev1.SupervisionUnit_SUPERVISION_UNIT_DOCTOR:
		if c.Doctor != "" {
			unit = doctorUnit + url.QueryEscape(c.Doctor)
		}
	}
	if unit == "" {
		return "", false
	}
	return Stratum(strconv.Itoa(int(row.GetGroup())) + "/" + unit), true
}

const doctorUnit = "doctor:"

// Group returns the group of a stratum, 0 for a text that is none.
func (s Stratum) Group() carev1.SupervisionGroup {
	group, _, _ := strings.Cut(string(s), "/")
	n, err := strconv.ParseUint(group, 10, 8)
	if _, known := carev1.SupervisionGroup_name[int32(n)]; err != nil || !known {
		return 0
	}
	return carev1.SupervisionGroup(n)
}

// Unit returns what the unit of a stratum is called: "*", a division, or a staff id.
func (s Stratum) Unit() string {
	_, unit, _ := strings.Cut(string(s), "/")
	if doctor, ok := strings.CutPrefix(unit, doctorUnit); ok {
		if id, err := url.QueryUnescape(doctor); err == nil {
			return id
		}
		return doctor
	}
	return unit
}

// Valid reports whether s is the text of a stratum.
func (s Stratum) Valid() bool {
	_, unit, ok := strings.Cut(string(s), "/")
	return ok && unit != "" && s.Group() != 0 && !strings.ContainsAny(string(s), "\t\n\r") && len(s) <= 256
}

// Frame is who may be drawn, by stratum.
type Frame struct {
	Round  record.ID
	Strata map[Stratum][]record.ID // ascending, each id once
}

// NewFrame returns the frame of a plan over candidates in any order. A candidate that comes
// twice is in it once. What the plan draws twice of one unit is one stratum.
func NewFrame(round record.ID, plan *carev1.SupervisionPlan, candidates []Candidate) Frame {
	f := Frame{Round: round, Strata: map[Stratum][]record.ID{}}
	for _, c := range candidates {
		if c.Division != "" && !withinAny(c.Division, plan.GetDivisions()) || c.Division == "" && !everywhere(plan) {
			continue
		}
		for _, row := range plan.GetStrata() {
			if s, ok := StratumOf(row, c); ok {
				f.Strata[s] = append(f.Strata[s], c.ID)
			}
		}
	}
	for s, ids := range f.Strata {
		slices.SortFunc(ids, record.ID.Compare)
		f.Strata[s] = slices.Compact(ids)
	}
	return f
}

func withinAny(d record.Division, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(string(d), p) })
}

func everywhere(plan *carev1.SupervisionPlan) bool { return slices.Contains(plan.GetDivisions(), "") }

// Names returns the strata, in the order of their texts.
func (f Frame) Names() []Stratum { return slices.Sorted(maps.Keys(f.Strata)) }

// Lines returns how many lines the text has beside its head.
func (f Frame) Lines() int {
	n := 0
	for _, ids := range f.Strata {
		n += len(ids)
	}
	return n
}

// Persons returns how many people are in it.
func (f Frame) Persons() int {
	seen := map[record.ID]bool{}
	for _, ids := range f.Strata {
		for _, id := range ids {
			seen[id] = true
		}
	}
	return len(seen)
}

// WriteTo writes the frame's text, which says who may be drawn and nothing else about them:
//
//	xunzhen sampling frame 1
//	round TAB id of the round
//	stratum TAB id                  a line each, ascending by stratum, then by id
//
// Each line ends with a line feed; ids are as record.ID.String has them.
func (f Frame) WriteTo(w io.Writer) (int64, error) {
	count := &counter{to: w}
	fmt.Fprintf(count, "%s\nround\t%s\n", FrameHead, f.Round)
	for _, s := range f.Names() {
		for _, id := range f.Strata[s] {
			if fmt.Fprintf(count, "%s\t%s\n", s, id); count.err != nil {
				return count.n, count.err
			}
		}
	}
	return count.n, count.err
}

// counter counts what is written and keeps the first error.
type counter struct {
	to  io.Writer
	n   int64
	err error
}

// Write writes.
func (c *counter) Write(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.to.Write(b)
	c.n, c.err = c.n+int64(n), err
	return n, err
}

// Digest returns SHA-256 of the text.
func (f Frame) Digest() [32]byte {
	h := sha256.New()
	_, _ = f.WriteTo(h) // a hash takes everything
	return [32]byte(h.Sum(nil))
}

// ParseFrame reads what WriteTo wrote: ParseFrame(text).Digest() is SHA-256 of the text, or the
// text is refused. Errors wrap ErrFrame and name the line.
func ParseFrame(text []byte) (Frame, error) {
	f := Frame{Strata: map[Stratum][]record.ID{}}
	head := []byte(FrameHead + "\n")
	rest, ok := bytes.CutPrefix(text, head)
	if !ok {
		return Frame{}, fmt.Errorf("line 1: %w", ErrFrame)
	}
	last := ""
	for n := 2; len(rest) > 0; n++ {
		line, more, ok := bytes.Cut(rest, []byte("\n"))
		if rest = more; !ok {
			return Frame{}, fmt.Errorf("line %d is cut off: %w", n, ErrFrame)
		}
		name, id, ok := parseLine(line)
		switch {
		case !ok || (n == 2) != (name == "round"):
			return Frame{}, fmt.Errorf("line %d: %w", n, ErrFrame)
		case n == 2:
			f.Round = id
			continue
		case !Stratum(name).Valid() || string(name)+"\t"+string(id[:]) <= last:
			return Frame{}, fmt.Errorf("line %d is no stratum or out of order: %w", n, ErrFrame)
		}
		last = name + "\t" + string(id[:])
		f.Strata[Stratum(name)] = append(f.Strata[Stratum(name)], id)
	}
	if f.Round.IsZero() {
		return Frame{}, fmt.Errorf("no round is named: %w", ErrFrame)
	}
	return f, nil
}

// parseLine reads a name and an id that is written as it is printed.
func parseLine(line []byte) (name string, id record.ID, ok bool) {
	name, text, ok := strings.Cut(string(line), "\t")
	id, err := record.ParseID(text)
	return name, id, ok && err == nil && id.String() == text
}
