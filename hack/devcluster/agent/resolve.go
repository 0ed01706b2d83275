// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// resolver looks up what a pod refers to, for one pod.
type resolver struct {
	ctx    context.Context
	client kubernetes.Interface
	pod    *corev1.Pod
	ip     string
}

// all is every value of a secret or config map, by key.
func (r resolver) all(from corev1.EnvFromSource) (map[string]string, error) {
	switch {
	case from.SecretRef != nil:
		return r.secret(from.SecretRef.Name, ptr.Deref(from.SecretRef.Optional, false))
	case from.ConfigMapRef != nil:
		return r.configMap(from.ConfigMapRef.Name, ptr.Deref(from.ConfigMapRef.Optional, false))
	}
	return nil, errors.New("a source of variables is neither a secret nor a config map")
}

// value is one value; present is false for an optional one that there is not.
func (r resolver) value(from corev1.EnvVarSource) (value string, present bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = r.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		all, err := r.secret(ref.Name, ptr.Deref(ref.Optional, false))
		return keyOf(all, ref.Key, ptr.Deref(ref.Optional, false), err)
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		all, err := r.configMap(ref.Name, ptr.Deref(ref.Optional, false))
		return keyOf(all, ref.Key, ptr.Deref(ref.Optional, false), err)
	}
	return "", false, errors.New("it is neither a field, a secret nor a config map, and others are not known here")
}

func keyOf(all map[string]string, key string, optional bool, err error) (string, bool, error) {
	value, present := all[key]
	if err == nil && !present && !optional {
		err = fmt.Errorf("there is no key %q", key)
	}
	return value, present, err
}

func (r resolver) secret(name string, optional bool) (map[string]string, error) {
	secret, err := r.client.CoreV1().Secrets(r.pod.Namespace).Get(r.ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading secret %s: %w", name, err)
	}
	all := map[string]string{}
	for key, value := range secret.Data {
		all[key] = string(value)
	}
	return all, nil
}

func (r resolver) configMap(name string, optional bool) (map[string]string, error) {
	config, err := r.client.CoreV1().ConfigMaps(r.pod.Namespace).Get(r.ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading config map %s: %w", name, err)
	}
	all := config.Data
	for key, value := range config.BinaryData {
		if all == nil {
			all = map[string]string{}
		}
		all[key] = string(value)
	}
	return all, nil
}

// field is a field of the pod, by its path.
func (r resolver) field(path string) (string, error) {
	if name, in := elementOf(path, "metadata.labels"); in {
		return r.pod.Labels[name], nil
	}
	if name, in := elementOf(path, "metadata.annotations"); in {
		return r.pod.Annotations[name], nil
	}
	fields := map[string]string{
		"metadata.name": r.pod.Name, "metadata.namespace": r.pod.Namespace, "metadata.uid": string(r.pod.UID),
		"spec.nodeName": r.pod.Spec.NodeName, "spec.serviceAccountName": r.pod.Spec.ServiceAccountName,
		"status.podIP": r.ip, "status.podIPs": r.ip, "status.hostIP": hostIP, "status.hostIPs": hostIP,
	}
	value, known := fields[path]
	if !known {
		return "", fmt.Errorf("the field %s is not known here", path)
	}
	return value, nil
}

// elementOf takes the name out of path['name'].
func elementOf(path, of string) (string, bool) {
	rest, in := strings.CutPrefix(path, of+"['")
	name, closed := strings.CutSuffix(rest, "']")
	return name, in && closed
}
