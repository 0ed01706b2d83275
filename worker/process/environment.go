// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"convoy.dev/convoy/api/v1alpha1"
)

// Environment variables beside v1alpha1.EnvSettings.
const (
	envNamespace = "CONVOY_POD_NAMESPACE"
	envName      = "CONVOY_POD_NAME"
	envUID       = "CONVOY_POD_UID"
	envIP        = "CONVOY_POD_IP"
	// envBarrier is "timeout" where the API server does not restart the handler together with this container.
	envBarrier = "CONVOY_RESTART_BARRIER"
	// envHandlerHost and envStateDir are for development tools, where a pod is a few local processes.
	envHandlerHost = "CONVOY_HANDLER_HOST"
	envStateDir    = "CONVOY_STATE_DIR"
	// envKubeconfig names a file that is used instead of the pod's service account.
	envKubeconfig = "KUBECONFIG"
)

const defaultStateDir = "/var/run/convoy"

// environment is what the process is told before it starts.
type environment struct {
	settings             v1alpha1.WorkerSettings
	namespace, name, uid string
	listen, handler      string // host:port
	inside               string // host:port that nobody outside the pod reaches
	stateDir, kubeconfig string
	barrier              bool
}

// readEnvironment refuses an environment that lacks something, naming it. Settings of a newer operator may have fields
// that this worker does not know; they are ignored.
func readEnvironment(getenv func(string) string) (*environment, error) {
	for _, name := range []string{v1alpha1.EnvSettings, envNamespace, envName, envUID, envIP} {
		if getenv(name) == "" {
			return nil, fmt.Errorf("reading the environment: %s is not set; the operator sets it in the pod template", name)
		}
	}
	port, loopback := strconv.Itoa(v1alpha1.WorkerPort), cmp.Or(getenv(envHandlerHost), "127.0.0.1")
	e := &environment{
		namespace: getenv(envNamespace), name: getenv(envName), uid: getenv(envUID),
		listen:     net.JoinHostPort(getenv(envIP), port),
		inside:     net.JoinHostPort(loopback, port),
		stateDir:   cmp.Or(getenv(envStateDir), defaultStateDir),
		kubeconfig: getenv(envKubeconfig),
	}
	if err := json.Unmarshal([]byte(getenv(v1alpha1.EnvSettings)), &e.settings); err != nil {
		return nil, fmt.Errorf("reading %s: %w", v1alpha1.EnvSettings, err)
	}
	e.settings.SetDefaults()
	switch barrier := getenv(envBarrier); barrier {
	case "":
	case "timeout":
		e.barrier = true
	default:
		return nil, fmt.Errorf("reading the environment: %s is %q, must be timeout or unset", envBarrier, barrier)
	}
	if http := e.settings.Delivery.HTTP; http != nil {
		e.handler = net.JoinHostPort(loopback, strconv.Itoa(int(*http.Port)))
	}
	return e, nil
}

// level is how much is logged: what the settings say, as far as they can be read.
func level(getenv func(string) string) slog.Level {
	var said struct {
		LogLevel v1alpha1.LogLevel `json:"logLevel"`
	}
	if json.Unmarshal([]byte(getenv(v1alpha1.EnvSettings)), &said) != nil {
		return slog.LevelInfo
	}
	switch said.LogLevel {
	case v1alpha1.LogDebug:
		return slog.LevelDebug
	case v1alpha1.LogWarn:
		return slog.LevelWarn
	case v1alpha1.LogError:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
