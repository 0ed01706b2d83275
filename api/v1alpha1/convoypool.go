// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConvoyPool is a set of workers that consume one source in order: messages that share a key are processed one at a
// time, in source order; different keys run in parallel, on as many workers as the backlog needs.
//
// The source, the key expression, and the type, number and store of lanes are fixed while lanes hold messages. To
// change one of them: stop what publishes to the source; wait until status.backlog.messages is 0; release or discard what
// is parked (status.parked.keys is 0); set spec.suspend to true; wait until status.claim.state is Empty; change it; set
// suspend back to false. The order matters, because a suspended pool completes nothing: what is in the lanes then stays
// there. Where the source cannot be stopped make another pool, with another name, and delete this one when it is empty.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=cvp,categories=convoy
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.scaling.workers,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the spec is in force and nobody needs to act."
// +kubebuilder:printcolumn:name="Workers",type=integer,JSONPath=`.status.workers.serving`,description="Workers that are bound to a slot."
// +kubebuilder:printcolumn:name="Lanes",type=integer,JSONPath=`.status.lanes.count`,description="Lanes in all."
// +kubebuilder:printcolumn:name="Owned",type=integer,JSONPath=`.status.lanes.owned`,description="Lanes that a worker owns; equal to Lanes when all is well."
// +kubebuilder:printcolumn:name="Moving",type=integer,JSONPath=`.status.lanes.moving`,description="Lanes on their way between workers; 0 at rest."
// +kubebuilder:printcolumn:name="Backlog",type=integer,JSONPath=`.status.backlog.messages`,description="Messages not yet completed; up to 30 s old."
// +kubebuilder:printcolumn:name="Parked",type=integer,JSONPath=`.status.parked.keys`,description="Keys that are parked and wait for a ConvoyAction."
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why the pool is Ready or is not."
// +kubebuilder:printcolumn:name="Key",type=string,priority=1,JSONPath=`.spec.key.expression`,description="The key expression."
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')",message="metadata.name becomes a label of the pods and part of names in the broker: use at most 63 lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?status.?claim.hasValue() || (oldSelf.spec.?suspend.orValue(false) && oldSelf.status.claim.?state.orValue('InUse') == 'Empty') || (self.spec.source.?nats.?stream.hasValue() == oldSelf.spec.source.?nats.?stream.hasValue() && (!self.spec.source.?nats.?stream.hasValue() || self.spec.source.nats.stream == oldSelf.spec.source.nats.stream) && self.spec.source.?nats.?subjects.hasValue() == oldSelf.spec.source.?nats.?subjects.hasValue() && (!self.spec.source.?nats.?subjects.hasValue() || self.spec.source.nats.subjects == oldSelf.spec.source.nats.subjects) && self.spec.source.?nats.?startFrom.?type.hasValue() == oldSelf.spec.source.?nats.?startFrom.?type.hasValue() && (!self.spec.source.?nats.?startFrom.?type.hasValue() || self.spec.source.nats.startFrom.type == oldSelf.spec.source.nats.startFrom.type) && self.spec.source.?nats.?startFrom.?time.hasValue() == oldSelf.spec.source.?nats.?startFrom.?time.hasValue() && (!self.spec.source.?nats.?startFrom.?time.hasValue() || self.spec.source.nats.startFrom.time == oldSelf.spec.source.nats.startFrom.time))",message="stream, subjects and startFrom are fixed while lanes hold messages: stop what publishes to the source, wait until status.backlog.messages is 0 and nothing is parked, set spec.suspend to true, wait until status.claim.state is Empty, then change them; or make another pool",fieldPath=".spec.source"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?status.?claim.hasValue() || (oldSelf.spec.?suspend.orValue(false) && oldSelf.status.claim.?state.orValue('InUse') == 'Empty') || self.spec.key.expression == oldSelf.spec.key.expression",message="the key expression is fixed while lanes hold messages (their keys would change lanes): stop what publishes to the source, wait until status.backlog.messages is 0 and nothing is parked, set spec.suspend to true, wait until status.claim.state is Empty, then change it; or make another pool",fieldPath=".spec.key.expression"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?status.?claim.hasValue() || (oldSelf.spec.?suspend.orValue(false) && oldSelf.status.claim.?state.orValue('InUse') == 'Empty') || self.spec.lanes.type == oldSelf.spec.lanes.type",message="the type of lanes is fixed while lanes hold messages: stop what publishes to the source, wait until status.backlog.messages is 0 and nothing is parked, set spec.suspend to true, wait until status.claim.state is Empty, then change it; or make another pool",fieldPath=".spec.lanes.type"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?status.?claim.hasValue() || (oldSelf.spec.?suspend.orValue(false) && oldSelf.status.claim.?state.orValue('InUse') == 'Empty') || self.spec.lanes.type != oldSelf.spec.lanes.type || (self.spec.lanes.?routed.?count.orValue(64) == oldSelf.spec.lanes.?routed.?count.orValue(64) && self.spec.lanes.?native.?nats.?count.hasValue() == oldSelf.spec.lanes.?native.?nats.?count.hasValue() && (!self.spec.lanes.?native.?nats.?count.hasValue() || self.spec.lanes.native.nats.count == oldSelf.spec.lanes.native.nats.count) && self.spec.lanes.?native.?nats.?subjects.hasValue() == oldSelf.spec.lanes.?native.?nats.?subjects.hasValue() && (!self.spec.lanes.?native.?nats.?subjects.hasValue() || self.spec.lanes.native.nats.subjects == oldSelf.spec.lanes.native.nats.subjects))",message="the number of lanes (and with type Native their subjects) is fixed while lanes hold messages: stop what publishes to the source, wait until status.backlog.messages is 0 and nothing is parked, set spec.suspend to true, wait until status.claim.state is Empty, then change it; or make another pool",fieldPath=".spec.lanes"
// +kubebuilder:validation:XValidation:rule="!oldSelf.?status.?claim.hasValue() || (oldSelf.spec.?suspend.orValue(false) && oldSelf.status.claim.?state.orValue('InUse') == 'Empty') || self.spec.lanes.type != oldSelf.spec.lanes.type || (self.spec.lanes.?routed.?store.?management.orValue('Managed') == 'Managed') == (oldSelf.spec.lanes.?routed.?store.?management.orValue('Managed') == 'Managed') && self.spec.lanes.?routed.?store.?name.hasValue() == oldSelf.spec.lanes.?routed.?store.?name.hasValue() && (!self.spec.lanes.?routed.?store.?name.hasValue() || self.spec.lanes.routed.store.name == oldSelf.spec.lanes.routed.store.name)",message="management and name of the lanes' store are fixed while lanes hold messages (replicas and maxBytes are not): stop what publishes to the source, wait until status.backlog.messages is 0 and nothing is parked, set spec.suspend to true, wait until status.claim.state is Empty, then change them; or make another pool",fieldPath=".spec.lanes"
type ConvoyPool struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata. The name is at most 63 characters long and has no dots, because it
	// becomes a label of the pods and part of names in the broker.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what the user wants: source, key, lanes, delivery, scaling and the pod template with the handler.
	// +required
	Spec ConvoyPoolSpec `json:"spec,omitzero"`

	// status is what the controller has observed. Written by the controller alone; what is taken out is written again. Do
	// not take it out by hand all the same: without status.claim the API server takes the pool for a new one and lets
	// everything be changed that is fixed while lanes hold messages. Nothing is lost then, since the claim in the broker
	// refuses the change, but the pool stands until it is changed back.
	// +optional
	Status *ConvoyPoolStatus `json:"status,omitempty"`
}

