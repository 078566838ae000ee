// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Comments are what .proto files say above their messages, fields, code lists and
// codes, by full name. They are English and stand on English pages only.
type Comments map[protoreflect.FullName]string

var (
	packageLine = regexp.MustCompile(`^package ([\w.]+);`)
	blockLine   = regexp.MustCompile(`^(?:message|enum|oneof) (\w+) \{`)
	fieldLine   = regexp.MustCompile(`^(?:(?:optional |repeated )?[\w.]+|map<[\w., ]+>) (\w+) = \d+`)
	codeLine    = regexp.MustCompile(`^(\w+) = \d+`)
)

// Add reads a source as buf formats it: one declaration a line, its comment in the
// lines above it. Declarations in messages nested in messages are found as well.
func (c Comments) Add(source string) {
	s := scan{comments: c}
	for line := range strings.Lines(source) {
		s.line(strings.TrimSpace(line))
	}
}

// A scan is the place in a source.
type scan struct {
	comments Comments
	scope    []block  // outermost first
	above    []string // the lines of comment directly above
}

// A block is what a brace opened: one that declares something has its name.
type block struct {
	name protoreflect.FullName
	enum bool
}

func (s *scan) line(line string) {
	if text, ok := strings.CutPrefix(line, "//"); ok {
		s.above = append(s.above, strings.TrimSpace(text))
		return
	}
	s.declaration(line)
	s.above = nil
	if strings.HasPrefix(line, "}") && len(s.scope) > 1 {
		s.scope = s.scope[:len(s.scope)-1]
	}
}

func (s *scan) declaration(line string) {
	if m := packageLine.FindStringSubmatch(line); m != nil {
		s.scope = []block{{name: protoreflect.FullName(m[1])}}
		return
	}
	if len(s.scope) == 0 {
		return
	}
	around := s.scope[len(s.scope)-1]
	if m := blockLine.FindStringSubmatch(line); m != nil {
		s.block(around, m[1], line)
		return
	}
	switch field, code := fieldLine.FindStringSubmatch(line), codeLine.FindStringSubmatch(line); {
	case around.name == "":
	case around.enum && code != nil:
		s.say(around.name.Parent().Append(protoreflect.Name(code[1]))) // a code is a sibling of its list
	case !around.enum && field != nil:
		s.say(around.name.Append(protoreflect.Name(field[1])))
	}
	if strings.HasSuffix(line, "{") {
		s.scope = append(s.scope, block{})
	}
}

// block enters a message, a code list or a oneof. The members of a oneof belong to
// the message around it.
func (s *scan) block(around block, name, line string) {
	b := block{name: around.name, enum: strings.HasPrefix(line, "enum")}
	if !strings.HasPrefix(line, "oneof") {
		b.name = around.name.Append(protoreflect.Name(name))
		s.say(b.name)
	}
	if !strings.HasSuffix(line, "}") {
		s.scope = append(s.scope, b)
	}
}

func (s *scan) say(name protoreflect.FullName) {
	if len(s.above) > 0 {
		s.comments[name] = strings.Join(s.above, " ")
	}
}
