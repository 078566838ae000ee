// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// grammar is all commands with their flags. Help texts stand in the catalogues
// under help_<name>; an argument's under help_<command>_<name> where one word means
// two things. Help lists commands by group, in the order in which they stand here, under the group's own key.
type grammar struct {
	Lang   string        `help:"help_lang" placeholder:"zh|en"`
	Manual manualCommand `cmd:"" hidden:"" help:"help_manual"`

	Demo     demoCommand     `cmd:"" group:"help_group_try" help:"help_demo"`
	Populate populateCommand `cmd:"" group:"help_group_try" help:"help_populate"`
	Tablet   tabletCommands  `cmd:"" group:"help_group_try" help:"help_tablet"`
	Version  versionCommand  `cmd:"" group:"help_group_try" help:"help_version"`

	Serve     serveCommand      `cmd:"" group:"help_group_serve" help:"help_serve"`
	Enrol     enrolCommand      `cmd:"" group:"help_group_serve" help:"help_enrol"`
	Devices   devicesCommands   `cmd:"" group:"help_group_serve" help:"help_devices"`
	Desk      deskCommands      `cmd:"" group:"help_group_serve" help:"help_desk"`
	Status    statusCommand     `cmd:"" group:"help_group_serve" help:"help_status"`
	Backup    backupCommand     `cmd:"" group:"help_group_serve" help:"help_backup"`
	Restore   restoreCommand    `cmd:"" group:"help_group_serve" help:"help_restore"`
	Verify    verifyCommand     `cmd:"" group:"help_group_serve" help:"help_verify"`
	Bundle    bundleCommands    `cmd:"" group:"help_group_serve" help:"help_bundle"`
	Hub       hubCommand        `cmd:"" group:"help_group_serve" help:"help_hub"`
	Rotate    rotateCommands    `cmd:"" group:"help_group_serve" help:"help_rotate"`
	Rules     rulesCommands     `cmd:"" group:"help_group_serve" help:"help_rules"`
	Divisions divisionsCommands `cmd:"" group:"help_group_serve" help:"help_divisions"`
	Plan      planCommand       `cmd:"" group:"help_group_serve" help:"help_plan"`
	Store     storeCommands     `cmd:"" group:"help_group_serve" help:"help_stores"`
	Bench     benchCommand      `cmd:"" group:"help_group_serve" help:"help_bench"`

	People   peopleCommands  `cmd:"" group:"help_group_records" help:"help_people"`
	Find     findCommand     `cmd:"" group:"help_group_records" help:"help_find"`
	Links    linksCommands   `cmd:"" group:"help_group_records" help:"help_links"`
	Findings findingsCommand `cmd:"" group:"help_group_records" help:"help_findings"`
	Import   importCommands  `cmd:"" group:"help_group_records" help:"help_import"`
	Export   exportCommand   `cmd:"" group:"help_group_records" help:"help_export"`
	Access   accessCommand   `cmd:"" group:"help_group_records" help:"help_access"`
	Held     heldCommand     `cmd:"" group:"help_group_records" help:"help_held"`
	Release  releaseCommand  `cmd:"" group:"help_group_records" help:"help_release"`
	Withdraw withdrawCommand `cmd:"" group:"help_group_records" help:"help_withdraw"`
	Review   reviewCommand   `cmd:"" group:"help_group_records" help:"help_review"`
	Forks    forksCommand    `cmd:"" group:"help_group_records" help:"help_forks"`
	Erase    eraseCommand    `cmd:"" group:"help_group_records" help:"help_erase"`

	Report       reportCommands       `cmd:"" group:"help_group_figures" help:"help_report"`
	Task         taskCommands         `cmd:"" group:"help_group_figures" help:"help_task"`
	Supervise    superviseCommands    `cmd:"" group:"help_group_figures" help:"help_supervise"`
	Authenticity authenticityCommands `cmd:"" group:"help_group_figures" help:"help_authenticity"`

	History historyCommand `cmd:"" group:"help_group_evidence" help:"help_history"`
	Prove   proveCommand   `cmd:"" group:"help_group_evidence" help:"help_prove"`
	Check   checkCommand   `cmd:"" group:"help_group_evidence" help:"help_check"`
	Shard   shardCommand   `cmd:"" group:"help_group_evidence" help:"help_shard"`
}

// parse reads the command line and returns what to run; nil after help was given.
func (c *call) parse(args []string) (func() error, error) {
	parser, err := c.grammar(kong.Resolvers(c.environment()))
	if err != nil {
		return nil, err
	}
	if asked, rest := asksForHelp(args); asked {
		k, err := kong.Trace(parser, rest)
		if err != nil {
			return nil, err
		}
		return nil, c.help(k)
	}
	k, err := parser.Parse(args)
	if err != nil {
		return nil, err
	}
	return func() error { return k.Run(c) }, nil
}

// asksForHelp reports whether help is asked for, and for which command: none at all
// asks for everything.
func asksForHelp(args []string) (bool, []string) {
	rest := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--help" || a == "-h" })
	if len(rest) > 0 && rest[0] == "help" {
		return true, rest[1:]
	}
	return len(rest) < len(args) || len(args) == 0, rest
}

// grammar reads the grammar, with the catalogue's texts for the keys that stand in it. The
// parser's own variables would do the same in a tenth of a second, at each start.
func (c *call) grammar(options ...kong.Option) (*kong.Kong, error) {
	parser, err := kong.New(&grammar{}, append(options, kong.Name("xunzhen"), kong.NoDefaultHelp())...)
	if err == nil {
		c.putHelp(parser.Model.Node)
	}
	return parser, err
}

func (c *call) putHelp(n *kong.Node) {
	put := func(help *string) {
		if *help != "" {
			*help = c.say(*help)
		}
	}
	put(&n.Help)
	for _, p := range n.Positional {
		put(&p.Help)
	}
	for _, f := range n.Flags {
		put(&f.Help)
	}
	for _, child := range n.Children {
		c.putHelp(child)
	}
}

// langFlag finds --lang before anything is parsed, because errors are said in it too.
func langFlag(args []string) string {
	for i, a := range args {
		if value, ok := strings.CutPrefix(a, "--lang="); ok {
			return value
		}
		if a == "--lang" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// usage says what is wrong with a command line.
func (c *call) usage(err error) int {
	fmt.Fprintln(c.Stderr, "xunzhen: "+c.usageText(err.Error()))
	if variable := c.variableMeant(err.Error()); variable != "" {
		c.note("usage_variable", variable, c.Env(variable))
	}
	var parse *kong.ParseError
	path := ""
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		path = parse.Context.Selected().FullPath()
	}
	if path == "" {
		path = "xunzhen"
	}
	c.note("usage_hint", path)
	return exitUsage
}

// usageText is the parser's words in the reader's language, as far as they are known.
func (c *call) usageText(text string) string {
	for _, known := range []struct{ prefix, key string }{
		{"unknown flag ", "usage_unknown_flag"},
		{"unexpected argument ", "usage_unexpected"},
		{"missing flags: ", "usage_missing_flags"},
		{"expected one of ", "usage_one_of"},
		{"expected ", "usage_expected"},
	} {
		if rest, ok := strings.CutPrefix(text, known.prefix); ok {
			return c.say(known.key, rest)
		}
	}
	return c.say("usage_other", text)
}
