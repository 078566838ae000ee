// SPDX-License-Identifier: Apache-2.0

// Package rulepack holds the rule pack that this build brings along: thresholds,
// rules, proposals, populations, due rows and their test rows, as prototext files of
// one RulePackContent. A county lays its own file over it.
//
// The files are data: what they mean, and that they are refused whole when
// something in them is wrong, stands in package rules. Every row says its source.
package rulepack

import (
	"embed"

	"github.com/xunzhen/xunzhen/care/rules"
)

//go:embed *.txtpb
var files embed.FS

// Sources returns the files of the pack in the order of their names. Load checks them.
func Sources() ([]rules.Source, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var out []rules.Source
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		out = append(out, rules.Source{Name: e.Name(), Text: text})
	}
	return out, nil
}

// Load returns the pack of this build with a county's files laid over it.
func Load(county ...rules.Source) (*rules.Pack, error) {
	own, err := Sources()
	if err != nil {
		return nil, err
	}
	return rules.Load(append(own, county...)...)
}
