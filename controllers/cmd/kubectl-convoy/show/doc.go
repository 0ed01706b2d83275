// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package show prints what commands have to say, as kubectl does: tables (-o wide, --no-headers, --sort-by), or objects
// (-o json, yaml, jsonpath, go-template).
//
// # Contract
//
// A Table is columns and rows of one type. As a table each column prints one value of a row; as an object the rows are the
// items of a list, with the fields that their type has in JSON. The list's group, kubectl.convoy.dev, is this program's:
// no API server has such objects. A Printer prints headers once, so that rows that change can follow (-w).
package show
