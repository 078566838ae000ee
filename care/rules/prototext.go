// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxNesting is how deep the text of a pack may be nested: a pack needs four.
const maxNesting = 16

// A textField is a field on the outermost level of a prototext, with its line.
type textField struct {
	name string
	line int
}

// fieldsOf returns the outermost fields of a prototext that can be read, in order.
func fieldsOf(text []byte) []textField {
	var out []textField
	s := textScanner{text: text, line: 1}
	for s.next() {
		if s.depth == 0 && s.word != "" {
			out = append(out, textField{s.word, s.line})
		}
	}
	return out
}

// deepest returns how deep a text is nested in braces and brackets, strings and comments apart.
func deepest(text []byte) int {
	s := textScanner{text: text, line: 1}
	deep := 0
	for s.next() {
		deep = max(deep, s.depth)
	}
	return deep
}

// A textScanner walks over words, braces and the rest of a prototext.
type textScanner struct {
	text  []byte
	at    int
	line  int
	depth int
	word  string // the name that was just read, "" for anything else
	value bool   // a colon came before: the next word is a value
}

// next moves on by one token and reports whether there was one.
func (s *textScanner) next() bool {
	s.word = ""
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.step()
	}
	if s.at >= len(s.text) {
		return false
	}
	switch c := s.text[s.at]; {
	case c == '#':
		for s.at < len(s.text) && s.text[s.at] != '\n' {
			s.step()
		}
	case c == '"' || c == '\'':
		s.quoted(c)
	case isNameByte(c):
		s.name()
	default:
		s.sign(c)
	}
	return true
}

func (s *textScanner) step() {
	if s.text[s.at] == '\n' {
		s.line++
	}
	s.at++
}

func (s *textScanner) quoted(quote byte) {
	s.value = false
	for s.step(); s.at < len(s.text) && s.text[s.at] != quote; s.step() {
		if s.text[s.at] == '\\' && s.at+1 < len(s.text) {
			s.step()
		}
	}
	if s.at < len(s.text) {
		s.step()
	}
}

func (s *textScanner) name() {
	from := s.at
	for s.at < len(s.text) && isNameByte(s.text[s.at]) {
		s.at++
	}
	if !s.value {
		s.word = string(s.text[from:s.at])
	}
	s.value = false
}

func (s *textScanner) sign(c byte) {
	switch c {
	case '{', '<', '[':
		s.depth++
	case '}', '>', ']':
		s.depth--
	}
	s.value = c == ':'
	s.step()
}

func isNameByte(c byte) bool {
	return c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

var position = regexp.MustCompile(`\(line (\d+):\d+\):? ?`)

// splitPosition takes the line out of an error about text; the last one if it says
// none, since what is missing is missing at the end.
func splitPosition(err error, source []byte) (int, string) {
	text := strings.TrimSpace(strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: "))
	found := position.FindStringSubmatch(text)
	if found == nil {
		return bytes.Count(bytes.TrimSpace(source), []byte("\n")) + 1, text
	}
	line, _ := strconv.Atoi(found[1])
	return line, strings.TrimSpace(position.ReplaceAllString(text, ""))
}

func setBool(m proto.Message, f protoreflect.FieldDescriptor, v bool) {
	m.ProtoReflect().Set(f, protoreflect.ValueOfBool(v))
}
