// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command embedded is a worker whose handler, in the same process, tells the test of each call and waits for its answer.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"convoy.dev/convoy/worker"
	_ "convoy.dev/convoy/worker/broker/nats"
)

func main() { worker.Main(worker.HandlerFunc(tell), worker.WithVersion("test")) }

func tell(ctx context.Context, m *worker.Message) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("TEST_URL"), bytes.NewReader(m.Data))
	if err != nil {
		return err
	}
	request.Header.Set("Convoy-Key", m.Key)
	request.Header.Set("Convoy-Epoch", strconv.FormatInt(m.Epoch, 10))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the test answers %s: %w", answer.Status, err)
	}
	return nil
}
