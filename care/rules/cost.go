// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// What a form can hold: a record's revision has at most 48 KiB, and fields say less.
const (
	unsaidEntries    = 256
	unsaidCharacters = 4096
)

// sizes tells the estimator of CEL how large things in forms are at most, as their
// schema options say it. A form that breaks them meets the limit at run time.
type sizes struct {
	pack *Pack
	form protoreflect.MessageDescriptor // of r; nil where there is none
	rows *carev1.RulePackContent
}

// EstimateCallCost returns the cost of the functions of this package.
func (sizes) EstimateCallCost(function, _ string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	switch function {
	case "whole", "days_between", "add_days", "add_months", "age_on", "months_on", "round_div", "id_birth", "id_sex":
		return &cost.CallEstimate{CostEstimate: cost.FixedCostEstimate(2)}
	}
	return nil
}

// EstimateSize returns how many entries or characters the value at a path has at most.
func (s sizes) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	path := element.Path()
	if len(path) == 0 {
		return nil
	}
	most := s.of(path)
	estimate := cost.RangedSizeEstimate(0, most)
	return &estimate
}

func (s sizes) of(path []string) uint64 {
	if id, ok := strings.CutPrefix(strings.Join(path[:min(len(path), 2)], "."), "t."); ok {
		return s.threshold(strings.TrimSuffix(id, ".@items"))
	}
	desc, rest := s.root(path)
	if len(rest) == 0 {
		if path[0] == "history" {
			return MaxHistory
		}
		return MaxRecords
	}
	var f protoreflect.FieldDescriptor
	for _, step := range rest {
		switch {
		case strings.HasPrefix(step, "@"):
			continue
		case desc == nil:
			return unsaidCharacters
		}
		if f = desc.Fields().ByName(protoreflect.Name(step)); f == nil {
			return unsaidCharacters
		}
		desc = f.Message()
		if f.IsMap() {
			desc = f.MapValue().Message()
		}
	}
	return sizeOf(f, rest[len(rest)-1])
}

// threshold returns how many numbers or characters a threshold has.
func (s sizes) threshold(id string) uint64 {
	for _, t := range s.rows.GetThresholds() {
		if t.GetId() == id {
			return uint64(max(1, len(t.GetNumbers().GetValues()), len(t.GetText())))
		}
	}
	return unsaidCharacters
}

// root returns the message that a path begins in, and the rest of the path.
func (s sizes) root(path []string) (protoreflect.MessageDescriptor, []string) {
	name, rest := path[0], path[1:]
	if name == "records" && len(rest) > 0 {
		name, rest = name+"."+rest[0], rest[1:]
	}
	for _, k := range s.pack.kinds {
		if name == "records."+k.name {
			return k.desc, rest
		}
	}
	switch name {
	case "person":
		return (&carev1.RulePerson{}).ProtoReflect().Descriptor(), rest
	case "r", "previous", "history":
		return s.form, rest
	}
	return nil, rest
}

func sizeOf(f protoreflect.FieldDescriptor, last string) uint64 {
	if f == nil {
		return unsaidCharacters
	}
	o := fieldOptions(f)
	switch {
	case (f.IsList() || f.IsMap()) && !strings.HasPrefix(last, "@"):
		if o.GetMaxEntries() > 0 {
			return uint64(o.GetMaxEntries())
		}
		return unsaidEntries
	case f.Kind() != protoreflect.StringKind && f.Kind() != protoreflect.BytesKind:
		return 1
	case o.GetMaxCharacters() > 0:
		return uint64(o.GetMaxCharacters())
	}
	return unsaidCharacters
}

// cheap reports whether an expression has no loop, so that its cost does not grow
// with what a form holds beyond what one pass over a text costs.
func cheap(a *cel.Ast) bool {
	loops := ast.MatchDescendants(ast.NavigateAST(a.NativeRep()), ast.KindMatcher(ast.ComprehensionKind))
	return len(loops) == 0
}
