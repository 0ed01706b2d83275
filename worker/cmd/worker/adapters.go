// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
)

// adapter finds the adapter of the pool's source, by the member that is set.
func adapter(e *environment, log *slog.Logger) (connector, error) {
	return nil, errors.New("this worker knows no broker for the pool's source")
}
