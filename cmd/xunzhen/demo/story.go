// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/tablet"
)

// story is one demo as it goes on.
type story struct {
	Options
	dir   string
	today care.Date
	plan  *plan
	rnd   *rand.Rand
	line  *badLine
	book  *book

	centre  *centre
	tablets []*crewTablet // three, and at the end the copy of the second
	// registered are the records of the first day, by tablet.
	registered [3][]registered
	result     Result
	chapter    int
}

// registered is one person's records.
type registered struct {
	person
	resident, checkup string
}

// play plays everything from the first scene to the count.
func (s *story) play(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{
		s.begin, s.dayOne, s.syncDayOne, s.dayTwo, s.syncDayTwo, s.decide, s.count,
	} {
		if err := scene(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// tell begins a chapter: a heading, and what happens in it.
func (s *story) tell(key string, args ...any) {
	s.chapter++
	fmt.Fprintf(s.Out, "\n%d  %s\n", s.chapter, s.Words.Say("demo_"+key))
	s.explain(key+"_text", args...)
}

// explain writes a paragraph.
func (s *story) explain(key string, args ...any) {
	for _, line := range terminal.Wrap(s.Words.Say("demo_"+key, args...), min(s.Columns, 88)-3) {
		fmt.Fprintln(s.Out, strings.TrimRight("   "+line, " "))
	}
}

func (s *story) say(key string, args ...any) string { return s.Words.Say("demo_"+key, args...) }

// begin starts the server and enrols the tablets.
func (s *story) begin(ctx context.Context) error {
	fmt.Fprintln(s.Out, s.say("title", s.plan.county, countyCode, s.Residents, s.Seed))
	s.explain("real")
	s.tell("begin", s.plan.towns[0], s.plan.towns[1])
	bar := s.Screen.Begin(s.say("bar_server"), 4)
	var err error
	if s.centre, err = startCentre(ctx, s.Executable, s.dir, countyCode, s.line.address(), s.Keep); err != nil {
		return err
	}
	s.line.lead(s.centre.serving.Address)
	bar.Step()
	for i, scope := range []record.Division{townOne, townOne, countyCode} {
		if err := s.enrol(ctx, i+1, scope); err != nil {
			return err
		}
		bar.Step()
	}
	bar.End(s.centre.serving.Address)
	return nil
}

func (s *story) enrol(ctx context.Context, number int, scope record.Division) error {
	t := &crewTablet{
		name: s.say("tablet", number), dir: filepath.Join(s.dir, fmt.Sprintf("tablet%d", number)),
		staff: fmt.Sprintf("doctor%d", number), book: s.book, clock: s.Clock,
	}
	invitation, _, err := s.centre.office.Invite(ctx, office.Rights{
		Staff: []string{t.staff}, Divisions: []record.Division{scope}, Classes: []record.Class{record.ClassGeneral},
		Label: fmt.Sprintf("demo %d", number), Life: time.Hour,
	})
	if err != nil {
		return err
	}
	s.tablets = append(s.tablets, t)
	s.result.Tablets++
	return t.enrol(ctx, invitation)
}

// dayOne registers people and their checkups, without any connection.
func (s *story) dayOne(ctx context.Context) error {
	s.tell("day_one")
	for i, people := range s.plan.capture {
		t := s.tablets[i]
		bar := s.Screen.Begin(s.say("bar_capture", t.name), 2*len(people))
		for _, p := range people {
			resident, checkup, err := t.register(p, s.today)
			if err != nil {
				return err
			}
			s.registered[i] = append(s.registered[i], registered{p, resident, checkup})
			if err := ctx.Err(); err != nil {
				return err
			}
			bar.Add(2)
		}
		bar.End(s.say("bar_captured", len(people), len(people)))
	}
	return nil
}

func (s *story) syncDayOne(ctx context.Context) error {
	s.tell("sync_one")
	s.line.spoil(cutsEachDay)
	return s.syncAll(ctx)
}

// cutsEachDay is how many connections the line breaks in the syncs of a day.
const cutsEachDay = 5

// dayTwo lets people edit the same records without seeing each other.
func (s *story) dayTwo(context.Context) error {
	s.tell("day_two")
	one, two, three := s.tablets[0], s.tablets[1], s.tablets[2]
	if err := s.editEachOther(one, two, three); err != nil {
		return err
	}
	if err := s.registerTwice(one, three); err != nil {
		return err
	}
	return s.clone(two)
}

// editEachOther plays the three scenes in which two people change one record.
func (s *story) editEachOther(one, two, three *crewTablet) error {
	n := s.plan.scenes
	bar := s.Screen.Begin(s.say("bar_edit"), 3*n)
	mine := s.registered[0]
	for i := range n {
		apart, clash, wrong := mine[i], mine[n+i], s.registered[1][i]
		if err := one.edit(apart.resident, setPhone(apart.number, 1)); err != nil {
			return err
		}
		if err := two.edit(apart.resident, setAddress(apart.person)); err != nil {
			return err
		}
		bar.Step()
		if err := one.edit(clash.resident, setPhone(clash.number, 2)); err != nil {
			return err
		}
		if err := three.edit(clash.resident, setPhone(clash.number, 3)); err != nil {
			return err
		}
		bar.Step()
		if err := two.void(wrong.checkup, s.say("void_reason")); err != nil {
			return err
		}
		if err := three.edit(wrong.checkup, setGlucose); err != nil {
			return err
		}
		bar.Step()
	}
	bar.End(s.say("bar_done"))
	s.explain("edit_text", n, n, n)
	return nil
}

func setPhone(number, which int) func(proto.Message) {
	return func(m proto.Message) {
		m.(*carev1.Resident).Phone = fmt.Sprintf("%s%d%07d", inventedPhone, which, number)
	}
}

func setAddress(p person) func(proto.Message) {
	return func(m proto.Message) {
		m.(*carev1.Resident).Address = &carev1.Address{DivisionCode: p.division.code, Text: p.address() + "2单元"}
	}
}

func setGlucose(m proto.Message) {
	g := m.(*carev1.Checkup).GetTests().GetFastingGlucose()
	*g.GlucoseMmolPerLX100 += 10
}

// registerTwice lets two tablets register the same person.
func (s *story) registerTwice(one, three *crewTablet) error {
	for _, t := range []*crewTablet{one, three} {
		if _, _, err := t.register(s.plan.twice, s.today); err != nil {
			return err
		}
	}
	s.explain("twice_text", s.plan.twice.name())
	return nil
}

// clone copies a tablet's folder; both go on.
func (s *story) clone(two *crewTablet) error {
	twin, err := two.copyTo(filepath.Join(s.dir, "tablet2copy"), s.say("copy"))
	if twin != nil {
		s.tablets = append(s.tablets, twin)
		s.result.Clones++
	}
	if err != nil {
		return err
	}
	bar := s.Screen.Begin(s.say("bar_clone"), len(s.plan.newcomers[0])+len(s.plan.newcomers[1]))
	for i, t := range []*crewTablet{two, twin} {
		for _, p := range s.plan.newcomers[i] {
			if _, _, err := t.register(p, s.today); err != nil {
				return err
			}
			bar.Step()
		}
	}
	bar.End(s.say("bar_done"))
	s.explain("clone_text")
	return nil
}

func (s *story) syncDayTwo(ctx context.Context) error {
	s.tell("sync_two")
	s.line.spoil(cutsEachDay)
	return s.syncAll(ctx)
}

// rounds is after how many rounds the tablets must agree: two are enough when no
// line breaks.
const rounds = 6

// syncAll syncs all tablets in a shuffled order, again and again, until none has
// anything to send or to take.
func (s *story) syncAll(ctx context.Context) error {
	for range rounds {
		order := s.rnd.Perm(len(s.tablets))
		quiet := true
		for _, i := range order {
			if err := s.sync(ctx, s.tablets[i]); err != nil {
				return fmt.Errorf("%s: %w", s.tablets[i].name, err)
			}
			quiet = quiet && s.tablets[i].quiet()
		}
		if quiet {
			return nil
		}
	}
	return fmt.Errorf("the tablets did not agree in %d rounds", rounds)
}

func (s *story) sync(ctx context.Context, t *crewTablet) error {
	before := s.line.cuts()
	p := &progress{story: s, bar: s.Screen.Begin(s.say("bar_sync", t.name), 0)}
	err := t.sync(ctx, &tablet.SyncOptions{Progress: p})
	if t.report == nil {
		p.bar.End("")
		return err
	}
	text := s.say("bar_synced", t.report.Pushed, t.report.Received)
	if t.quiet() {
		text = s.say("bar_nothing")
	}
	if cut := s.line.cuts() - before; cut > 0 {
		text += s.say("bar_cut", cut)
	}
	if t.report.NewReplica != "" {
		text += s.say("bar_new_key")
	}
	p.bar.End(text)
	return err
}

// progress shows a sync in a bar.
type progress struct {
	*story
	bar *terminal.Bar
}

// Progress is told how a sync goes on.
func (p *progress) Progress(_ string, done, total int) { p.bar.Set(done, total) }
