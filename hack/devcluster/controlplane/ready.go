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

// maxAnswer bounds an answer, in bytes: one object has at most 1.5 MB.
const maxAnswer = 2 << 20

// answers probes a path of the API server, as the administrator.
func (cp *ControlPlane) answers(path string) process.Probe {
	return func(ctx context.Context) error {
		_, err := cp.Read(ctx, path)
		return err
	}
}

// Read asks the API server for a path, as the administrator, and returns what it answers. Any answer but "200 OK" is
// an error.
func (cp *ControlPlane) Read(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, cp.URL+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+cp.token)
	response, err := cp.client.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return body, nil
}

// listensOn probes a unix socket: its file appears when it is listened on. Requests then wait until the server serves.
func listensOn(socket string) process.Probe {
	return func(context.Context) error {
		_, err := os.Stat(socket)
		return err
	}
}
