// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image makes container images of Go programs, without a container engine and without a registry.
//
// Contract: [Build] compiles static programs, one per platform, and [Image.Write] puts them into one archive: an OCI
// image layout in a tar file, with one image for each platform. containerd, kind and podman load it, and so does Docker since
// version 25. An image holds the program and nothing else: no shell, no packages, no files of the machine that built
// it. It runs as user 65532 and needs to write nowhere. The same inputs make the same bytes.
//
// States: an archive is complete or not there: it is written beside its name and renamed.
//
// Failures: a failed build ends with the compiler's words.
package image
