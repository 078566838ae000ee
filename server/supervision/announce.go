// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Limits of one round.
const (
	// MaxSample is how many a round draws at most: all are saved in one transaction.
	MaxSample = 10_000
	// ledgerAhead is how far ahead of today's a ledger's size must lie, in leaves. Source:
	// care/supervision/DESIGN.md [D].
	ledgerAhead = 64
	maxNamed    = 200 // characters of the name of a public text
	maxTitle    = 100
)

// Announced is what came of an announcement.
type Announced struct {
	ID      record.ID
	Round   *carev1.SupervisionRound
	Frame   supervision.Frame
	Strata  []StratumCount
	Carried int // rectifications
}

// StratumCount is how many can be drawn, and are.
type StratumCount struct {
	Stratum        supervision.Stratum
	Persons, Drawn int
}

// Announce fixes who may be drawn and where the seed will come from, and carries what is still to
// be put right into the round. Of wanted, code, title, organisation, owner, plan and the source of
// the seed count. With dry nothing is saved. problems: why nothing was.
func (s *Supervision) Announce(ctx context.Context, author string, wanted *carev1.SupervisionRound, dry bool) (Announced, []Problem, error) {
	out := Announced{ID: supervision.RoundID(string(s.cfg.County), wanted.GetCode())}
	behind, err := s.cfg.Persons.Follow(ctx)
	if err != nil {
		return out, nil, fmt.Errorf("announce: %w", err)
	}
	round, problems := s.wanted(wanted)
	if behind {
		problems = append(problems, Problem{Code: "behind"})
	}
	before, err := read(ctx, s.cfg.Records, out.ID, &carev1.SupervisionRound{})
	if err != nil {
		return out, nil, fmt.Errorf("announce: %w", err)
	}
	if before.shown != nil {
		problems = append(problems, s.replaceable(before.m)...)
	}
	if len(problems) > 0 {
		return out, problems, nil
	}
	if out.Frame, err = s.frame(ctx, out.ID, round.GetPlan()); err != nil {
		return out, nil, fmt.Errorf("announce: %w", err)
	}
	out.Round, out.Strata = round, countStrata(out.Frame, round.GetPlan())
	s.fill(round, out.Frame)
	if problems = sizeProblems(out.Strata); len(problems) > 0 {
		return out, problems, nil
	}
	saves, carried, err := s.announcement(ctx, before, round)
	if out.Carried = carried; err != nil || dry {
		return out, nil, err
	}
	if err := s.cfg.Frames.Keep(out.ID, out.Frame); err != nil {
		return out, nil, err
	}
	if len(saves) > 0 {
		_, err = s.cfg.Records.Save(ctx, author, saves...)
	}
	return out, nil, err
}

// wanted takes over what somebody may say of a round, and says what is wrong with it.
func (s *Supervision) wanted(w *carev1.SupervisionRound) (*carev1.SupervisionRound, []Problem) {
	round := &carev1.SupervisionRound{
		AnnouncedOn: int32(s.today()), OrganisationCode: w.GetOrganisationCode(), OwnerId: w.GetOwnerId(), Code: w.GetCode(), Title: w.GetTitle(),
		Plan: proto.CloneOf(w.GetPlan()), SeedSource: proto.CloneOf(w.GetSeedSource()),
	}
	var problems []Problem
	if !supervision.CheckCode(round.GetCode()) {
		problems = append(problems, Problem{"code", round.GetCode(), ""})
	}
	if round.GetOwnerId() == "" {
		problems = append(problems, Problem{Code: "owner"})
	}
	if utf8.RuneCountInString(round.GetTitle()) > maxTitle {
		problems = append(problems, Problem{Code: "title"})
	}
	if err := supervision.CheckPlan(round.GetPlan()); err != nil {
		problems = append(problems, Problem{"plan", "", err.Error()})
	}
	for _, d := range round.GetPlan().GetDivisions() {
		if !record.Division(d).Within(s.cfg.County) {
			problems = append(problems, Problem{"division", d, ""})
		}
	}
	return round, append(problems, s.checkSource(round.GetSeedSource())...)
}

// checkSource looks at where a seed is to come from, and fills in a ledger's size.
func (s *Supervision) checkSource(src *carev1.SeedSource) []Problem {
	switch src.GetMethod() {
	case carev1.SeedMethod_SEED_METHOD_PUBLIC_TEXT:
		known := care.Date(src.GetKnownOn())
		if n := utf8.RuneCountInString(strings.TrimSpace(src.GetNamed())); n == 0 || n > maxNamed {
			return []Problem{{Code: "named"}}
		}
		if !known.Whole() || known <= s.today() {
			return []Problem{{"known_on", known.String(), ""}}
		}
	case carev1.SeedMethod_SEED_METHOD_LEDGER:
		least := int64(s.cfg.Records.Size()) + ledgerAhead
		if src.GetLedgerSize() == 0 {
			src.LedgerSize = proto.Int64(least)
		}
		if src.GetLedgerSize() < least {
			return []Problem{{"ledger_size", fmt.Sprint(least), ""}}
		}
	default:
		return []Problem{{Code: "method"}}
	}
	return nil
}

