// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
)

// What the worker's container and the controller agree on.
const (
	portName = "convoy"

	livePath    = "/healthz"
	readyPath   = "/readyz"
	drainedPath = "/drained"

	command = "/convoy-worker"

	// user is the one that the worker's image is made for. Any other may run it.
	user = 65532
)

// Exit codes of a worker that has ended in order: drained and resigned, or with no call running and a plain restart
// wanted. With any other its last calls may still run.
var orderly = []int32{0, 254}

func (c Config) workerContainer() (map[string]any, error) {
	w := c.Pool.Spec.Worker
	container := corev1.Container{
		Name: v1alpha1.WorkerContainer, Image: c.image(), Command: []string{command},
		LivenessProbe: probe(livePath, 10), ReadinessProbe: probe(readyPath, 2),
		SecurityContext: &corev1.SecurityContext{
			RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](user), ReadOnlyRootFilesystem: ptr.To(true),
			AllowPrivilegeEscalation: ptr.To(false),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
	if w != nil && w.ImagePullPolicy != nil {
		container.ImagePullPolicy = corev1.PullPolicy(*w.ImagePullPolicy)
	}
	if w != nil && w.Resources != nil {
		container.Resources = *w.Resources
	}
	if !c.Barrier {
		container.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
		container.RestartPolicyRules = []corev1.ContainerRestartRule{{
			Action: corev1.ContainerRestartRuleActionRestartAllContainers,
			ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{
				Operator: corev1.ContainerRestartRuleOnExitCodesOpNotIn, Values: orderly,
			},
		}}
	}
	object, err := toObject(&container)
	if err != nil {
		return nil, err
	}
	return object, c.makeWorker(object)
}

func probe(path string, periodSeconds int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString(portName)}},
		PeriodSeconds: periodSeconds, TimeoutSeconds: 5, FailureThreshold: 3,
	}
}

// embed makes the user's own container a worker. Probes of the user's stay.
func (c Config) embed(container map[string]any) error {
	for name, check := range map[string]*corev1.Probe{"livenessProbe": probe(livePath, 10), "readinessProbe": probe(readyPath, 2)} {
		if _, own := container[name]; own {
			continue
		}
		object, err := toObject(check)
		if err != nil {
			return err
		}
		container[name] = object
	}
	return c.makeWorker(container)
}

// makeWorker gives a container what a worker needs, whichever program it runs.
func (c Config) makeWorker(container map[string]any) error {
	settings, err := c.settings()
	if err != nil {
		return err
	}
	env := []corev1.EnvVar{
		{Name: v1alpha1.EnvSettings, Value: settings},
		fromPod("CONVOY_POD_NAMESPACE", "metadata.namespace"),
		fromPod("CONVOY_POD_NAME", "metadata.name"),
		fromPod("CONVOY_POD_UID", "metadata.uid"),
		fromPod("CONVOY_POD_IP", "status.podIP"),
	}
	if c.Barrier && !c.embedded() { // A handler in the worker's own process ends with it.
		env = append(env, corev1.EnvVar{Name: "CONVOY_RESTART_BARRIER", Value: "timeout"})
	}
	if c.Spans != "" && !says(container, envSpans) {
		env = append(env, corev1.EnvVar{Name: envSpans, Value: c.Spans})
	}
	if err := appendAll(container, "env", env); err != nil {
		return err
	}
	ports := []corev1.ContainerPort{{Name: portName, ContainerPort: v1alpha1.WorkerPort, Protocol: corev1.ProtocolTCP}}
	if err := appendAll(container, "ports", ports); err != nil {
		return err
	}
	mounts := []corev1.VolumeMount{
		{Name: stateVolume, MountPath: stateDir},
		{Name: tokenVolume, MountPath: tokenDir, ReadOnly: true},
	}
	for i, secret := range c.Pool.Spec.Source.SecretNames() {
		mounts = append(mounts, corev1.VolumeMount{Name: secretVolume(i), MountPath: secretDir(secret), ReadOnly: true})
	}
	return appendAll(container, "volumeMounts", mounts)
}

// envSpans is the standard variable for where spans go.
const envSpans = "OTEL_EXPORTER_OTLP_ENDPOINT"

// says whether a container has a variable of that name.
func says(container map[string]any, name string) bool {
	own, _ := container["env"].([]any)
	return slices.ContainsFunc(own, func(entry any) bool {
		variable, _ := entry.(map[string]any)
		return variable["name"] == name
	})
}

func fromPod(name, field string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: field},
	}}
}

// settings is what the worker reads at its start, as JSON. A change of it is a rollout.
func (c Config) settings() (string, error) {
	pool := c.Pool
	s := v1alpha1.WorkerSettings{
		Cluster: c.Cluster,
		Pool:    v1alpha1.PoolIdentity{Namespace: pool.Namespace, Name: pool.Name, UID: pool.UID},
		Source:  pool.Spec.Source,
		Key:     pool.Spec.Key,
		Lanes:   ptr.Deref(pool.Spec.Lanes, v1alpha1.Lanes{}), Delivery: ptr.Deref(pool.Spec.Delivery, v1alpha1.Delivery{}),
	}
	if h := pool.Spec.Handoff; h != nil {
		s.Handoff = v1alpha1.HandoffSettings{DrainTimeoutSeconds: h.DrainTimeoutSeconds, FenceSeconds: h.FenceSeconds}
	}
	if w := pool.Spec.Worker; w != nil {
		s.LogLevel = w.LogLevel
	}
	for _, secret := range pool.Spec.Source.SecretNames() {
		s.Secrets = append(s.Secrets, v1alpha1.SecretMount{Name: secret, Directory: secretDir(secret)})
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("writing the worker's settings: %w", err)
	}
	// The kubelet takes $(NAME) and $$ in a variable's value for its own.
	return strings.ReplaceAll(string(text), "$", `\u0024`), nil
}

func secretDir(secret string) string { return path.Join(sourceDir, secret) }

// appendAll appends typed values to a list of an unstructured object.
func appendAll[T any](of map[string]any, key string, values []T) error {
	for i := range values {
		object, err := toObject(&values[i])
		if err != nil {
			return err
		}
		appendTo(of, key, object)
	}
	return nil
}

func toObject(typed any) (map[string]any, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return nil, fmt.Errorf("converting %T: %w", typed, err)
	}
	return object, nil
}
