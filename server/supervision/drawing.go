// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Drawn is what came of a draw.
type Drawn struct {
	Round  *carev1.SupervisionRound
	Sample []supervision.Drawn
	Before bool // it had been drawn before, in the same way
	Strata []StratumCount
}

// Known is what a round is drawn by.
type Known struct {
	Text  string // that became known; empty: the root of the ledger
	Frame []byte // the frame's text where somebody has it; empty: the server's own copy
	Dry   bool   // save nothing
}

// Draw draws a round by what has become known. Round and checks are one transaction. A round that was drawn is not drawn again: the same text says what came of
// it. problems: why nothing was drawn.
func (s *Supervision) Draw(ctx context.Context, author string, id record.ID, k Known, sight Sight) (Drawn, []Problem, error) {
	round, err := read(ctx, s.cfg.Records, id, &carev1.SupervisionRound{})
	if err != nil {
		return Drawn{}, nil, fmt.Errorf("draw: %w", err)
	}
	if round.shown == nil || !sight.sees(string(scopeIn(round.shown))) {
		return Drawn{}, []Problem{{"no_round", id.String(), ""}}, nil
	}
	f, problems, err := s.announcedFrame(round, k.Frame)
	if err != nil || len(problems) > 0 {
		return Drawn{Round: round.m}, problems, err
	}
	draw, problems, err := s.seedOf(ctx, round, k.Text)
	if err != nil || len(problems) > 0 {
		return Drawn{Round: round.m}, problems, err
	}
	out := Drawn{Round: proto.CloneOf(round.m), Strata: countStrata(f, round.m.GetPlan())}
	out.Sample = supervision.Draw([32]byte(draw.GetSeedSha256()), f, round.m.GetPlan())
	digest := supervision.SampleDigest(out.Sample)
	draw.Size, draw.Sha256 = proto.Int32(int32(len(out.Sample))), digest[:]
	if was := round.m.GetDraw(); was != nil {
		out.Before = true
		if !bytes.Equal(was.GetSeedSha256(), draw.GetSeedSha256()) {
			return out, []Problem{{"drawn", round.m.GetCode(), ""}}, nil
		}
		return out, nil, nil
	}
	out.Round.Draw = draw
	if k.Dry {
		return out, nil, nil
	}
	saves, err := s.drawing(ctx, round, out)
	if err == nil {
		_, err = s.cfg.Records.Save(ctx, author, saves...)
	}
	return out, nil, err
}

// announcedFrame returns the frame that was announced.
func (s *Supervision) announcedFrame(round form[*carev1.SupervisionRound], text []byte) (supervision.Frame, []Problem, error) {
	digest := round.m.GetFrame().GetSha256()
	if len(text) == 0 {
		var err error
		if text, err = s.cfg.Frames.Read(round.id, digest); errors.Is(err, ErrFrameLost) {
			return supervision.Frame{}, []Problem{{"frame_lost", round.m.GetCode(), ""}}, nil
		} else if err != nil {
			return supervision.Frame{}, nil, err
		}
	}
	if !is(text, digest) {
		return supervision.Frame{}, []Problem{{"frame_other", round.m.GetCode(), ""}}, nil
	}
	f, err := supervision.ParseFrame(text)
	return f, nil, err
}

// seedOf returns the draw without its sample.
func (s *Supervision) seedOf(ctx context.Context, round form[*carev1.SupervisionRound], text string) (*carev1.SupervisionDraw, []Problem, error) {
	src, frame := round.m.GetSeedSource(), [32]byte(round.m.GetFrame().GetSha256())
	draw := &carev1.SupervisionDraw{DrawnOn: int32(s.today())}
	var seed [32]byte
	var err error
	switch src.GetMethod() {
	case carev1.SeedMethod_SEED_METHOD_PUBLIC_TEXT:
		if int32(s.today()) < src.GetKnownOn() {
			return nil, []Problem{{"too_early", care.Date(src.GetKnownOn()).String(), ""}}, nil
		}
		draw.PublicText = supervision.PublicText(text)
		seed, err = supervision.SeedOfText(round.id, frame, text)
	default:
		if text != "" {
			return nil, []Problem{{Code: "no_text"}}, nil
		}
		if size := int64(s.cfg.Records.Size()); size < src.GetLedgerSize() {
			return nil, []Problem{{"too_short", fmt.Sprint(src.GetLedgerSize()), fmt.Sprint(size)}}, nil
		}
		root, rootErr := tlog.TreeHash(src.GetLedgerSize(), s.cfg.Records.Hashes(ctx))
		if rootErr != nil {
			return nil, nil, fmt.Errorf("root of the ledger: %w", rootErr)
		}
		draw.LedgerRootSha256 = root[:]
		seed, err = supervision.SeedOfRoot(round.id, frame, root[:])
	}
	if errors.Is(err, supervision.ErrNoText) {
		return nil, []Problem{{Code: "text"}}, nil
	}
	draw.SeedSha256 = seed[:]
	return draw, nil, err
}

