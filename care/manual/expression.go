// SPDX-License-Identifier: Apache-2.0

package manual

import "strings"

const (
	lineWidth = 100 // a longer expression is broken
	shortest  = 20  // inside parentheses nothing shorter stands on a line of its own
)

// layOut writes an expression in lines: broken before the operators that bind loosest
// and are least enclosed, where it is longer than a line. Joined again with blanks the
// lines are the expression.
func layOut(expression, indent string) []string {
	expression = strings.TrimSpace(expression)
	if len(indent)+len(expression) <= lineWidth {
		return []string{indent + expression}
	}
	parts := breakUp(expression)
	if len(parts) == 1 {
		return []string{indent + expression}
	}
	out := layOut(parts[0], indent)
	for _, p := range parts[1:] {
		out = append(out, layOut(p, indent+"  ")...)
	}
	return out
}

// breakUp cuts an expression where it is best broken; each part but the first begins
// with its operator. It is returned whole where there is no good place.
func breakUp(expression string) []string {
	places, best := map[rank][]int{}, rank{depth: 1 << 30}
	eachOperator(expression, func(at int, r rank) {
		places[r] = append(places[r], at)
		if r.before(best) {
			best = r
		}
	})
	var out []string
	from, short := 0, false
	for _, at := range append(places[best], len(expression)) {
		part := strings.TrimSpace(expression[from:at])
		short = short || len(part) < shortest
		out = append(out, part)
		from = at
	}
	if best.depth > 0 && short {
		return []string{expression}
	}
	return out
}

// A rank says how good a place is for a break: less enclosed before more, then
// operators that bind looser.
type rank struct{ depth, binding int }

func (r rank) before(other rank) bool {
	return r.depth < other.depth || r.depth == other.depth && r.binding < other.binding
}

// eachOperator visits the operators between blanks outside texts. One at the very
// beginning is none to break at.
func eachOperator(expression string, visit func(at int, r rank)) {
	depth, quote := 0, byte(0)
	for i := 0; i < len(expression); i++ {
		c := expression[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		default:
			if binding := operatorAt(expression[i:]); binding >= 0 && i > 0 {
				visit(i, rank{depth, binding})
			}
		}
	}
}

// operatorAt returns how tight the operator binds that s begins with, behind a blank;
// -1 for none.
func operatorAt(s string) int {
	for binding, operators := range [][]string{{" ? ", " : "}, {" || "}, {" && "}, {" + "}} {
		for _, o := range operators {
			if strings.HasPrefix(s, o) {
				return binding
			}
		}
	}
	return -1
}
