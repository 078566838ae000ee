// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// problem is an error whose text stands in the catalogue, with what to do about it.
type problem struct {
	key   string
	args  []any
	cause error // may be nil
}

func problemf(key string, args ...any) error { return &problem{key: key, args: args} }

func (p *problem) Error() string { return p.key + fmt.Sprint(p.args...) }
func (p *problem) Unwrap() error { return p.cause }

// errSilent fails a command that has said why itself.
var errSilent = errors.New("failed")

// errUnconfirmed fails a save that nobody confirmed.
var errUnconfirmed = errors.New("not confirmed")

// failed says why a command failed and what to do, and returns the exit status.
func (c *call) failed(err error) int {
	if errors.Is(err, errSilent) {
		return exitFailed
	}
	fmt.Fprintln(c.Stderr, "xunzhen: "+c.advice(err))
	if errors.Is(err, errUnconfirmed) {
		return exitUnconfirmed
	}
	return exitFailed
}

// advice says an error in the reader's language: what happened, and what to do.
func (c *call) advice(err error) string {
	var p *problem
	if errors.As(officeProblem(err), &p) {
		text := c.say(p.key, p.args...)
		if p.cause != nil && !errors.Is(p.cause, errUnconfirmed) {
			text += "\n  " + c.say("detail", p.cause)
		}
		return text
	}
	if wait := tablet.WaitMs(err); wait > 0 {
		return c.say("reason_wait", (time.Duration(wait) * time.Millisecond).Round(time.Second))
	}
	if key := "reason_" + reasonOf(err); c.words.Has(key) {
		return c.say(key) + "\n  " + c.say("detail", err)
	}
	return terminal.Tame(err.Error())
}

// officeProblem turns what package office says into a problem; other errors stay.
func officeProblem(err error) error {
	var which *office.WhichCountyError
	var key *office.KeyError
	var desk *office.DeskError
	switch {
	case errors.As(err, &desk):
		return &problem{key: "problem_desk", args: []any{desk.Dir}, cause: desk.Err}
	case errors.Is(err, office.ErrNotServing):
		return &problem{key: "problem_not_serving", cause: err}
	case errors.As(err, &which):
		return problemf("problem_which_county", which.Codes)
	case errors.As(err, &key):
		return &problem{key: "problem_operator_key", args: []any{key.File}, cause: key.Err}
	case status.Code(err) == codes.Unavailable && transport.ReasonOf(err) == syncv1.Reason_REASON_UNSPECIFIED && tablet.ReasonOf(err) == "":
		return &problem{key: "problem_no_answer", cause: err}
	}
	return err
}

// reasonOf returns the word by which an error is looked up: the tablet's, the
// server's, or the system's.
func reasonOf(err error) string {
	var engine *syncengine.Error
	if r := tablet.ReasonOf(err); r != "" {
		return r
	}
	if r := remote.ReasonOf(err); r != "" {
		return r
	}
	if r := transport.ReasonOf(err); r != syncv1.Reason_REASON_UNSPECIFIED {
		return transport.ReasonName(r)
	}
	switch {
	case errors.As(err, &engine):
		return engine.Reason.String()
	case errors.Is(err, context.Canceled):
		return "stopped"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, fs.ErrPermission):
		return "permission"
	}
	return ""
}
