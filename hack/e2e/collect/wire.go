// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package collect

import "convoy.dev/convoy/hack/e2e/checker"

// request is what a handler process says. Exactly one member is set.
type request struct {
	Start *checker.Call `json:"start,omitempty"`
	End   *end          `json:"end,omitempty"`
	Alive *alive        `json:"alive,omitempty"`
}

type end struct {
	ID      uint64          `json:"id"`
	Outcome checker.Outcome `json:"outcome"`
}

// alive is the question whether a process lives, and its answer.
type alive struct {
	Number uint64 `json:"number"`
}

// reply is what the server says. Exactly one member is set.
type reply struct {
	Started *started `json:"started,omitempty"`
	Ended   *ended   `json:"ended,omitempty"`
	Alive   *alive   `json:"alive,omitempty"`
}

type started struct {
	ID       uint64           `json:"id"`
	Decision checker.Decision `json:"decision"`
}

type ended struct {
	ID    uint64 `json:"id"`
	Taken bool   `json:"taken"`
}
