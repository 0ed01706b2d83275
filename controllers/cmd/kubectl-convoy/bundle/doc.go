// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bundle gathers what somebody who helps needs to see of one pool, without secrets and without messages.
//
// # Contract
//
// Collect reads the pool's objects, their events, and, where one may, the metrics of its workers; Write makes a compressed
// tar archive of them. No Secret is read. What may hold a secret or part of a message is replaced by REDACTED before it
// becomes a file (redact.go): values of environment variables, commands and arguments, headers of probes, annotations that
// are neither Kubernetes' nor Convoy's, options of volumes, last words of containers, message keys, and every quoted text of
// a message that is not the name of something in the bundle.
//
// # Failure handling
//
// What cannot be read is named, with the API server's words, in the file refused.txt, and the bundle is made without it.
package bundle
