// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import "maps"

// AdviceOn is adviceOn, for tests.
var AdviceOn = adviceOn

// Known are the reasons that are explained, some behind the type of their condition.
func Known() []string {
	var all []string
	for _, table := range tables {
		for reason := range maps.Keys(table) {
			all = append(all, reason)
		}
	}
	return all
}
