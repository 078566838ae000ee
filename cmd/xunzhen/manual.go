// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// manualCommand writes the manual page that the Debian package has: the help of every
// command in one page. It is not listed.
type manualCommand struct{}

// Run writes the page, as man reads it.
func (manualCommand) Run(c *call, k *kong.Kong) error {
	m := manualPage{helpPage: helpPage{call: c}}
	m.top()
	m.commands(k.Model.Node)
	m.end()
	_, err := fmt.Fprint(c.Stdout, m.text.String())
	return err
}

// manualPage is a help page in the language of man.
type manualPage struct{ helpPage }

func (m *manualPage) line(format string, args ...any) { fmt.Fprintf(&m.text, format+"\n", args...) }

func (m *manualPage) top() {
	m.line(`.TH XUNZHEN 1 "" "xunzhen" ""`)
	m.line(".SH %s\nxunzhen \\- %s", m.say("manual_name"), roff(m.say("manual_line")))
	m.line(".SH %s\n.B xunzhen\n.I %s", m.say("help_head_usage"), roff(m.say("manual_usage")))
	m.line(".SH %s", m.say("manual_description"))
	m.paragraphs(m.say("help_top"))
}

// paragraphs writes text; what is indented stays as it is.
func (m *manualPage) paragraphs(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if indented := strings.TrimLeft(line, " "); indented != line {
			m.line(".nf\n    %s\n.fi", roff(indented))
		} else {
			m.line("%s\n.br", roff(line))
		}
	}
}

// commands writes a section for each command that does something, in order.
func (m *manualPage) commands(n *kong.Node) {
	m.line(".SH %s", m.say("help_head_commands"))
	for _, child := range n.Children {
		m.command(child)
	}
}

func (m *manualPage) command(n *kong.Node) {
	if n.Hidden || n.Type != kong.CommandNode {
		return
	}
	m.line(".SS %s", roff(n.FullPath()))
	m.paragraphs(n.Help)
	if key := moreKey(n); m.words.Has(key) {
		m.line(".PP")
		m.paragraphs(m.say(key))
	}
	m.terms(argumentRows(n))
	m.terms(m.ownFlagRows(n))
	for _, child := range n.Children {
		m.command(child)
	}
}

func (m *manualPage) terms(rows [][2]string) {
	for _, r := range rows {
		m.line(".TP\n.B %s\n%s", roff(r[0]), roff(r[1]))
	}
}

func (m *manualPage) end() {
	m.line(".SH %s", m.say("manual_files"))
	m.terms([][2]string{
		{"/etc/default/xunzhen", m.say("manual_file_default")},
		{"/var/lib/xunzhen", m.say("manual_file_data")},
		{"/usr/share/doc/xunzhen/operate.md", m.say("manual_file_operate")},
	})
}

// roff returns text as man prints it unchanged.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}
