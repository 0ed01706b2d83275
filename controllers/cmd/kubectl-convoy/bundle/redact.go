// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"regexp"
	"slices"
	"strings"
)

// Redacted stands for what is left out.
const Redacted = "REDACTED"

// redactor takes out of objects what is nobody else's business.
type redactor struct {
	// names may be quoted: they are of objects in the bundle.
	names map[string]bool
}

// object redacts one object, in place.
func (r *redactor) object(object map[string]any) {
	if metadata, is := object["metadata"].(map[string]any); is {
		delete(metadata, "managedFields")
	}
	kind, _ := object["kind"].(string)
	if kind == "ConvoyWorker" || kind == "ConvoyAction" {
		keys(object)
	}
	if kind == "Event" && object["reason"] == "Unhealthy" { // The answer to a probe is the user's text.
		hide(object, "message")
	}
	r.fields(object)
}

// secretive are fields whose values, or whose values' values, may hold a secret or a user's text.
var secretive = []string{"command", "args", "volumeAttributes", "options", "sysctls"}

// fields redacts what is below one map.
func (r *redactor) fields(of map[string]any) {
	for name, value := range of {
		switch typed := value.(type) {
		case map[string]any:
			switch {
			case name == "annotations":
				annotations(typed)
			case name == "terminated":
				hide(typed, "message") // The last lines of a container's log.
			case slices.Contains(secretive, name):
				of[name] = Redacted
				continue
			}
			r.fields(typed)
		case []any:
			if slices.Contains(secretive, name) {
				of[name] = Redacted
				continue
			}
			r.list(name, typed)
		case string:
			if name == "message" || name == "note" {
				of[name] = r.text(typed)
			}
		}
	}
}

func (r *redactor) list(name string, all []any) {
	for _, item := range all {
		typed, is := item.(map[string]any)
		if !is {
			continue
		}
		if name == "env" || name == "httpHeaders" {
			hide(typed, "value")
		}
		r.fields(typed)
	}
}

func hide(of map[string]any, field string) {
	if _, has := of[field]; has {
		of[field] = Redacted
	}
}

// plain are the prefixes of annotations that Kubernetes and Convoy write themselves.
var plain = []string{"deployment.kubernetes.io/", "controller.kubernetes.io/", "convoy.dev/", "kubectl.kubernetes.io/restartedAt"}

func annotations(of map[string]any) {
	for name := range of {
		if !slices.ContainsFunc(plain, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			of[name] = Redacted
		}
	}
}

// keys redacts message keys below a value: texts of fields named key, lists of texts named keys, and digests of keys, which
// a guess at a key could be compared with.
func keys(value any) {
	switch typed := value.(type) {
	case map[string]any:
		for name, below := range typed {
			if _, text := below.(string); text && name == "key" {
				typed[name] = Redacted
				continue
			}
			if list, is := below.([]any); is && (name == "keys" || name == "keyDigests") {
				for i := range list {
					if _, text := list[i].(string); text {
						list[i] = Redacted
					}
				}
			}
			keys(below)
		}
	case []any:
		for _, below := range typed {
			keys(below)
		}
	}
}

// quoted finds texts in double quotes, with what they escape.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)

// text redacts what is quoted in a sentence: keys of messages are, and names.
func (r *redactor) text(sentence string) string {
	return quoted.ReplaceAllStringFunc(sentence, func(found string) string {
		if r.names[strings.Trim(found, `"`)] {
			return found
		}
		return `"` + Redacted + `"`
	})
}
