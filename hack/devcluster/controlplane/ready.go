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

	"convoy.dev/convoy/hack/devcluster/process"
)

// answers probes a path of the API server, as the administrator.
func (cp *ControlPlane) answers(path string) process.Probe {
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
func listensOn(socket string) process.Probe {
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
