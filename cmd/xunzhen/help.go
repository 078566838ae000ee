// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// help prints the help of the selected command in the reader's language.
func (c *call) help(k *kong.Context) error {
	node := k.Selected()
	if node == nil {
		node = k.Model.Node
	}
	h := helpPage{call: c}
	h.page(node, node == k.Model.Node)
	_, err := fmt.Fprint(c.Stdout, h.text.String())
	return err
}

// moreKey is where the catalogues say more of a command, if they do.
func moreKey(n *kong.Node) string {
	return "more_" + strings.ReplaceAll(strings.TrimPrefix(n.FullPath(), "xunzhen "), " ", "_")
}

type helpPage struct {
	*call
	text strings.Builder
}

func (h *helpPage) page(n *kong.Node, top bool) {
	if top {
		h.paragraph(h.say("help_top"), 0)
	} else {
		h.paragraph(n.Help, 0)
	}
	if key := moreKey(n); h.words.Has(key) {
		h.text.WriteString("\n")
		h.paragraph(h.say(key), 0)
	}
	fmt.Fprintf(&h.text, "\n%s\n  %s\n", h.say("help_head_usage"), strings.TrimSpace("xunzhen "+strings.TrimSpace(n.Summary())))
	for _, g := range commandGroups(n) {
		h.table(g.key, g.rows)
	}
	h.table("help_head_arguments", argumentRows(n))
	h.table("help_head_flags", h.flagRows(n))
	if len(n.Children) > 0 {
		h.text.WriteString("\n" + h.say("usage_hint", n.FullPath()+" …") + "\n")
	}
}

func (h *helpPage) paragraph(text string, indent int) {
	for _, line := range terminal.Wrap(text, h.Columns-indent) {
		h.text.WriteString(strings.Repeat(" ", indent) + line + "\n")
	}
}

// table writes rows of a term and its help, the help wrapped in its own column.
func (h *helpPage) table(head string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	widest := 0
	for _, r := range rows {
		widest = max(widest, terminal.Width(r[0]))
	}
	column := 2 + widest + 2
	fmt.Fprintf(&h.text, "\n%s\n", h.say(head))
	for _, r := range rows {
		for i, line := range terminal.Wrap(r[1], max(24, h.Columns-column)) {
			left := ""
			if i == 0 {
				left = r[0]
			}
			h.text.WriteString(strings.TrimRight("  "+terminal.Pad(left, widest)+"  "+line, " ") + "\n")
		}
	}
}

// commandGroup is what a reader looks for together, under the text of a key.
type commandGroup struct {
	key  string
	rows [][2]string
}

// commandGroups returns the commands under one, by group, in the order of the grammar.
func commandGroups(n *kong.Node) (groups []commandGroup) {
	for _, child := range n.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		key := "help_head_commands"
		if child.Group != nil {
			key = child.Group.Key
		}
		at := slices.IndexFunc(groups, func(g commandGroup) bool { return g.key == key })
		if at < 0 {
			at = len(groups)
			groups = append(groups, commandGroup{key: key})
		}
		groups[at].rows = append(groups[at].rows, commandRow(child))
	}
	return groups
}

func commandRow(n *kong.Node) [2]string {
	name := n.Name
	for _, p := range n.Positional {
		name += " " + p.Summary()
	}
	if len(n.Children) > 0 {
		name += " …"
	}
	return [2]string{name, firstLine(n.Help)}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func argumentRows(n *kong.Node) (rows [][2]string) {
	for _, p := range n.Positional {
		rows = append(rows, [2]string{p.Summary(), p.Help})
	}
	return rows
}

// flagRows are the flags that a command takes, its own first.
func (h *helpPage) flagRows(n *kong.Node) (rows [][2]string) {
	for at := n; at != nil; at = at.Parent {
		rows = append(rows, h.ownFlagRows(at)...)
	}
	return append(rows, [2]string{"--help", h.say("help_help")})
}

func (h *helpPage) ownFlagRows(n *kong.Node) (rows [][2]string) {
	for _, f := range n.Flags {
		if !f.Hidden {
			rows = append(rows, [2]string{flagTerm(f), h.flagText(n, f)})
		}
	}
	return rows
}

// flagText is a flag's help with what holds when it is not given, as far as the help
// itself does not say so.
func (h *helpPage) flagText(command *kong.Node, f *kong.Flag) string {
	text, variable := f.Help, variableOf(command, f)
	said, _, _ := strings.Cut(h.say("help_default"), "%")
	switch {
	case f.IsBool() || strings.Contains(text, said) || strings.Contains(text, "$"):
	case f.HasDefault:
		text += " " + h.say("help_default", f.Default)
	case variable != "":
		text += " " + h.say("help_default", h.say("help_none"))
	}
	if variable != "" && !strings.Contains(text, "$"+variable) {
		text += " [$" + variable + "]"
	}
	return text
}

func flagTerm(f *kong.Flag) string {
	name := "--" + f.Name
	if f.IsBool() {
		return name
	}
	return name + "=" + f.FormatPlaceHolder()
}
