// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

// Kubeconfig is the path of a file that says how to reach the API server as a member of system:masters. It is there
// until Stop.
func (e *Env) Kubeconfig() string { return e.kubectl.config() }
