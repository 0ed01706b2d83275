// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"errors"
	"testing"
)

func TestAKeyExpressionIsCompiledOnce(t *testing.T) {
	var k judgedKey
	if err := k.compile("body.order_id"); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := k.compile("body.order_id"); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for an expression that is known", n)
	}
	refused := k.compile("body.")
	if refused == nil {
		t.Fatal("an expression that ends in a dot is accepted")
	}
	if again := k.compile("body."); !errors.Is(again, refused) {
		t.Error("an expression that was refused is compiled again")
	}
	if err := k.compile("body.order_id"); err != nil {
		t.Errorf("an expression that is right again: %v", err)
	}
}
