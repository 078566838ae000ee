// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/pgstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// storeCommands look after databases that counties can be kept in.
type storeCommands struct {
	Conformance storeConformance `cmd:"" help:"help_store_conformance"`
}

// storeConformance holds a database against all that the engine asks of one: the tests of this program's
// own stores.
type storeConformance struct {
	Dsn   string `help:"help_dsn" placeholder:"postgres://…"`
	Seeds uint64 `help:"help_conformance_seeds" default:"20" placeholder:"N"`
	Json  bool   `help:"help_json"`
	Child bool   `hidden:""`
}

// dsnVariable hands the address to the process that runs the tests: the command line is seen by everybody.
const dsnVariable = "XUNZHEN_CONFORMANCE_DSN"

// mostSaid is how many lines are shown of what one test says.
const mostSaid = 12

// conformed is one promise and whether the database keeps it.
type conformed struct {
	Promise string   `json:"promise"`
	Kept    bool     `json:"kept"`
	Said    []string `json:"said,omitempty"`
}

// conformance is what came of it.
type conformance struct {
	Engine   string      `json:"engine"` // as it calls itself
	Kept     int         `json:"kept"`
	Broken   int         `json:"broken"`
	Promises []conformed `json:"promises"`

	running string
	said    map[string][]string
}

// Run tests in a process of its own, and tells what came of it.
func (f storeConformance) Run(c *call) error {
	if f.Child {
		f.test(c.Env(dsnVariable))
	}
	dsn := cmp.Or(f.Dsn, c.Env(storeVariable))
	if dsn == "" {
		return problemf("problem_store_address")
	}
	ctx, cancel := context.WithTimeout(c.ctx, connectFor)
	defer cancel()
	db, err := pgstore.Connect(ctx, dsn)
	if err != nil {
		return explainDatabase(err)
	}
	out := conformance{}
	out.Engine, err = db.Engine(ctx)
	db.Close()
	if err != nil {
		return explainDatabase(err)
	}
	if err := f.watch(c, dsn, &out); err != nil {
		return err
	}
	if f.Json {
		err = c.json(out)
	} else {
		err = c.tellConformance(out)
	}
	if err == nil && out.Broken > 0 {
		err = problemf("problem_conformance", out.Broken)
	}
	return err
}

func (c *call) tellConformance(out conformance) error {
	c.line("conformance_engine", out.Engine)
	t := terminal.Table{Indent: 2}
	for _, p := range out.Promises {
		key := "conformance_kept"
		if !p.Kept {
			key = "conformance_broken"
		}
		t.Add(c.say(key), p.Promise)
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	for _, p := range out.Promises {
		if len(p.Said) > 0 {
			fmt.Fprintln(c.Stdout, "\n"+p.Promise)
		}
		for _, line := range p.Said[:min(len(p.Said), mostSaid)] {
			fmt.Fprintln(c.Stdout, "  "+terminal.Tame(line))
		}
	}
	c.line("conformance_sum", out.Kept, out.Broken)
	return nil
}

// watch starts the process and reads what it prints, which is what go test -v prints.
func (f storeConformance) watch(c *call, dsn string, out *conformance) error {
	program, err := c.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(c.ctx, program, "store", "conformance", "--child", fmt.Sprintf("--seeds=%d", f.Seeds))
	cmd.Env = append(os.Environ(), dsnVariable+"="+dsn)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	bar := c.screen().Begin(c.say("conformance_bar"), 0)
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for ran := 0; lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "=== RUN") {
			ran++
			bar.Set(ran, 0)
		}
		out.read(lines.Text())
	}
	bar.End("")
	err = cmd.Wait()
	var failed *exec.ExitError
	if errors.As(err, &failed) && out.Broken > 0 {
		err = nil
	}
	if err == nil && len(out.Promises) == 0 {
		err = errors.New("no test was run")
	}
	if err != nil {
		return fmt.Errorf("the tests did not come to an end: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	return c.ctx.Err()
}

var (
	runLine    = regexp.MustCompile(`^=== RUN +(\S+)`)
	resultLine = regexp.MustCompile(`^\s*--- (PASS|FAIL): (\S+) \(`)
)

// read takes one line in. What a test says stands behind the line on which it began; results come at the end.
func (o *conformance) read(line string) {
	if m := runLine.FindStringSubmatch(line); m != nil {
		o.running = m[1]
		return
	}
	m := resultLine.FindStringSubmatch(line)
	if m == nil {
		if text := strings.TrimSpace(line); text != "" && strings.HasPrefix(line, "    ") {
			if o.said == nil {
				o.said = map[string][]string{}
			}
			o.said[o.running] = append(o.said[o.running], text)
		}
		return
	}
	_, name, inner := strings.Cut(m[2], "/")
	if !inner {
		return // all of a chapter
	}
	one := conformed{Promise: strings.ReplaceAll(name, "_", " "), Kept: m[1] == "PASS"}
	if one.Kept {
		o.Kept++
	} else {
		o.Broken++
		one.Said = o.said[m[2]]
	}
	o.Promises = append(o.Promises, one)
}

// test runs the tests, prints what they print, and ends the process.
func (f storeConformance) test(dsn string) {
	db, err := pgstore.Connect(context.Background(), dsn)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitFailed)
	}
	open := func(t *testing.T) syncengine.Store {
		t.Helper()
		var shard segment.ShardID
		_, _ = rand.Read(shard[:])
		s, err := db.Open(t.Context(), shard, true)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(s.Close(), db.Drop(context.Background(), shard)); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	testing.Init()
	_ = flag.Set("test.v", "true")
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{
		{Name: "promises", F: func(t *testing.T) { storetest.Run(t, open) }},
		{Name: "random", F: func(t *testing.T) {
			for seed := range f.Seeds {
				t.Run(fmt.Sprintf("random updates and questions agree with memory, seed %d", seed), func(t *testing.T) {
					storetest.Compare(t, seed, 40, memstore.New(), open(t))
				})
			}
		}},
	}, nil, nil)
}
