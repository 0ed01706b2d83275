// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/drain"
)

var update = flag.Bool("update", false, "write what the stories in testdata say now")

// The stories in testdata are scripts: a line "> command" is carried out, and what follows it up to the next one is
// what it answered. Lines with # are the narrator's.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("looking for stories: %d found, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, file string) {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{world: newWorld(4, 2), tables: map[int64]*Table{}}
	for line := range strings.Lines(string(script)) {
		switch {
		case strings.HasPrefix(line, "#"), strings.TrimSpace(line) == "":
			s.out.WriteString(line)
		case strings.HasPrefix(line, "> "):
			s.out.WriteString(line)
			if err := s.do(strings.Fields(line)[1:]); err != nil {
				t.Fatalf("%s: %s: %v", file, strings.TrimSpace(line), err)
			}
		}
	}
	for _, fault := range s.faults {
		t.Errorf("fault: %s", fault)
	}
	if *update {
		if err := os.WriteFile(file, []byte(s.out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(script), s.out.String()); diff != "" {
		t.Errorf("the story goes otherwise (-told +now):\n%s", diff)
	}
}

// story is a world with a narrator.
type story struct {
	*world
	out strings.Builder
	// tables are the tables written so far, to be restored.
	tables map[int64]*Table
}

func (s *story) do(words []string) error {
	verb, args := words[0], words[1:]
	if do, ok := worldVerbs[verb]; ok {
		return do(s, args)
	}
	do, ok := podVerbs[verb]
	if !ok {
		return fmt.Errorf("no such command")
	}
	d := s.pod(args[0])
	if d == nil {
		return fmt.Errorf("no pod %s", args[0])
	}
	do(s, d, args[1:])
	return nil
}

// worldVerbs act on the whole.
var worldVerbs = map[string]func(*story, []string) error{
	"settle":   func(s *story, _ []string) error { return s.settle(s.tell) },
	"plan":     (*story).planOnce,
	"show":     (*story).show,
	"turn":     func(s *story, _ []string) error { s.turn(); return nil },
	"advance":  (*story).advance,
	"pool":     (*story).configure,
	"template": (*story).newTemplate,
	"surge":    func(s *story, args []string) (err error) { s.surge, err = strconv.Atoi(args[0]); return err },
	"lose-table": func(s *story, _ []string) error {
		s.Table = nil
		return nil
	},
	"restore-table": func(s *story, args []string) error {
		revision, err := strconv.ParseInt(args[0], 10, 64)
		s.Table, s.Foreign = s.tables[revision], true
		return err
	},
}

// podVerbs act on one pod.
var podVerbs = map[string]func(*story, *Pod, []string){
	"delete":      func(_ *story, d *Pod, _ []string) { d.Deleting = true },
	"stubborn":    func(s *story, d *Pod, _ []string) { s.rules(d.Name).stubborn = true },
	"deaf":        func(s *story, d *Pod, _ []string) { s.rules(d.Name).deaf = true },
	"hearing":     func(s *story, d *Pod, _ []string) { s.rules(d.Name).deaf = false },
	"down":        func(s *story, d *Pod, _ []string) { d.WorkerDownSince = s.now },
	"up":          func(_ *story, d *Pod, _ []string) { d.WorkerDownSince, d.BackOff = time.Time{}, false },
	"backoff":     func(_ *story, d *Pod, _ []string) { d.BackOff = true },
	"unreachable": func(s *story, d *Pod, _ []string) { d.UnreachableSince = s.now; s.rules(d.Name).deaf = true },
	"reachable":   func(s *story, d *Pod, _ []string) { d.UnreachableSince = time.Time{}; s.rules(d.Name).deaf = false },
	"evict": func(_ *story, d *Pod, _ []string) {
		d.Phase, d.Containers = Failed, []ContainerState{Terminated, Terminated}
	},
	"podgc": func(s *story, d *Pod, _ []string) {
		d.Phase, d.PodGC, d.Deleting = Failed, true, true
		s.rules(d.Name).deaf = true
	},
	"vanish": func(s *story, d *Pod, _ []string) {
		*d = s.Pods[len(s.Pods)-1]
		s.Pods = s.Pods[:len(s.Pods)-1]
	},
	"stuck":    func(s *story, d *Pod, args []string) { s.rules(d.Name).stuck[unit(args[0])] = true },
	"unstuck":  func(s *story, d *Pod, args []string) { delete(s.rules(d.Name).stuck, unit(args[0])) },
	"protocol": func(s *story, d *Pod, args []string) { s.mailbox(d.Name).Report.Protocol = protocol(args[0]) },
	"resign":   func(s *story, d *Pod, _ []string) { s.mailbox(d.Name).Report.Resigned = true },
	"lose-mailbox": func(s *story, d *Pod, _ []string) {
		box := s.mailbox(d.Name)
		*box = s.Workers[len(s.Workers)-1]
		s.Workers = s.Workers[:len(s.Workers)-1]
	},
	"refuse": func(s *story, d *Pod, args []string) {
		floor, _ := strconv.ParseInt(args[1], 10, 64)
		s.refuse(d.Name, unit(args[0]), floor)
	},
}

// unit reads "3" as lane 3 and "s0" as shard 0.
func unit(word string) drain.Unit {
	u := drain.Unit{}
	if strings.HasPrefix(word, "s") {
		u.Kind, word = drain.Shard, word[1:]
	}
	n, err := strconv.Atoi(word)
	if err != nil {
		panic("a story names unit " + word)
	}
	u.Index = int32(n)
	return u
}

func protocol(word string) drain.Protocol {
	n, err := strconv.Atoi(word)
	if err != nil {
		panic("a story names protocol " + word)
	}
	return drain.Protocol{Min: int32(n), Max: int32(n)}
}

func (s *story) advance(args []string) error {
	d, err := time.ParseDuration(args[0])
	s.now = s.now.Add(d)
	return err
}

// configure sets figures of the pool: durations in Go's notation.
func (s *story) configure(args []string) error {
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		n, _ := strconv.Atoi(value)
		d, _ := time.ParseDuration(value)
		switch name {
		case "lanes":
			s.Pool.Lanes = n
		case "shards":
			s.Pool.Shards = n
		case "wanted":
			s.Pool.Wanted = n
		case "suspended":
			s.Pool.Suspended = value == "true"
		case "unreachable-after":
			s.Pool.UnreachableAfter = d
		case "timeout":
			s.Pool.Timeout = d
		default:
			return fmt.Errorf("no figure %q", name)
		}
	}
	return nil
}

func (s *story) newTemplate([]string) error {
	s.set++
	for i := range s.Pods {
		s.Pods[i].Current = false
	}
	return nil
}

// planOnce plans and applies without letting anybody else act.
func (s *story) planOnce([]string) error {
	p := Make(s.State, s.now)
	s.tell(p)
	s.apply(p)
	return nil
}
