// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

// Finding says whether a missing rule was found out.
type Finding struct {
	Name  string
	Found bool
}

// RemoveRules is to come.
func RemoveRules(uint64, func(Finding)) {}
