// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	// MaxHistory is how many earlier forms of a kind an expression sees.
	MaxHistory = 32
	// MaxRecords is how many forms of a kind an expression sees at all.
	MaxRecords = 64

	// maxCost bounds what one expression may cost, in CEL's own units, by estimate
	// when it is loaded and while it runs. A comparison of two fields costs about 5;
	// one pass over the history with a few comparisons about 1,000.
	maxCost = 100_000

	maxDepth = 50   // of the tree of an expression
	maxNodes = 3000 // of that tree, macros expanded

	maxPattern = 500 // instructions of a compiled pattern

	formsPackage = "xunzhen.care.v1"
)

// A kindPack is what a pack has for one kind.
type kindPack struct {
	kind        record.Kind
	name        string
	typ         protoreflect.MessageType
	desc        protoreflect.MessageDescriptor
	env         *cel.Env
	empty       proto.Message
	definitions []definition
	defined     map[string]int // by the name that expressions use
	ranks       map[string]int // places of rules in the pack, by id
	slots       map[string]int // places of fields that expressions look at, by path
	rules       []*rule
	checks      map[carev1.SchemaCheck][]*rule
	plan        *plan
	proposals   []*proposalRule
}

type definition struct {
	name string // "d.id"
	expr expression
}

// An expression is compiled and can be evaluated by many at once.
type expression struct {
	program cel.Program
	result  *cel.Type
	truth   truthFunc  // of a condition
	number  numberFunc // of a number
	reads   reads
}

// A compiler turns a draft into a pack.
type compiler struct {
	*draft
	pack *Pack
	base *cel.Env // with everything but r, previous, history and d
}

// environment declares what every expression sees.
func (c *compiler) environment(kinds map[record.Kind]protoreflect.MessageType) error {
	registry, err := registryOf(kinds)
	if err != nil {
		return fmt.Errorf("types of forms: %w", err)
	}
	c.pack.registry, c.pack.messages = registry, map[protoreflect.FullName]protoreflect.MessageDescriptor{}
	c.pack.know((&carev1.RulePerson{}).ProtoReflect().Descriptor())
	for _, typ := range kinds {
		c.pack.know(typ.Descriptor())
	}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(registry), cel.CustomTypeProvider(registry), cel.Container(formsPackage),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxDepth), cel.ExpressionNodeLimit(maxNodes),
		cel.ASTValidators(cel.ValidateRegexLiterals()), cel.RegexProgramSizeLimit(maxPattern),
		cel.Variable("person", cel.ObjectType(formsPackage+".RulePerson")), cel.Variable("as_of", cel.IntType),
	}
	for _, k := range c.pack.kinds {
		options = append(options, cel.Variable("records."+k.name, cel.ListType(objectType(k.desc))))
	}
	options = append(options, functions()...)
	for _, t := range c.content.GetThresholds() {
		typ, v := thresholdValue(t)
		options = append(options, cel.Constant("t."+t.GetId(), typ, v))
	}
	c.base, err = cel.NewEnv(options...)
	return err
}

// registryOf returns the messages and code lists of the forms, and of what they are made of.
func registryOf(kinds map[record.Kind]protoreflect.MessageType) (*types.Registry, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor) error
	add = func(file protoreflect.FileDescriptor) error {
		if seen[file.Path()] {
			return nil
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			if err := add(file.Imports().Get(i).FileDescriptor); err != nil {
				return err
			}
		}
		return registry.RegisterDescriptor(file)
	}
	if err := add((&carev1.RulePerson{}).ProtoReflect().Descriptor().ParentFile()); err != nil {
		return nil, err
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if err := add(kinds[kind].Descriptor().ParentFile()); err != nil {
			return nil, err
		}
	}
	return registry, nil
}

// know notes a message and all that it is made of.
func (p *Pack) know(desc protoreflect.MessageDescriptor) {
	if p.messages[desc.FullName()] != nil {
		return
	}
	p.messages[desc.FullName()] = desc
	for i := range desc.Fields().Len() {
		if sub := desc.Fields().Get(i).Message(); sub != nil {
			p.know(sub)
		}
	}
}

func objectType(desc protoreflect.MessageDescriptor) *cel.Type {
	return cel.ObjectType(string(desc.FullName()))
}

