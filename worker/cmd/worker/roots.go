// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// The image holds no certificates: a broker with a public one is trusted by the roots that Mozilla trusts, as of the
// build. A machine that has its own goes by those.
import _ "golang.org/x/crypto/x509roots/fallback"