// drawing returns the saves of a draw: the round, and a check for each who was drawn.
func (s *Supervision) drawing(ctx context.Context, round form[*carev1.SupervisionRound], d Drawn) ([]syncengine.OfficeSave, error) {
	scope := s.scopeOf(d.Round.GetPlan())
	one, _, err := round.save(d.Round, scope, record.ID{})
	if err != nil {
		return nil, err
	}
	saves := []syncengine.OfficeSave{one}
	err = s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		for _, who := range d.Sample {
			check, err := checkOf(conn, round.id, d.Round, who)
			if err != nil {
				return err
			}
			f := form[*carev1.Verification]{id: supervision.VerificationID(round.id, who.Stratum, who.ID)}
			save, _, err := f.save(check, scope, who.ID)
			if err != nil {
				return err
			}
			saves = append(saves, save)
		}
		return nil
	})
	return saves, err
}

const sqlWho = `SELECT division, doctor, unit, groups FROM supervision_person WHERE person = ?1`

// checkOf returns the empty form of the check of somebody who was drawn. Who has left since the
// announcement is called all the same; who is in charge of them is then not known.
func checkOf(conn *sqlite.Conn, round record.ID, r *carev1.SupervisionRound, d supervision.Drawn) (*carev1.Verification, error) {
	f := &carev1.Verification{
		Status: carev1.FormStatus_FORM_STATUS_DRAFT, SampleId: round[:], Stratum: string(d.Stratum), OrganisationCode: r.GetOrganisationCode(),
	}
	var groups supervision.Groups
	_, err := sqlitefile.One(conn, sqlWho, func(q *sqlite.Stmt) { q.BindBytes(1, d.ID[:]) }, func(q *sqlite.Stmt) {
		f.CheckedDoctorId, f.CheckedOrganisationCode, groups = q.ColumnText(1), q.ColumnText(2), supervision.Groups(q.ColumnInt64(3))
		if f.CheckedOrganisationCode == "" {
			f.CheckedOrganisationCode = q.ColumnText(0)
		}
	})
	f.Populations = populationsOf(d.Stratum.Group(), groups)
	return f, err
}

// Frame returns the text of a round's frame, as the server has it.
func (s *Supervision) Frame(ctx context.Context, id record.ID, sight Sight) ([]byte, []Problem, error) {
	round, err := read(ctx, s.cfg.Records, id, &carev1.SupervisionRound{})
	if err != nil {
		return nil, nil, err
	}
	if round.shown == nil || !sight.sees(string(scopeIn(round.shown))) {
		return nil, []Problem{{"no_round", id.String(), ""}}, nil
	}
	text, err := s.cfg.Frames.Read(id, round.m.GetFrame().GetSha256())
	if errors.Is(err, ErrFrameLost) {
		return nil, []Problem{{"frame_lost", round.m.GetCode(), ""}}, nil
	}
	return text, nil, err
}

// Round is a round with how far its checks are.
type Round struct {
	ID    record.ID
	Round *carev1.SupervisionRound
	Tally supervision.Tally
}

// By supervision_round_announced.
const sqlRounds = `SELECT id, announced, scope FROM supervision_round WHERE (announced, id) < (?1, ?2) ORDER BY announced DESC, id DESC`

// Place is where a list goes on: behind the row with these.
type Place struct {
	Key int64
	ID  record.ID
}

// Rounds returns a page of rounds, the latest first, behind a place; nil: from the beginning.
func (s *Supervision) Rounds(ctx context.Context, sight Sight, after *Place, limit int) (out []Round, next *Place, err error) {
	if _, err := s.cfg.Persons.Follow(ctx); err != nil {
		return nil, nil, fmt.Errorf("rounds: %w", err)
	}
	from := Place{Key: 1 << 40}
	if after != nil {
		from = *after
	}
	err = s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, sqlRounds, func(q *sqlite.Stmt) {
			q.BindInt64(1, from.Key)
			q.BindBytes(2, from.ID[:])
		}, func(q *sqlite.Stmt) bool {
			if !sight.sees(q.ColumnText(2)) {
				return true
			}
			if len(out) == limit {
				next = &Place{int64(out[limit-1].Round.GetAnnouncedOn()), out[limit-1].ID}
				return false
			}
			out = append(out, Round{ID: columnID(q, 0), Round: &carev1.SupervisionRound{AnnouncedOn: int32(q.ColumnInt64(1))}})
			return true
		})
	})
	for i := range out {
		if err == nil {
			err = s.complete(ctx, sight, &out[i])
		}
	}
	return out, next, err
}

func (s *Supervision) complete(ctx context.Context, sight Sight, r *Round) error {
	f, err := read(ctx, s.cfg.Records, r.ID, &carev1.SupervisionRound{})
	if err != nil {
		return err
	}
	r.Round = f.m
	sums, err := s.tallies(ctx, r.ID, "", sight, func(row) string { return "" })
	r.Tally = sums[""]
	return err
}
