// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// Program is the whole program with all that it needs of the world.
type Program struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Env    func(string) string

	// OutIsTerminal and ErrIsTerminal say where a person looks on.
	OutIsTerminal bool
	ErrIsTerminal bool
	// Columns is the width of the terminal.
	Columns int
	// AskSecret reads a line without showing it; nil: there is nobody to ask.
	AskSecret func(prompt string) (string, error)
	// AskLine reads a line that may be seen; nil: there is nobody to ask.
	AskLine func(prompt string) (string, error)

	// Executable is the file to start as a child process.
	Executable func() (string, error)
	Clock      func() time.Time
	Rand       io.Reader
	// CheapSecrets makes secrets of new tablets cost nothing to guess: for tests only.
	CheapSecrets bool
}

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	// exitUnconfirmed says that nothing was saved, because nobody said that what was found
	// is meant so.
	exitUnconfirmed = 3
)

const defaultColumns = 80

// Here returns the program in this process.
func Here() Program {
	p := Program{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Getenv,
		OutIsTerminal: term.IsTerminal(int(os.Stdout.Fd())), ErrIsTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Columns: defaultColumns, Executable: os.Executable, Clock: time.Now, Rand: rand.Reader,
	}
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w >= 40 {
		p.Columns = min(w, 120)
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		p.AskSecret, p.AskLine = p.askSecret, p.askLine
	}
	return p
}

func (p Program) askSecret(prompt string) (string, error) {
	fmt.Fprint(p.Stderr, prompt)
	secret, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(p.Stderr)
	return string(secret), err
}

func (p Program) askLine(prompt string) (string, error) {
	fmt.Fprint(p.Stderr, prompt)
	line, err := bufio.NewReader(p.Stdin).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(line), err
}

// call is one run of one command.
type call struct {
	Program
	ctx   context.Context
	words *words.Words
}

// say returns the words under a key; what stands in them is tamed, because it can be
// what anybody wrote.
func (c *call) say(key string, args ...any) string {
	tame := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			tame[i] = terminal.Tame(a)
		case error:
			tame[i] = terminal.Tame(a.Error())
		case []string:
			tame[i] = terminal.Tame(fmt.Sprint(a))
		default:
			tame[i] = a
		}
	}
	return c.words.Say(key, tame...)
}

// line writes one line for people to the standard output.
func (c *call) line(key string, args ...any) { fmt.Fprintln(c.Stdout, c.say(key, args...)) }

// note writes one line to the standard error, where what is no result belongs.
func (c *call) note(key string, args ...any) { fmt.Fprintln(c.Stderr, c.say(key, args...)) }

// tableColumns is how wide a table may be: other programs get their lines whole.
func (c *call) tableColumns() int {
	if c.OutIsTerminal {
		return c.Columns
	}
	return 0
}

// screen is where progress is shown.
func (c *call) screen() *terminal.Screen {
	return &terminal.Screen{Out: c.Stderr, Terminal: c.ErrIsTerminal, Clock: c.Clock}
}

// Run runs one command to its end and returns the exit status.
func (p Program) Run(ctx context.Context, args []string) int {
	c := &call{Program: p, ctx: ctx, words: words.In(words.Choose(langFlag(args), p.Env))}
	run, err := c.parse(args)
	switch {
	case err != nil:
		return c.usage(err)
	case run == nil:
		return exitOK // help was asked for, and given
	}
	if err := run(); err != nil {
		return c.failed(err)
	}
	return exitOK
}

// json writes a value as one indented JSON text.
func (c *call) json(v any) error {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(c.Stdout, terminal.TameJSON(text.String()))
	return err
}
