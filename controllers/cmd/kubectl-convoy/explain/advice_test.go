// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/explain"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

// stated are the values of the constants of a file of the API, in its order.
func stated(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "../../../../api/v1alpha1/"+file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, is := n.(*ast.ValueSpec); is {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	return values
}

func TestEveryReasonIsExplained(t *testing.T) {
	reasons := stated(t, "reasons.go")
	if len(reasons) < 40 {
		t.Fatalf("%d reasons", len(reasons))
	}
	for _, reason := range reasons {
		advice := explain.AdviceOn(&metav1.Condition{Reason: reason})
		if !strings.HasSuffix(advice.Means, ".") {
			t.Errorf("reason %s is explained as %q", reason, advice.Means)
		}
	}
	for _, known := range explain.Known() {
		if !slices.Contains(reasons, known[strings.LastIndex(known, "/")+1:]) {
			t.Errorf("%s is explained and is no reason", known)
		}
	}
}

// wrong are the reasons that conditions have when something is wrong.
var wrong = map[string][]string{
	v1alpha1.ConditionReady: {v1alpha1.ReasonNotPermitted, v1alpha1.ReasonStarting},
	v1alpha1.ConditionSourceClaimed: {
		v1alpha1.ReasonHeldByAnother, v1alpha1.ReasonFingerprintDiffers, v1alpha1.ReasonSourceNotFound, v1alpha1.ReasonSourceUnreachable,
		v1alpha1.ReasonAccessDenied, v1alpha1.ReasonStoreUnfit, v1alpha1.ReasonRequestRefused,
	},
	v1alpha1.ConditionSourceReachable:    {v1alpha1.ReasonSourceUnreachable, v1alpha1.ReasonRequestRefused, v1alpha1.ReasonHoldLost},
	v1alpha1.ConditionKeyExpressionValid: {v1alpha1.ReasonDoesNotCompile, v1alpha1.ReasonGivesNoKey},
	v1alpha1.ConditionTemplateAccepted:   {v1alpha1.ReasonRefused},
	v1alpha1.ConditionPodsAdmitted:       {v1alpha1.ReasonRefused},
	v1alpha1.ConditionProgressing:        {v1alpha1.ReasonNoSurgePod, v1alpha1.ReasonPodsNotStarting},
	v1alpha1.ConditionHandlerAccepting:   {v1alpha1.ReasonOnlyFailures, v1alpha1.ReasonNoConnection},
	v1alpha1.ConditionWorkerUnreachable:  {v1alpha1.ReasonNodeUnreachable, v1alpha1.ReasonPodVanished},
	v1alpha1.ConditionWorkerIncompatible: {v1alpha1.ReasonProtocol},
	v1alpha1.ConditionHandOverStuck:      {v1alpha1.ReasonDrainTimeout},
	v1alpha1.ConditionLaneBlocked:        {v1alpha1.ReasonLookAheadFull, v1alpha1.ReasonParkFull, v1alpha1.ReasonGivesNoKey},
	v1alpha1.ConditionLaneStoreFull:      {v1alpha1.ReasonLaneFull, v1alpha1.ReasonStoreNearlyFull},
	v1alpha1.ConditionHotLane:            {v1alpha1.ReasonLaneDominates},
	v1alpha1.ConditionBraking:            {v1alpha1.ReasonManyKeysFail},
	v1alpha1.ConditionKeySpansLanes:      {v1alpha1.ReasonKeyInTwoLanes},
}

func TestEveryTroubleHasAMend(t *testing.T) {
	for _, kind := range stated(t, "conditions.go") {
		if wrong[kind] == nil && kind != v1alpha1.ConditionRebalancing && kind != v1alpha1.ConditionComplete && kind != v1alpha1.ConditionReconciling {
			t.Errorf("no reason of %s is tried", kind)
		}
	}
	for kind, reasons := range wrong {
		for _, reason := range reasons {
			advice := explain.AdviceOn(&metav1.Condition{Type: kind, Reason: reason})
			if advice.Mend == "" && reason != v1alpha1.ReasonStarting {
				t.Errorf("%s, %s has no mend", kind, reason)
			}
		}
	}
}

// TestEachTroubleAlone explains a pool that has one condition beside Ready, for each reason that is trouble.
func TestEachTroubleAlone(t *testing.T) {
	var all strings.Builder
	for _, kind := range stated(t, "conditions.go") {
		for _, reason := range wrong[kind] {
			fmt.Fprintf(&all, "%s, %s\n\n%s\n\n", kind, reason, explain.Of(having(kind, reason), now).Text(now))
		}
	}
	compare(t, "testdata/each.txt", all.String())
}

func having(kind, reason string) *snapshot.Snapshot {
	c := metav1.Condition{
		Type: kind, Reason: reason, Message: "the object's own words", LastTransitionTime: metav1.NewTime(now.Add(-90e9)), Status: metav1.ConditionFalse,
	}
	if slices.Contains(view.Alarms, kind) {
		c.Status = metav1.ConditionTrue
	}
	all := []metav1.Condition{c}
	if kind != v1alpha1.ConditionReady {
		ready := c
		ready.Type, ready.Reason, ready.Status = v1alpha1.ConditionReady, kind, metav1.ConditionFalse
		all = append(all, ready)
	}
	return &snapshot.Snapshot{Pool: &v1alpha1.ConvoyPool{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders", Generation: 1},
		Status:     &v1alpha1.ConvoyPoolStatus{ObservedGeneration: new(int64(1)), Conditions: all},
	}}
}
