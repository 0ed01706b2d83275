// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testenv starts a real API server with Convoy's CRDs for tests.
//
// Start finds etcd, kube-apiserver and kubectl in the directory that KUBEBUILDER_ASSETS names, starts the first two on
// loopback with data in a temporary directory, and installs the CRDs of config/crd. Nothing else runs: no scheduler, no
// node, and no controller but those of kube-controller-manager that StartControllers is asked for. Stop ends both
// processes and removes their data.
//
// Missing binaries are an error that says how to get them, never a reason to skip a test.
package testenv
