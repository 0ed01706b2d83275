// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// variables of one container, in the order in which they are set: later ones may refer to earlier ones.
type variables struct {
	names  []string
	values map[string]string
}

func newVariables() *variables { return &variables{values: map[string]string{}} }

func (v *variables) set(name, value string) {
	if _, known := v.values[name]; !known {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

// reference is $(NAME), or an escaped $$.
var reference = regexp.MustCompile(`\$\$|\$\(([^)]*)\)`)

// expand replaces references to variables that there are; others stay as they are.
func (v *variables) expand(text string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		if value, known := v.values[found[2:len(found)-1]]; known {
			return value
		}
		return found
	})
}

// list is what a process is started with. It inherits only where programs are.
func (v *variables) list() []string {
	list := []string{"PATH=" + os.Getenv("PATH")}
	for _, name := range v.names {
		list = append(list, name+"="+v.values[name])
	}
	return list
}

// fill sets the image's variables and then the container's own, which rule.
func (v *variables) fill(c corev1.Container, program Program, resolve resolver) error {
	for _, from := range c.EnvFrom {
		all, err := resolve.all(from)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			v.set(from.Prefix+name, all[name])
		}
	}
	for _, e := range c.Env {
		value := v.expand(e.Value)
		if e.ValueFrom != nil {
			found, present, err := resolve.value(*e.ValueFrom)
			if err != nil {
				return fmt.Errorf("resolving variable %s: %w", e.Name, err)
			}
			if !present {
				continue
			}
			value = found
		}
		v.set(e.Name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(program.Env)) {
		if _, own := v.values[name]; !own {
			v.set(name, v.expand(program.Env[name]))
		}
	}
	return nil
}

// mounts are the directories behind a container's mount paths.
type mounts map[string]string

// translate replaces each mount path in a text by its directory. A path that only begins like one (/var/run/a-b when
// /var/run/a is mounted) is none.
func (m mounts) translate(text string) string {
	paths := slices.SortedFunc(maps.Keys(m), func(a, b string) int { return len(b) - len(a) })
	var out strings.Builder
	for len(text) > 0 {
		step := 1
		for _, path := range paths {
			if strings.HasPrefix(text, path) && !continues(text[len(path):]) {
				out.WriteString(m[path])
				step = 0
				text = text[len(path):]
				break
			}
		}
		out.WriteString(text[:step])
		text = text[step:]
	}
	return out.String()
}

// continues reports whether what follows a path belongs to its last element.
func continues(rest string) bool {
	if rest == "" {
		return false
	}
	c := rest[0]
	return c == '-' || c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
