// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"strings"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrNoDivision is wrapped when a text is no division code.
var ErrNoDivision = errors.New("no division code")

// Level is how far down a division stands.
type Level int

// Levels, by the digits that a code of the statistics office has down to them.
const (
	LevelCountry  Level = 0
	LevelProvince Level = 2
	LevelCity     Level = 4
	LevelCounty   Level = 6
	LevelTownship Level = 9
	LevelVillage  Level = 12
)

var levels = [...]Level{LevelCountry, LevelProvince, LevelCity, LevelCounty, LevelTownship, LevelVillage}

// ParseDivision reads a code of 2, 4, 6, 9 or 12 digits and returns it without
// the zeros that fill a code up to 12: "130403000000" is the county 130403. The
// result is a prefix of the codes of all that lies within. Errors wrap ErrNoDivision.
func ParseDivision(text string) (record.Division, error) {
	code := NormaliseNumber(text)
	if !digits(code) || levelOf(len(code)) != Level(len(code)) || code == "" {
		return "", fmt.Errorf("%q: %w", text, ErrNoDivision)
	}
	for i := len(levels) - 1; i > 1; i-- {
		above, here := int(levels[i-1]), int(levels[i])
		if len(code) == here && strings.Trim(code[above:], "0") == "" {
			code = code[:above]
		}
	}
	return record.Division(code), nil
}

// LevelOf returns how far down the prefix d reaches: the lowest level that it
// names in full.
func LevelOf(d record.Division) Level { return levelOf(len(d)) }

func levelOf(length int) Level {
	level := LevelCountry
	for _, l := range levels {
		if int(l) <= length {
			level = l
		}
	}
	return level
}

// Above returns the part of d that names its division at level, or all of d if
// it does not reach so far: Above(village, LevelCounty) is its county.
func Above(d record.Division, level Level) record.Division { return d[:min(len(d), int(level))] }

// ShortCode returns a division without the zeros that fill its code up, and one that is no code
// as it is.
func ShortCode(d record.Division) record.Division {
	if short, err := ParseDivision(string(d)); err == nil {
		return short
	}
	return d
}

// FullCode returns d filled up with zeros to the 12 digits that a record's scope has.
func FullCode(d record.Division) record.Division {
	return d + record.Division(strings.Repeat("0", max(0, 12-len(d))))
}
