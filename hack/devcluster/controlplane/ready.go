// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// readyPoll is how often a starting component is asked. It offers nothing to watch before it is ready.
const readyPoll = 50 * time.Millisecond

// probe asks a component once whether it is ready.
type probe func(ctx context.Context) error

// immediately is for a component that nothing waits for.
func immediately(context.Context) error { return nil }

// await asks until the component is ready, it exits, or ctx ends.
func (cp *ControlPlane) await(ctx context.Context, name string, ready probe) error {
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	for {
		answer := ready(ctx)
		if answer == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (last answer: %w)%s", name, ctx.Err(), answer, cp.logTail(name))
		case p := <-cp.failed:
			return p.failure()
		case <-ticker.C:
		}
	}
}

func (cp *ControlPlane) logTail(name string) string {
	for _, p := range cp.processes {
		if p.name() == name {
			return p.logTail()
		}
	}
	return ""
}

// answers probes a path of the API server, as the administrator.
func (cp *ControlPlane) answers(path string) probe {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, cp.URL+path, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+cp.token)
		return expectOK(cp.client, request)
	}
}

// listensOn probes a unix socket: its file appears when it is listened on. Requests then wait until the server serves.
func listensOn(socket string) probe {
	return func(context.Context) error {
		_, err := os.Stat(socket)
		return err
	}
}

func expectOK(client *http.Client, request *http.Request) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", request.URL.Path, response.Status, body)
	}
	return nil
}
