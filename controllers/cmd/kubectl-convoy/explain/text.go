// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// Text is the report for a terminal, with the ages that things have now.
func (r *Report) Text(now time.Time) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "Pool:    %s/%s\n", r.Namespace, r.Pool)
	fmt.Fprintf(b, "Ready:   %s\n", strings.Join(nonEmpty(string(r.Ready), r.Reason, age(r.Since, now)), ", "))
	for _, line := range r.Figures {
		fmt.Fprintln(b, line)
	}
	fmt.Fprintf(b, "\n%s\n", r.Summary)
	for i := range r.Findings {
		r.Findings[i].write(b, now)
	}
	return b.String()
}

func (f *Finding) write(to io.Writer, now time.Time) {
	fmt.Fprintf(to, "\n%s\n", strings.Join(nonEmpty(f.About, f.Reason, age(f.Since, now)), ", "))
	for _, line := range []struct{ head, text string }{
		{"", f.Says}, {"Means:     ", f.Means}, {"Waits for: ", f.WaitsFor}, {"To mend:   ", f.Mend},
	} {
		if line.text != "" {
			fmt.Fprint(to, wrapped("  "+line.head, line.text))
		}
	}
}

func age(since *metav1.Time, now time.Time) string {
	if since == nil || since.IsZero() {
		return ""
	}
	return "for " + duration.HumanDuration(now.Sub(since.Time))
}

func nonEmpty(words ...string) []string {
	var kept []string
	for _, word := range words {
		if word != "" {
			kept = append(kept, word)
		}
	}
	return kept
}

// width is how wide a report is, in characters.
const width = 100

// wrapped is a text behind a head, in lines that begin below its first word.
func wrapped(head, text string) string {
	indent := strings.Repeat(" ", len(head))
	lines, line := []string{}, head
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > width && strings.TrimSpace(line) != "" && line != head {
			lines, line = append(lines, strings.TrimRight(line, " ")), indent
		}
		line += word + " "
	}
	return strings.Join(append(lines, strings.TrimRight(line, " ")), "\n") + "\n"
}