// thresholdValue returns a threshold as expressions see it.
func thresholdValue(t *carev1.Threshold) (*cel.Type, ref.Val) {
	switch v := t.GetValue().(type) {
	case *carev1.Threshold_Numbers:
		return cel.ListType(cel.IntType), types.DefaultTypeAdapter.NativeToValue(slices.Clone(v.Numbers.GetValues()))
	case *carev1.Threshold_Text:
		return cel.StringType, types.String(v.Text)
	}
	return cel.IntType, types.Int(t.GetNumber())
}

// kindEnvironment declares what expressions over forms of k see, when the first one comes.
func (c *compiler) kindEnvironment(k *kindPack) error {
	if k.env != nil {
		return nil
	}
	typ := objectType(k.desc)
	var err error
	k.env, err = c.base.Extend(cel.Variable("r", typ), cel.Variable("previous", typ), cel.Variable("history", cel.ListType(typ)))
	return err
}

// expression compiles text for forms of k, or for no form if k is nil, and wants its result to be one of wanted. A
// fault is noted at row and gives an expression that must not be used.
func (c *compiler) expression(k *kindPack, row row, part, text string, wanted ...*cel.Type) expression {
	env, form := c.base, protoreflect.MessageDescriptor(nil)
	if k != nil {
		if err := c.kindEnvironment(k); err != nil {
			c.fault(row, row.GetId(), "%s: %v", part, err)
			return expression{}
		}
		env, form = k.env, k.desc
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		c.fault(row, row.GetId(), "%s: %s", part, firstIssue(issues))
		return expression{}
	}
	if !slices.ContainsFunc(wanted, func(t *cel.Type) bool { return t.IsExactType(ast.OutputType()) }) {
		c.fault(row, row.GetId(), "%s: gives %s, and is wanted as %s", part, ast.OutputType(), typeNames(wanted))
		return expression{}
	}
	cost, err := env.EstimateCost(ast, sizes{c.pack, form, c.content})
	if err != nil || cost.Max > maxCost {
		c.fault(row, row.GetId(), "%s: may cost %d, at most %d", part, cost.Max, uint64(maxCost))
		return expression{}
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if !cheap(ast) {
		options = append(options, cel.CostLimit(maxCost))
	}
	program, err := env.Program(ast, options...)
	if err != nil {
		c.fault(row, row.GetId(), "%s: %v", part, err)
		return expression{}
	}
	out := expression{program: program, result: ast.OutputType(), reads: c.readsOf(k, ast.NativeRep())}
	q := &quickener{checked: ast.NativeRep(), pack: c.pack, k: k}
	switch out.result.Kind() {
	case types.BoolKind:
		out.truth = q.truths(q.checked.Expr())
	case types.IntKind:
		out.number = q.number(q.checked.Expr())
	}
	return out
}

func firstIssue(issues *cel.Issues) string {
	e := issues.Errors()[0]
	return fmt.Sprintf("%d:%d: %s", e.Location.Line(), e.Location.Column()+1, e.Message)
}

func typeNames(all []*cel.Type) string {
	var out []string
	for _, t := range all {
		out = append(out, t.String())
	}
	return strings.Join(out, " or ")
}

// define compiles the definitions of k one after the other, each for those behind it.
func (c *compiler) define(k *kindPack, row *carev1.Definition) {
	e := c.expression(k, row, "expression", row.GetExpression(), cel.BoolType, cel.IntType)
	if e.program == nil {
		return
	}
	name := "d." + row.GetId()
	env, err := k.env.Extend(cel.Variable(name, e.result))
	if err != nil {
		c.fault(row, row.GetId(), "%v", err)
		return
	}
	k.env = env
	k.defined[name] = len(k.definitions)
	k.definitions = append(k.definitions, definition{name, e})
}

// kindsNamed returns the kinds with these names in order, all if there are none.
func (c *compiler) kindsNamed(row row, names []string) []*kindPack {
	if len(names) == 0 {
		return c.allKinds()
	}
	var out []*kindPack
	for _, name := range names {
		if k := c.kindNamed(row, name); k != nil {
			out = append(out, k)
		}
	}
	return out
}

func (c *compiler) kindNamed(row row, name string) *kindPack {
	for _, k := range c.pack.kinds {
		if k.name == name {
			return k
		}
	}
	c.fault(row, row.GetId(), "no kind is called %q", name)
	return nil
}

func (c *compiler) allKinds() []*kindPack {
	var out []*kindPack
	for _, kind := range slices.Sorted(maps.Keys(c.pack.kinds)) {
		out = append(out, c.pack.kinds[kind])
	}
	return out
}
