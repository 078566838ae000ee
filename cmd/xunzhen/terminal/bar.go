// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Screen is where progress is shown.
type Screen struct {
	Out      io.Writer
	Terminal bool             // bars move; else each is one line when it is done
	Clock    func() time.Time // how often a bar is drawn anew
	Indent   int              // blanks before each bar; 0: two
}

const (
	barWidth   = 24
	labelWidth = 26
	redraw     = 80 * time.Millisecond
)

// Bar is one piece of work in progress. Its methods may be called from many
// goroutines.
type Bar struct {
	screen *Screen
	label  string

	mu          sync.Mutex
	done, total int
	drawn       time.Time
	over        bool
	note        string
}

// Begin shows a new bar. While it is there nothing else may be written; End ends
// it.
func (s *Screen) Begin(label string, total int) *Bar {
	b := &Bar{screen: s, label: label, total: total}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draw()
	return b
}

// Step says that one more is done.
func (b *Bar) Step() { b.Add(1) }

// Add says that n more are done.
func (b *Bar) Add(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	b.refresh()
}

// Set says how much is done, and of how much; total 0: not known.
func (b *Bar) Set(done, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done, b.total = done, total
	b.refresh()
}

// Note says what stands behind the gauge, such as how fast it goes.
func (b *Bar) Note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note = text
}

// End ends the bar with some words about it; without any it leaves nothing behind.
func (b *Bar) End(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.over = true
	if text == "" {
		if b.screen.Terminal {
			fmt.Fprint(b.screen.Out, "\r\x1b[K")
		}
		return
	}
	fmt.Fprintln(b.screen.Out, strings.TrimRight(b.begin()+Pad(b.label, labelWidth)+" "+text, " "))
}

func (b *Bar) refresh() {
	if now := b.screen.Clock(); now.Sub(b.drawn) >= redraw {
		b.draw()
	}
}

func (b *Bar) draw() {
	if !b.screen.Terminal || b.over {
		return
	}
	b.drawn = b.screen.Clock()
	fmt.Fprint(b.screen.Out, b.begin()+Pad(b.label, labelWidth)+" "+strings.TrimRight(gauge(b.done, b.total)+" "+b.note, " "))
}

// begin wipes the line that is drawn anew.
func (b *Bar) begin() string {
	left := blanks(max(b.screen.Indent, 2))
	if b.screen.Terminal {
		return "\r\x1b[K" + left
	}
	return left
}

// gauge draws how much of something is done.
func gauge(done, total int) string {
	if total <= 0 {
		return strings.Repeat("·", barWidth) + fmt.Sprintf(" %d", done)
	}
	full := min(barWidth, barWidth*done/total)
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + fmt.Sprintf(" %d/%d", done, total)
}
