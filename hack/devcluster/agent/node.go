// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"runtime"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// The kubelet's own: a node whose lease is older than the controllers' 50 s is unreachable.
const (
	heartbeatEvery = 10 * time.Second
	leaseSeconds   = 40
)

// hostIP is the node's address.
const hostIP = "127.0.0.1"

// capacity is more than any machine has: nothing is limited, and the scheduler is to refuse nothing.
var capacity = corev1.ResourceList{
	corev1.ResourceCPU:              resource.MustParse("1000"),
	corev1.ResourceMemory:           resource.MustParse("1Ti"),
	corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
	corev1.ResourcePods:             resource.MustParse("1000"),
}

// features are what the scheduler would otherwise believe this node not to know.
var features = []string{"RestartAllContainersOnContainerExits"}

// register makes the Node, or takes over one that is there. It is made with its status, as a kubelet makes it: a
// scheduler that met a node without room might not look at it again for minutes.
func (a *Agent) register(ctx context.Context) error {
	// As a kubelet of the control plane's version: what this agent knows, it knows as that does.
	version, err := a.client.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: a.NodeName, Labels: map[string]string{
		corev1.LabelHostname: a.NodeName, corev1.LabelOSStable: runtime.GOOS, corev1.LabelArchStable: runtime.GOARCH,
	}}, Status: a.status(version.GitVersion)}
	nodes := a.client.CoreV1().Nodes()
	_, err = nodes.Create(ctx, node, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		err = a.takeOver(ctx, version.GitVersion)
	}
	if err != nil {
		return err
	}
	return a.renew(ctx)
}

func (a *Agent) takeOver(ctx context.Context, version string) error {
	nodes := a.client.CoreV1().Nodes()
	node, err := nodes.Get(ctx, a.NodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	node.Status = a.status(version)
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

func (a *Agent) status(version string) corev1.NodeStatus {
	now := metav1.Now()
	return corev1.NodeStatus{
		Capacity: capacity, Allocatable: capacity,
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: hostIP}, {Type: corev1.NodeHostName, Address: a.NodeName}},
		NodeInfo: corev1.NodeSystemInfo{
			OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH, ContainerRuntimeVersion: "devcluster-agent://processes", KubeletVersion: version,
		},
		DeclaredFeatures: features,
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "AgentReady", Message: "the development agent runs",
			LastHeartbeatTime: now, LastTransitionTime: now,
		}},
	}
}

// beat keeps the node ready until ctx ends.
func (a *Agent) beat(ctx context.Context) {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := a.renew(ctx); err != nil && ctx.Err() == nil {
				a.Say("renewing the node's lease: %v", err)
			}
		}
	}
}

func (a *Agent) renew(ctx context.Context) error {
	leases := a.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	lease, err := leases.Get(ctx, a.NodeName, metav1.GetOptions{})
	spec := coordinationv1.LeaseSpec{
		HolderIdentity: &a.NodeName, LeaseDurationSeconds: ptr.To[int32](leaseSeconds), RenewTime: &metav1.MicroTime{Time: time.Now()},
	}
	switch {
	case apierrors.IsNotFound(err):
		_, err = leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: a.NodeName}, Spec: spec}, metav1.CreateOptions{})
	case err == nil:
		lease.Spec = spec
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("writing the lease: %w", err)
	}
	return nil
}
