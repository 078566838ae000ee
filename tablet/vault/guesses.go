// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

const (
	// freeGuesses may be wrong in a row before anybody has to wait.
	freeGuesses = 5
	// firstWait follows them; every further wrong secret doubles it.
	firstWait = 2 * time.Second
	// longestWait is where doubling ends: a hundred guesses a day, and a doctor who
	// remembers after all is not shut out for the afternoon.
	longestWait = 15 * time.Minute
)

// WaitError says that too many secrets were wrong and how long nobody may try.
type WaitError struct{ Left time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many wrong secrets: try again in %s", e.Left.Round(time.Second))
}

// guesses is guesses.json.
type guesses struct {
	Wrong  int   `json:"wrong"`
	LastMs int64 `json:"last_ms"`
}

// countGuess writes down that a secret is being tried before it is, so that
// pulling the plug does not help. It returns a *WaitError when it is too early. A
// clock that was put back makes nobody wait longer than the present wait; one put
// forward shortens it, and then only the cost of a guess is left.
func (v *Vault) countGuess() error {
	g := v.readGuesses()
	now := v.cfg.Clock().UnixMilli()
	g.LastMs = min(g.LastMs, now)
	if left := g.wait() - time.Duration(now-g.LastMs)*time.Millisecond; left > 0 {
		return v.wait(g, left)
	}
	return v.writeJSON(guessesFile, guesses{g.Wrong + 1, now})
}

// wait keeps a clock that was put back from being put back again and again.
func (v *Vault) wait(g guesses, left time.Duration) error {
	if g != v.readGuesses() {
		if err := v.writeJSON(guessesFile, g); err != nil {
			return err
		}
	}
	return &WaitError{left}
}

func (g guesses) wait() time.Duration {
	over := g.Wrong - freeGuesses
	if over < 0 {
		return 0
	}
	return min(firstWait<<min(over, 20), longestWait)
}

// readGuesses returns what is written down; a file that cannot be read counts as
// just enough wrong ones to be slow.
func (v *Vault) readGuesses() guesses {
	raw, err := os.ReadFile(v.path(guessesFile))
	if os.IsNotExist(err) {
		return guesses{}
	}
	var g guesses
	if err != nil || json.Unmarshal(raw, &g) != nil {
		return guesses{Wrong: freeGuesses}
	}
	return g
}

func (v *Vault) forgetGuesses() error {
	if err := os.Remove(v.path(guessesFile)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
