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
// two things.
type grammar struct {
	Lang   string        `help:"help_lang" placeholder:"zh|en"`
	Manual manualCommand `cmd:"" hidden:"" help:"help_manual"`

	Demo    demoCommand    `cmd:"" help:"help_demo"`
	Serve   serveCommand   `cmd:"" help:"help_serve"`
	Enrol   enrolCommand   `cmd:"" help:"help_enrol"`
	Held    heldCommand    `cmd:"" help:"help_held"`
	Release releaseCommand `cmd:"" help:"help_release"`
	Review  reviewCommand  `cmd:"" help:"help_review"`
	History historyCommand `cmd:"" help:"help_history"`
	Prove   proveCommand   `cmd:"" help:"help_prove"`
	Check   checkCommand   `cmd:"" help:"help_check"`
	Shard   shardCommand   `cmd:"" help:"help_shard"`
	Erase   eraseCommand   `cmd:"" help:"help_erase"`
	Hub     hubCommand     `cmd:"" help:"help_hub"`
	Verify  verifyCommand  `cmd:"" help:"help_verify"`
	Status  statusCommand  `cmd:"" help:"help_status"`
	Backup  backupCommand  `cmd:"" help:"help_backup"`
	Restore restoreCommand `cmd:"" help:"help_restore"`
	Bundle  bundleCommands `cmd:"" help:"help_bundle"`
	Bench   benchCommand   `cmd:"" help:"help_bench"`
	Tablet  tabletCommands `cmd:"" help:"help_tablet"`
	Version versionCommand `cmd:"" help:"help_version"`

	Populate populateCommand `cmd:"" help:"help_populate"`

	Devices  devicesCommands `cmd:"" help:"help_devices"`
	Forks    forksCommand    `cmd:"" help:"help_forks"`
	Withdraw withdrawCommand `cmd:"" help:"help_withdraw"`
	Rotate   rotateCommands  `cmd:"" help:"help_rotate"`
	Findings findingsCommand `cmd:"" help:"help_findings"`
	Export   exportCommand   `cmd:"" help:"help_export"`

	Authenticity authenticityCommands `cmd:"" help:"help_authenticity"`

	People peopleCommands `cmd:"" help:"help_people"`
	Access accessCommand  `cmd:"" help:"help_access"`

	Desk  deskCommands  `cmd:"" help:"help_desk"`
	Find  findCommand   `cmd:"" help:"help_find"`
	Links linksCommands `cmd:"" help:"help_links"`

	Divisions divisionsCommands `cmd:"" help:"help_divisions"`
	Report    reportCommands    `cmd:"" help:"help_report"`
	Rules     rulesCommands     `cmd:"" help:"help_rules"`

	Supervise superviseCommands `cmd:"" help:"help_supervise"`
	Task      taskCommands      `cmd:"" help:"help_task"`
	Import    importCommands    `cmd:"" help:"help_import"`
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
