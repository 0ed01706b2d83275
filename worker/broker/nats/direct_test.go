// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"strconv"
	"testing"

	client "github.com/nats-io/nats.go"
)

// TestAnswersOfOldServers has the ends of answers as servers before 2.12 write them: one too few are said to be left, and a
// record that was replaced before it was read ends an answer that had records.
func TestAnswersOfOldServers(t *testing.T) {
	record := func(bytes int) *client.Msg {
		return &client.Msg{Header: client.Header{"Nats-Subject": {"s"}, "Nats-Sequence": {"7"}, "Status": {"404"}}, Data: make([]byte, bytes)}
	}
	end := func(rest int) *client.Msg {
		return &client.Msg{Header: client.Header{"Status": {"204"}, "Nats-Num-Pending": {strconv.Itoa(rest)}, "Nats-UpTo-Sequence": {"9"}}}
	}
	none := func(description string) *client.Msg {
		return &client.Msg{Header: client.Header{"Status": {"404"}, "Description": {description}}}
	}
	for name, answer := range map[string]struct {
		messages []*client.Msg
		records  int
		more     bool
		through  uint64
	}{
		"everything":            {[]*client.Msg{record(1), record(1), end(0)}, 2, false, 9},
		"cut, and says so":      {[]*client.Msg{record(1), end(1)}, 1, true, 9},
		"cut, and says nothing": {[]*client.Msg{record(answerBytes - 2), record(1), end(0)}, 2, true, 9},
		"nothing":               {[]*client.Msg{none("No Results")}, 0, false, 0},
		"replaced":              {[]*client.Msg{record(1), none("Message Not Found")}, 1, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var all lastAnswer
			for i, m := range answer.messages {
				if isEnd, err := all.add(m); err != nil || isEnd != (i == len(answer.messages)-1) {
					t.Fatalf("message %d: end %v, %v", i, isEnd, err)
				}
			}
			if len(all.records) != answer.records || all.more != answer.more || all.through != answer.through {
				t.Errorf("%d records, more %v, through %d; want %d, %v, %d", len(all.records), all.more, all.through, answer.records, answer.more, answer.through)
			}
		})
	}
}
