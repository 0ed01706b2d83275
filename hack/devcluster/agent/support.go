// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// unsupported says what a pod needs that there is not here; "" if nothing.
func (a *Agent) unsupported(pod *corev1.Pod) string {
	if len(pod.Spec.InitContainers) > 0 {
		return "init containers"
	}
	for _, volume := range pod.Spec.Volumes {
		if !supportedVolume(volume) {
			return fmt.Sprintf("volume %s: only emptyDir, secret, configMap and projected are known", volume.Name)
		}
	}
	for _, c := range pod.Spec.Containers {
		if _, known := a.Images[c.Image]; !known {
			return fmt.Sprintf("container %s: image %s stands for no program", c.Name, c.Image)
		}
		if what := unsupportedIn(c); what != "" {
			return fmt.Sprintf("container %s: %s", c.Name, what)
		}
	}
	return ""
}

func supportedVolume(v corev1.Volume) bool {
	if v.Projected != nil {
		for _, source := range v.Projected.Sources {
			if source.Secret == nil && source.ConfigMap == nil && source.DownwardAPI == nil && source.ServiceAccountToken == nil {
				return false
			}
		}
		return true
	}
	return v.EmptyDir != nil || v.Secret != nil || v.ConfigMap != nil
}

func unsupportedIn(c corev1.Container) string {
	for _, mount := range c.VolumeMounts {
		if mount.SubPath != "" || mount.SubPathExpr != "" {
			return fmt.Sprintf("mount %s with a subPath", mount.MountPath)
		}
	}
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if probe != nil && probe.HTTPGet == nil && probe.TCPSocket == nil {
			return "a probe that is neither httpGet nor tcpSocket"
		}
	}
	if c.Lifecycle != nil && (c.Lifecycle.PostStart != nil || c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.HTTPGet == nil) {
		return "a hook that is not preStop with httpGet"
	}
	return ""
}
