// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Every flag of serve may stand in the environment, too, so that a service is set up
// in one file. A flag given by hand goes before.
const variablePrefix = "XUNZHEN_"

// variableOf returns the variable of a command's flag, "" for one that has none: a
// flag of another command, or one that is not shown.
func variableOf(command *kong.Node, f *kong.Flag) string {
	if command == nil || command.Name != "serve" || f.Hidden || !slices.Contains(command.Flags, f) {
		return ""
	}
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// environment resolves flags that were not given.
func (c *call) environment() kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, at *kong.Path, f *kong.Flag) (any, error) {
		if name := variableOf(at.Node(), f); name != "" && c.Env(name) != "" {
			return c.Env(name), nil
		}
		return nil, nil //nolint:nilnil // kong's way to say that it has nothing
	})
}

// variableMeant returns the variable that an error about a flag is about: that of the
// flag whose name its text begins with, when it is set; else "".
func (c *call) variableMeant(text string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(text, "--"), ":")
	name, _, _ = strings.Cut(name, " ")
	name, _, _ = strings.Cut(name, "=")
	variable := variablePrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if !strings.HasPrefix(text, "--") || c.Env(variable) == "" {
		return ""
	}
	return variable
}
