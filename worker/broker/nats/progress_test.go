// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sameRecord compares records: what is empty may be nil, and a snapshot's number is no part of a record.
var sameRecord = cmp.Options{
	cmp.AllowUnexported(progressRecord{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(order.Progress{}, "Version"),
}

// records are examples of every part of a record.
var records = map[string]progressRecord{
	"first": {token: drain.Token{Epoch: 1, Incarnation: 1}, worker: "6d6f2c1e-0b57-4c6e-9c0a-0f3a3b1f2d11"},
	"ranges": {
		token: drain.Token{Epoch: 300, Incarnation: 65535}, worker: "w", stage: drained,
		progress: order.Progress{LowWater: 1000, Taken: 1 << 40, Outstanding: 3, Ranges: []order.Range{{From: 1002, To: 1002}, {From: 1004, To: 1 << 40}}},
	},
	"everything": {
		token: drain.Token{Epoch: 1 << 40, Incarnation: 2}, worker: "w", stage: running,
		progress: order.Progress{
			LowWater: 7, Taken: 12, Careful: 20, Outstanding: 4, Ranges: []order.Range{{From: 9, To: 10}},
			Attempts: []order.Attempt{
				{Position: 8, Sequence: 8, Hash: 0xfedcba9876543210, Key: "ä\x00", Attempts: 4294967295, Suspect: true},
				{Sequence: 1 << 61, Hash: 1},
			},
			Returned: []order.ReturnedKey{{Hash: 3, Key: "k", Last: 6}},
		},
	},
}

// TestProgressGolden holds the format still: what one version writes every later one has to read.
func TestProgressGolden(t *testing.T) {
	for name, want := range records {
		file := filepath.Join("testdata", "progress_"+name+".hex")
		encoded, err := want.encode(nil, 1<<20)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if *update {
			if err := os.WriteFile(file, []byte(hex.Dump(encoded)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(golden), hex.Dump(encoded)); diff != "" {
			t.Errorf("%s is encoded differently (-golden +now):\n%s", name, diff)
		}
		got, err := decodeProgress(encoded)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, sameRecord); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// drawn draws a record with a progress that an owner could have.
func drawn(t *rapid.T) progressRecord {
	number := func(name string) uint64 { return rapid.Uint64Max(1<<61).Draw(t, name) }
	r := progressRecord{
		token:  drain.Token{Epoch: int64(number("epoch")), Incarnation: int64(rapid.Uint64Max(65535).Draw(t, "incarnation"))},
		worker: rapid.String().Draw(t, "worker"), stage: stage(rapid.IntRange(0, int(stages)-1).Draw(t, "stage")),
	}
	p := &r.progress
	p.LowWater = order.Position(rapid.Uint64Max(1<<40).Draw(t, "low"))
	last := p.LowWater
	for range rapid.IntRange(0, 30).Draw(t, "ranges") {
		from := last + 2 + order.Position(rapid.Uint64Max(1000).Draw(t, "gap"))
		last = from + order.Position(rapid.Uint64Max(1<<20).Draw(t, "length"))
		p.Ranges = append(p.Ranges, order.Range{From: from, To: last})
	}
	p.Taken, p.Careful, p.Outstanding = last, order.Position(number("careful")), rapid.IntRange(0, 1<<20).Draw(t, "outstanding")
	for range rapid.IntRange(0, 5).Draw(t, "attempts") {
		p.Attempts = append(p.Attempts, order.Attempt{
			Position: order.Position(number("position")), Sequence: order.Sequence(number("sequence")), Hash: rapid.Uint64().Draw(t, "hash"),
			Key: rapid.String().Draw(t, "key"), Attempts: rapid.Uint32().Draw(t, "starts"), Suspect: rapid.Bool().Draw(t, "suspect"),
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "returned") {
		p.Returned = append(p.Returned, order.ReturnedKey{Hash: rapid.Uint64().Draw(t, "hash"), Key: rapid.String().Draw(t, "key"), Last: order.Sequence(number("last"))})
	}
	return r
}

// TestProgressFits draws records and limits: what comes back is the record, or the record with fewer ranges in no more
// bytes than the limit.
func TestProgressFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawn(t)
		whole, err := want.encode([]byte("before")[:0], 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		limit := rapid.IntRange(0, len(whole)+8).Draw(t, "limit")
		encoded, err := want.encode(nil, limit)
		if err != nil {
			if without := want; len(want.progress.Ranges) > 0 || limit >= len(whole)+8 {
				without.progress.Ranges = nil
				if small, _ := without.encode(nil, 1<<20); len(small)+8 <= limit || !errors.Is(err, errLarge) {
					t.Fatalf("%d bytes are enough, but: %v", limit, err)
				}
			}
			return
		}
		got, err := decodeProgress(encoded)
		if err != nil || len(encoded) > limit {
			t.Fatalf("%d bytes for a limit of %d, read with %v", len(encoded), limit, err)
		}
		if limit == len(whole)+8 && len(got.progress.Ranges) != len(want.progress.Ranges) {
			t.Fatalf("%d of %d ranges, though there was room", len(got.progress.Ranges), len(want.progress.Ranges))
		}
		want.progress.Limit(len(got.progress.Ranges))
		if diff := cmp.Diff(want, got, sameRecord); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// seal gives a record of any content its checksum.
func seal(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}

func TestProgressRefuses(t *testing.T) {
	good, err := (&progressRecord{worker: "w"}).encode(nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	body := good[:len(good)-4]
	changed := func(at int, to byte) []byte {
		b := append([]byte(nil), body...)
		b[at] = to
		return seal(b)
	}
	for what, record := range map[string][]byte{
		"is cut off": good[:3], "checksum": append([]byte{good[0], good[1] ^ 1}, good[2:]...),
		"format is 3": changed(0, 3), "stage is 9": changed(1, 9), "follow its format": seal(append(append([]byte(nil), body...), 0)),
	} {
		_, err := parseProgress(stored{subject: "s", data: record})
		var permanent *broker.PermanentError
		if !errors.As(err, &permanent) || permanent.Mend == "" || !strings.Contains(err.Error(), what) {
			t.Errorf("a record whose fault is %q: %v", what, err)
		}
	}
}

// FuzzProgress feeds what nobody wrote: it is refused, or read and written the same.
func FuzzProgress(f *testing.F) {
	for _, r := range records {
		encoded, err := r.encode(nil, 1<<20)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded[:len(encoded)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := decodeProgress(seal(append([]byte(nil), body...)))
		if err != nil {
			return
		}
		encoded, err := r.encode(nil, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeProgress(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again, sameRecord); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestVersions(t *testing.T) {
	for version, want := range map[string]bool{
		"2.10.29": false, "2.11.7": false, "2.11.8": true, "2.11.8-preview.2": true, "2.11.10": true, "v2.12.0": true, "2.9.0": false, "3.0.0": true,
		"1.4.1": false, "main": true, "2": true, "2.11": true, "1": false,
	} {
		if got := atLeast(version, oldest); got != want {
			t.Errorf("version %s passes: %v", version, got)
		}
	}
}

func TestNamesAreDifferent(t *testing.T) {
	seen := map[string]string{}
	for _, pool := range [][2]string{{"a", "b"}, {"a-b", "c"}, {"a", "b-c"}, {"a.b", "c"}, {"a", "b.c"}, {"a_b", "c"}, {"a", "b_c"}, {"a=2eb", "c"}} {
		name := v1alpha1.NATSStateStream(pool[0], pool[1])
		if before, is := seen[name]; is || strings.ContainsAny(name, " .*>/\\") {
			t.Errorf("%v is %s, as is %s", pool, name, before)
		}
		seen[name] = fmt.Sprint(pool)
	}
}

func BenchmarkEncode(b *testing.B) {
	r := records["everything"]
	for i := range 1000 {
		r.progress.Ranges = append(r.progress.Ranges, order.Range{From: order.Position(20 + 4*i), To: order.Position(21 + 4*i)})
	}
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buffer, err = r.encode(buffer[:0], 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}
