// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// The kubelet's back-off: a container that ends is restarted at once, then after 10 s, twice that, and so on; one that
// ran for 10 minutes begins anew.
const (
	firstBackOff = 10 * time.Second
	maxBackOff   = 5 * time.Minute
	goodRun      = 2 * maxBackOff
)

// container is one container of a pod. The pod's goroutine owns it.
type container struct {
	spec    corev1.Container
	command command

	// process is nil while none runs.
	process *process
	// quiet ends the probes and the hook of the process.
	quiet context.CancelFunc
	// started and ready are what the probes of the process have said.
	started, ready bool
	// stopping says that the process was told to stop.
	stopping bool

	// last is the end of the process before, nil if there was none; lastSince when it had started, and lastID its name.
	last      *exit
	lastSince time.Time
	lastID    string
	// waits says that the container will be started again.
	waits bool
	// refused is why the process could not be started; "" if it could.
	refused  string
	restarts int32
	backOff  time.Duration
}

// pause is how long to wait before the next start, after a run of some length.
func (c *container) pause(ran time.Duration) time.Duration {
	if ran >= goodRun {
		c.backOff = 0
	}
	wait := c.backOff
	c.backOff = min(max(2*wait, firstBackOff), maxBackOff)
	return wait
}

// next is what becomes of a container that has ended by itself.
type next int

const (
	stays next = iota
	restarts
	restartsAll
)

// afterwards is what the policies say about an end: the container's rules first, then its policy, then the pod's.
func (c *container) afterwards(code int32, pod corev1.RestartPolicy) next {
	for _, rule := range c.spec.RestartPolicyRules {
		if rule.ExitCodes == nil {
			continue
		}
		in := slices.Contains(rule.ExitCodes.Values, code)
		if in != (rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			continue
		}
		if rule.Action == corev1.ContainerRestartRuleActionRestartAllContainers {
			return restartsAll
		}
		return restarts
	}
	policy := pod
	if c.spec.RestartPolicy != nil {
		policy = corev1.RestartPolicy(*c.spec.RestartPolicy)
	}
	if policy == corev1.RestartPolicyNever || policy == corev1.RestartPolicyOnFailure && code == 0 {
		return stays
	}
	return restarts
}
