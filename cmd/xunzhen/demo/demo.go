// SPDX-License-Identifier: Apache-2.0

// Package demo shows the whole of Xunzhen at work in under a minute: a county with
// real divisions and real measurements, a server as a child process, three tablets
// and a copy of one, a line that breaks; and then counts, from a list of its own,
// whether anything was lost.
//
// It uses what anybody could use: the tablet SDK, the serve command, RecordService.
// There is no back door, so what it proves is true of real tablets too.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// Options say what to show and where. All but Keep must be given.
type Options struct {
	Executable string // the program whose serve is started
	Command    string // what a person types to start it
	Residents  int    // 10 to 442
	Seed       uint64 // of who does what and where the line breaks; keys are drawn anew
	Keep       bool   // leave server and tablets when all is done

	Words   *words.Words
	Out     io.Writer // the story
	Columns int
	Screen  *terminal.Screen
	Clock   func() time.Time
}

// Least and most residents: the few that the scenes need, and all that were measured.
const (
	MinResidents = 10
	MaxResidents = 442
)

// Run plays the demo. Its error says that it could not be played to its end; whether
// all is well then is what the result says.
func Run(ctx context.Context, o Options) (r Result, err error) {
	s, err := newStory(ctx, o)
	if err != nil {
		return r, fmt.Errorf("demo: %w", err)
	}
	began := o.Clock()
	err = s.play(ctx)
	s.result.Seconds = o.Clock().Sub(began).Seconds()
	if err == nil {
		err = s.conclude()
	}
	err = errors.Join(err, s.close(err == nil && o.Keep))
	if err != nil {
		err = fmt.Errorf("demo: %w", err)
	}
	return s.result, err
}

// newStory makes ready what is needed before anything is shown.
func newStory(ctx context.Context, o Options) (*story, error) {
	if o.Residents < MinResidents || o.Residents > MaxResidents {
		return nil, fmt.Errorf("%d residents: between %d and %d", o.Residents, MinResidents, MaxResidents)
	}
	today := care.DateOf(o.Clock())
	p, err := newPlan(o.Residents, today, rand.New(rand.NewPCG(o.Seed, 1)))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "xunzhen-demo-")
	if err != nil {
		return nil, err
	}
	line, err := newBadLine(ctx, rand.New(rand.NewPCG(o.Seed, 2)))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &story{
		Options: o, dir: dir, today: today, plan: p, line: line, book: newBook(), rnd: rand.New(rand.NewPCG(o.Seed, 3)),
		result: Result{Seed: o.Seed},
	}, nil
}

// close ends everything. Kept, the server runs on and the folders stay.
func (s *story) close(keep bool) error {
	var errs []error
	for _, t := range s.tablets {
		errs = append(errs, t.Close())
	}
	errs = append(errs, s.line.Close())
	if s.centre != nil && keep {
		return errors.Join(append(errs, s.centre.leave())...)
	}
	if s.centre != nil {
		errs = append(errs, s.centre.stop())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