// ConvoyPoolSpec is what the user wants from a pool.
//
// +kubebuilder:validation:XValidation:rule="!has(self.delivery.onFailure.deadLetter) || self.delivery.onFailure.type == 'DeadLetter' || self.key.onMissing == 'DeadLetter'",message="delivery.onFailure.deadLetter is used by nobody: remove it, or set delivery.onFailure.type or key.onMissing to DeadLetter"
// +kubebuilder:validation:XValidation:rule="self.lanes.type != 'Native' || size(self.source.?nats.?subjects.orValue([])) == 0",message="source.nats.subjects is for Routed lanes: with lanes.type Native remove it, lanes.native.nats.subjects says what is read"
// +kubebuilder:validation:XValidation:rule="self.handoff.drainTimeoutSeconds >= self.delivery.timeoutSeconds",message="handoff.drainTimeoutSeconds must be at least delivery.timeoutSeconds, so that a running call can end within a drain: raise the former or lower the latter"
// +kubebuilder:validation:XValidation:rule="self.delivery.type != 'Embedded' || !(has(self.worker.image) || has(self.worker.imagePullPolicy) || has(self.worker.resources))",message="with delivery.type Embedded the template's first container is the worker: remove worker.image, worker.imagePullPolicy and worker.resources and set them in the template"
// +kubebuilder:validation:XValidation:rule="self.?scaling.?minWorkers.orValue(1) <= (self.?lanes.?type.orValue('Routed') == 'Native' ? self.?lanes.?native.?nats.?count.orValue(10000) : self.?lanes.?routed.?count.orValue(64))",message="scaling.minWorkers is above the number of lanes, and a worker without a lane has nothing to do: lower scaling.minWorkers, or raise lanes.routed.count (with type Native lanes.native.nats.count)",fieldPath=".scaling.minWorkers"
// +kubebuilder:validation:XValidation:rule="!self.?lanes.?routed.?store.?name.hasValue() || !self.?source.?nats.?stream.hasValue() || self.lanes.routed.store.name != self.source.nats.stream",message="lanes.routed.store.name is the source's own stream, and messages would be routed in a circle: give the lanes a stream of their own, or leave name out",fieldPath=".lanes.routed.store.name"
// +kubebuilder:validation:XValidation:rule="!has(self.delivery.onFailure.deadLetter) || !((has(self.source.nats) && has(self.source.nats.subjects) && self.source.nats.subjects.exists(s, (size(s.split('.')) == size(self.delivery.onFailure.deadLetter.destination.split('.')) || (s.endsWith('>') && size(s.split('.')) < size(self.delivery.onFailure.deadLetter.destination.split('.')))) && s.split('.').all(i, t, t in ['*', '>', '{lane}'] || t == self.delivery.onFailure.deadLetter.destination.split('.')[i]))) || (has(self.lanes.native) && has(self.lanes.native.nats) && self.lanes.native.nats.subjects.exists(s, (size(s.split('.')) == size(self.delivery.onFailure.deadLetter.destination.split('.')) || (s.endsWith('>') && size(s.split('.')) < size(self.delivery.onFailure.deadLetter.destination.split('.')))) && s.split('.').all(i, t, t in ['*', '>', '{lane}'] || t == self.delivery.onFailure.deadLetter.destination.split('.')[i]))))",message="delivery.onFailure.deadLetter.destination is among the subjects that the pool reads, and dead letters would come back as messages: choose a destination outside source.nats.subjects and lanes.native.nats.subjects",fieldPath=".delivery.onFailure.deadLetter.destination"
// +kubebuilder:validation:XValidation:rule="self.handoff.allowPreStop || !has(self.template.spec) || self.template.spec.containers.all(c, !has(c.lifecycle) || !has(c.lifecycle.preStop))",message="template: a preStop hook runs before the worker has drained and would fail the calls that still run: handle SIGTERM instead, it comes after the drain, or set handoff.allowPreStop to true",fieldPath=".template.spec.containers"
// +kubebuilder:validation:XValidation:rule="self.handoff.allowPreStop || !has(self.template.spec) || !has(self.template.spec.initContainers) || self.template.spec.initContainers.all(c, !has(c.restartPolicy) || c.restartPolicy != 'Always' || !has(c.lifecycle) || !has(c.lifecycle.preStop))",message="template: a sidecar's preStop hook runs as soon as the pod is deleted, before the worker has drained, and would fail the calls that go through it: handle SIGTERM instead, it comes after the drain, or set handoff.allowPreStop to true",fieldPath=".template.spec.initContainers"
// +kubebuilder:validation:XValidation:rule="self.delivery.type != 'Embedded' || !has(self.template.spec) || size(self.template.spec.containers) == 0 || !has(self.template.spec.containers[0].env) || self.template.spec.containers[0].env.all(e, !e.name.startsWith('CONVOY_'))",message="with delivery.type Embedded the template's first container is the worker, and variables that begin with CONVOY_ are Convoy's own: remove them from its env",fieldPath=".template.spec.containers"
type ConvoyPoolSpec struct {
	// suspend stops the pool: messages that have started are finished, nothing more is started or routed, every lane is
	// released and the workers go. What lanes hold stays in the broker and is not completed while the pool is suspended:
	// a backlog stays and grows. Default: false. Scaling does not wake a suspended pool; setting it back to false goes on
	// where the pool stopped. Example: true.
	// +optional
	// +default=false
	Suspend *bool `json:"suspend,omitempty"`

	// deletionPolicy says what becomes of what Convoy holds in the broker (claim, lanes, progress, parked messages)
	// when the pool is deleted. Retain keeps it, and a pool of the same name and fingerprint takes it over. Delete
	// keeps the pool until its workers have given back every lane; this version deletes nothing in the broker then, but
	// names in the event BrokerStateKept the streams that are left. To delete them by hand, once no pod of the pool is
	// left, whatever the policy was: nats stream rm convoy_NAMESPACE_NAME (claim, epochs, progress), the same with _park
	// (parked messages), with _lanes (Routed lanes, unless store.name gives another), and with _dead (dead letters)
	// appended. Bytes other than letters, digits and hyphens are written in them as = and two hexadecimal digits.
	// Default: Retain. The source itself is never deleted. When the namespace terminates Delete is cut short. Example: Delete.
	// +optional
	// +default="Retain"
	DeletionPolicy *DeletionPolicy `json:"deletionPolicy,omitempty"`

	// source is what the pool consumes: exactly one member, named for the broker. Fixed while lanes hold messages, but
	// for how the broker is reached. Example: {nats: {servers: ["nats://nats:4222"], stream: ORDERS}}.
	// +required
	Source Source `json:"source,omitzero"`

	// key says how the group key of a message is found. Example: {expression: body.order_id}.
	// +required
	Key Key `json:"key,omitzero"`

	// lanes are the units of ownership, between which workers share the work. Default: 64 Routed lanes. Fixed while
	// lanes hold messages. Example: {type: Routed, routed: {count: 256}}.
	// +optional
	// +default={}
	Lanes *Lanes `json:"lanes,omitempty"`

	// delivery says how a message reaches the handler and what a failure leads to. Default: HTTP to port 8080.
	// Example: {http: {port: 9000}, timeoutSeconds: 10}.
	// +optional
	// +default={}
	Delivery *Delivery `json:"delivery,omitempty"`

	// scaling says how many workers there are. Default: by backlog, between 1 and 10.
	// Example: {minWorkers: 0, maxWorkers: 50}.
	// +optional
	// +default={}
	Scaling *Scaling `json:"scaling,omitempty"`

	// handoff says how long a hand-over of lanes may take and when a worker that does not answer is given up.
	// Default: the defaults of its fields. Example: {drainTimeoutSeconds: 120}.
	// +optional
	// +default={}
	Handoff *Handoff `json:"handoff,omitempty"`

	// rollout says how pods are replaced when the template changes. Default: one at a time, with one pod more than
	// wanted. Example: {maxSurge: 3}.
	// +optional
	// +default={}
	Rollout *Rollout `json:"rollout,omitempty"`

	// worker configures the container convoy-worker that is added to each pod. Default: the image that the operator
	// names. Example: {resources: {requests: {cpu: 500m}}}.
	// +optional
	// +default={}
	Worker *ContainerSettings `json:"worker,omitempty"`

	// template is the pod template of the workers, as in a Deployment: the handler's containers, in the user's order,
	// after which the container convoy-worker is added. Each container gets a preStop hook that waits for the drain, and
	// terminationGracePeriodSeconds grows by handoff.drainTimeoutSeconds. With delivery.type Embedded no container is
	// added: the first one is the worker. Labels, annotations, finalizers and readiness gates under convoy.dev/,
	// volumes whose names begin with convoy-, and port 9440 are Convoy's own. Example: {spec: {containers: [{name: handler, image: shop/orders:1.4}]}}.
	// +required
	// +kubebuilder:validation:XValidation:rule="has(self.spec) && size(self.spec.containers) > 0",message="give the handler's container in template.spec.containers",fieldPath=".spec"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || self.spec.containers.all(c, c.name != 'convoy-worker')",message="the container name convoy-worker is Convoy's own: give the handler's container another name, and configure Convoy's in spec.worker",fieldPath=".spec.containers"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.initContainers) || self.spec.initContainers.all(c, c.name != 'convoy-worker')",message="the container name convoy-worker is Convoy's own: give the init container another name",fieldPath=".spec.initContainers"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.restartPolicy) || self.spec.restartPolicy == 'Always'",message="worker pods run until they are drained: remove template.spec.restartPolicy or set it to Always",fieldPath=".spec.restartPolicy"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || self.spec.containers.all(c, !has(c.restartPolicy) || c.restartPolicy == 'Always')",message="a container that ended for good would leave its worker without a handler: remove restartPolicy from the containers of the template or set it to Always",fieldPath=".spec.containers"
	// +kubebuilder:validation:XValidation:rule=`!has(self.spec) || self.spec.containers.all(c, has(c.image) && c.image.matches(r'^\S+$'))`,message="each container needs an image, written without white space: give or mend image in template.spec.containers",fieldPath=".spec.containers"
	// +kubebuilder:validation:XValidation:rule=`!has(self.spec) || !has(self.spec.initContainers) || self.spec.initContainers.all(c, has(c.image) && c.image.matches(r'^\S+$'))`,message="each init container needs an image, written without white space: give or mend image in template.spec.initContainers",fieldPath=".spec.initContainers"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || self.spec.containers.all(c, !has(c.ports) || c.ports.all(p, p.containerPort != 9440))",message="port 9440 is the worker's in every pod: let the container listen on another, and change containerPort in template.spec.containers",fieldPath=".spec.containers"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.volumes) || self.spec.volumes.all(v, !v.name.startsWith('convoy-'))",message="names of volumes that begin with convoy- are Convoy's own: give the template's volume another name",fieldPath=".spec.volumes"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.terminationGracePeriodSeconds) || (self.spec.terminationGracePeriodSeconds >= 0 && self.spec.terminationGracePeriodSeconds <= 2592000)",message="template.spec.terminationGracePeriodSeconds is 0 to 2592000 (30 days): give the seconds that the handler needs after SIGTERM, or leave it out",fieldPath=".spec.terminationGracePeriodSeconds"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.nodeName)",message="template.spec.nodeName would bind every worker to one node, past the scheduler: remove it and use nodeSelector or affinity",fieldPath=".spec.nodeName"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.readinessGates) || !self.spec.readinessGates.exists(g, g.conditionType.startsWith('convoy.dev/'))",message="readiness gates under convoy.dev/ are Convoy's own, which adds them itself: remove the template's",fieldPath=".spec.readinessGates"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.activeDeadlineSeconds)",message="worker pods run until they are drained: remove template.spec.activeDeadlineSeconds",fieldPath=".spec.activeDeadlineSeconds"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.ephemeralContainers)",message="ephemeral containers cannot be part of a template: remove template.spec.ephemeralContainers and use kubectl debug on a pod",fieldPath=".spec.ephemeralContainers"
	// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || !has(self.metadata.labels) || !self.metadata.labels.exists(k, k.startsWith('convoy.dev/'))",message="labels under convoy.dev/ are Convoy's own: give the template's label another prefix",fieldPath=".metadata.labels"
	// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || !has(self.metadata.annotations) || !self.metadata.annotations.exists(k, k.startsWith('convoy.dev/'))",message="annotations under convoy.dev/ are Convoy's own: give the template's annotation another prefix",fieldPath=".metadata.annotations"
	// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || !has(self.metadata.finalizers) || !self.metadata.finalizers.exists(f, f.startsWith('convoy.dev/'))",message="finalizers under convoy.dev/ are Convoy's own, which adds them itself: remove the template's",fieldPath=".metadata.finalizers"
	// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || !(has(self.metadata.name) || has(self.metadata.namespace))",message="pods are named for the pool and live in its namespace: remove name and namespace from template.metadata",fieldPath=".metadata"
	Template corev1.PodTemplateSpec `json:"template,omitzero"`
}

// DeletionPolicy says what becomes of what Convoy holds in the broker when its pool is deleted.
// +kubebuilder:validation:Enum=Retain;Delete
type DeletionPolicy string

const (
	// DeletionRetain keeps it; a pool of the same name and fingerprint takes it over.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionDelete is for a pool whose state is not wanted any more. This version winds the pool down and says what is
	// left to delete by hand.
	DeletionDelete DeletionPolicy = "Delete"
)

// ConvoyPoolList is a list of pools.
//
// +kubebuilder:object:root=true
type ConvoyPoolList struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitzero"`

	// items are the pools.
	Items []ConvoyPool `json:"items"`
}