// replaceable says why a round that was announced cannot be announced again.
func (s *Supervision) replaceable(r *carev1.SupervisionRound) []Problem {
	src := r.GetSeedSource()
	switch {
	case r.GetDraw() != nil:
		return []Problem{{"drawn", r.GetCode(), ""}}
	case src.GetMethod() == carev1.SeedMethod_SEED_METHOD_PUBLIC_TEXT && int32(s.today()) >= src.GetKnownOn(),
		src.GetMethod() == carev1.SeedMethod_SEED_METHOD_LEDGER && int64(s.cfg.Records.Size()) >= src.GetLedgerSize():
		return []Problem{{"fixed", r.GetCode(), ""}}
	}
	return nil
}

// fill writes the frame into a round.
func (s *Supervision) fill(round *carev1.SupervisionRound, f supervision.Frame) {
	digest := f.Digest()
	round.Frame = &carev1.SamplingFrame{
		Sha256: digest[:], AsOf: int32(s.today()), Lines: proto.Int32(int32(f.Lines())), Persons: proto.Int32(int32(f.Persons())), LedgerSize: proto.Int64(int64(s.cfg.Records.Size())),
	}
	if p := s.cfg.Module.pack(); p != nil {
		hash := p.Hash()
		round.Frame.PackSha256 = hash[:]
	}
}

func countStrata(f supervision.Frame, plan *carev1.SupervisionPlan) []StratumCount {
	drawn := map[supervision.Stratum]int{}
	for _, d := range supervision.Draw([32]byte{}, f, plan) { // how many does not depend on the seed
		drawn[d.Stratum]++
	}
	var out []StratumCount
	for _, name := range f.Names() {
		out = append(out, StratumCount{name, len(f.Strata[name]), drawn[name]})
	}
	return out
}

func sizeProblems(strata []StratumCount) []Problem {
	sum := 0
	for _, one := range strata {
		sum += one.Drawn
	}
	switch {
	case sum == 0:
		return []Problem{{Code: "nobody"}}
	case sum > MaxSample:
		return []Problem{{"too_many", fmt.Sprint(sum), fmt.Sprint(MaxSample)}}
	}
	return nil
}

// announcement returns the saves of an announcement: the round, and what is carried into it.
func (s *Supervision) announcement(ctx context.Context, before form[*carev1.SupervisionRound], round *carev1.SupervisionRound) ([]syncengine.OfficeSave, int, error) {
	save, changed, err := before.save(round, s.scopeOf(round.GetPlan()), record.ID{})
	if err != nil || !changed {
		return nil, 0, err // announced today in the same words
	}
	carries, err := s.carry(ctx, before.id, round)
	return append([]syncengine.OfficeSave{save}, carries...), len(carries), err
}

// scopeOf returns to whom a round's records are sent: to the township that it is about, where it
// is about one, else to the county. Villages' tablets receive neither.
func (s *Supervision) scopeOf(plan *carev1.SupervisionPlan) record.Division {
	common := s.cfg.County
	for i, d := range plan.GetDivisions() {
		if len(d) < int(care.LevelTownship) || i > 0 && record.Division(d[:care.LevelTownship]) != common {
			return s.cfg.County
		}
		common = record.Division(d[:care.LevelTownship])
	}
	return common
}

// By supervision_person_place.
const sqlCandidates = `SELECT person, division, doctor, groups FROM supervision_person WHERE division >= ?1 AND division < ?2`

// frame reads who may be drawn by a plan.
func (s *Supervision) frame(ctx context.Context, round record.ID, plan *carev1.SupervisionPlan) (supervision.Frame, error) {
	var all []supervision.Candidate
	err := s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, sqlCandidates, prefixOf(s.scopeOf(plan)), func(q *sqlite.Stmt) bool {
			all = append(all, supervision.Candidate{
				ID: columnID(q, 0), Division: record.Division(q.ColumnText(1)), Doctor: q.ColumnText(2), Groups: supervision.Groups(q.ColumnInt64(3)),
			})
			return true
		})
	})
	return supervision.NewFrame(round, plan, all), err
}

// prefixOf binds ?1 and ?2 to where the codes that begin with d begin and end.
func prefixOf(d record.Division) func(*sqlite.Stmt) {
	return func(q *sqlite.Stmt) {
		q.BindText(1, string(d))
		q.BindText(2, string(d)+":") // behind the digits
	}
}

func columnID(q *sqlite.Stmt, column int) (id record.ID) {
	copy(id[:], sqlitefile.Bytes(q, column))
	return id
}
