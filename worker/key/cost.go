// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
)

// Costs are in CEL's unit, about one simple operation.
const (
	// MaxCost is where an evaluation is stopped, and the highest cost an expression may be estimated to have on messages
	// whose lists, objects, headers and texts have up to AssumedSize elements or characters, and whose data has up to
	// AssumedData bytes.
	MaxCost = 1_000_000
	// AssumedSize is the size of anything in a message, when an expression's cost is estimated.
	AssumedSize = 1000
	// AssumedData is the size of data in bytes, when an expression's cost is estimated.
	AssumedData = 64 << 10
)

// checkCost refuses an expression that could be too costly on an ordinary message.
func checkCost(language *cel.Env, checked *cel.Ast) (*CompileError, error) {
	estimate, err := language.EstimateCost(checked, assumption{})
	if err != nil {
		return nil, fmt.Errorf("estimating the cost of the key expression: %w", err)
	}
	if estimate.Max <= MaxCost {
		return nil, nil
	}
	return &CompileError{
		Line: 1, Column: 1,
		Problem: fmt.Sprintf("the expression could cost more than %d on a message whose lists have %d elements",
			MaxCost, AssumedSize),
		Mend: "do not go through lists inside lists, nor search long texts; let the producer put the key into a field or " +
			"header of its own",
	}, nil
}

// planning is how an expression is to be evaluated. Counting costs takes about 0.2 microseconds and two allocations, and
// is left out where there is nothing to count: what only looks values up costs no more on any message than it has parts.
func planning(checked *cel.Ast) []cel.ProgramOption {
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	root := ast.NavigateAST(checked.NativeRep())
	if costly := ast.MatchDescendants(root, mayBeCostly); len(costly) > 0 {
		options = append(options, cel.CostLimit(MaxCost))
	}
	return options
}

func mayBeCostly(node ast.NavigableExpr) bool {
	switch node.Kind() {
	case ast.IdentKind, ast.LiteralKind, ast.SelectKind:
		return false
	case ast.CallKind:
		switch node.AsCall().FunctionName() {
		case operators.Index, operators.OptIndex, operators.OptSelect, operators.Conditional,
			operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
			return false
		}
		return true
	default:
		return true
	}
}

// assumption is how large a message is assumed to be.
type assumption struct{}

var _ cost.Estimator = assumption{}

// EstimateSize implements cost.Estimator.
func (assumption) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	size := cost.RangedSizeEstimate(0, AssumedSize)
	if path := node.Path(); len(path) == 1 && path[0] == varData {
		size = cost.RangedSizeEstimate(0, AssumedData)
	}
	return &size
}

// EstimateCallCost implements cost.Estimator: CEL's own estimates are good.
func (assumption) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
