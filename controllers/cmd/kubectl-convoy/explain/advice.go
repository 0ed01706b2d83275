// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// Advice is what a reason means and what a person would do.
type Advice struct {
	// Means is what the reason says, for who does not know it.
	Means string
	// Mend is what a person would do, "" where nobody needs to act. In it {pool} and {namespace} stand for the pool's.
	Mend string
}

// tables are what is known of reasons, by reason, or by type and reason where types differ.
var tables = []map[string]Advice{ofSource, ofPods, ofLanes, ofRest}

// adviceOn is what is known of a condition's reason.
func adviceOn(c *metav1.Condition) Advice {
	for _, table := range tables {
		if a, known := table[c.Type+"/"+c.Reason]; known {
			return a
		}
		if a, known := table[c.Reason]; known {
			return a
		}
	}
	return Advice{}
}

// ofSource are the reasons that have to do with the broker and with messages' keys, by reason.
var ofSource = map[string]Advice{
	v1alpha1.ReasonClaimed: {Means: "The claim in the broker is this pool's."},
	v1alpha1.ReasonHeldByAnother: {
		Means: "Another live pool owns these lanes in the broker; two pools on one set of lanes would break the order of keys.",
		Mend: "Decide which pool is to have the source. Delete the other one and wait until its pods are gone: this pool then " +
			"goes on by itself. Or give this pool another stream, or another name.",
	},
	v1alpha1.ReasonFingerprintDiffers: {
		Means: "The lanes that are in the broker were made for another source, key expression, type or number of lanes. In other " +
			"lanes their messages would lose their order.",
		Mend: "Put the fields that the message names back to what they were, let the pool complete what is in the lanes, then " +
			"change them as `kubectl explain convoypool` says. Or give the pool another name, and it gets lanes of its own.",
	},
	v1alpha1.ReasonSourceNotFound: {
		Means: "The broker has no such stream, or not in the account that the pool's credentials belong to.",
		Mend:  "Make the stream, or correct spec.source. The workers try again by themselves.",
	},
	v1alpha1.ReasonSourceUnreachable: {
		Means: "The broker does not answer the workers. Nothing is lost; nothing starts either.",
		Mend: "See that the servers of spec.source run and that a pod of namespace {namespace} may reach them (name, port, " +
			"NetworkPolicy, TLS). The workers try again by themselves.",
	},
	v1alpha1.ReasonAccessDenied: {
		Means: "The broker refuses the pool's credentials, or their Secret is missing.",
		Mend: "Correct the Secret that spec.source.nats.auth names, or give its user the permissions that the message names. " +
			"Workers read Secrets anew at each connection; no restart is needed.",
	},
	v1alpha1.ReasonStoreUnfit: {
		Means: "The store of the lanes would keep messages less safely than the source does, or does not fit in another way.",
		Mend:  "Change spec.lanes.routed.store, or the store itself, as the message says.",
	},
	v1alpha1.ReasonRequestsSucceed: {Means: "The broker does what it is asked for."},
	v1alpha1.ReasonRequestRefused: {
		Means: "The broker refuses for good something that the pool needs.",
		Mend:  "Mend what the message names at the broker: a permission, a limit, a setting of a stream. The workers try again by themselves.",
	},
	v1alpha1.ReasonHoldLost: {
		Means: "The broker did not confirm in time that lanes are still their workers', so nothing of them starts.",
		Mend: "If it does not pass by itself look at the broker's load and at the network between it and the pods; " +
			"spec.handoff.fenceSeconds is how long a confirmation may take.",
	},
	v1alpha1.ReasonGivesKeys: {Means: "The key expression compiles, and no worker has met messages without a key alone."},
	v1alpha1.ReasonDoesNotCompile: {
		Means: "The key expression is not CEL, or its value can be no key.",
		Mend: "Try another with `kubectl convoy key test {pool} -n {namespace} --expression '...' -f message.json`, then write it " +
			"into spec.key.expression.",
	},
	v1alpha1.ReasonGivesNoKey: {
		Means: "The expression gave no key on the messages there were, so it is probably not meant for them. Nothing was given up.",
		Mend: "Save one message and try the expression with `kubectl convoy key test {pool} -n {namespace} -f message.json`. If such " +
			"messages are right, name another key for them in the expression.",
	},
}

// ofPods are the reasons that have to do with the template, pods and the handler.
var ofPods = map[string]Advice{
	v1alpha1.ReasonAccepted: {Means: "The API server took it."},
	v1alpha1.ConditionTemplateAccepted + "/" + v1alpha1.ReasonRefused: {
		Means: "The API server does not accept what is made from spec.template. What was accepted before runs on.",
		Mend:  "Change spec.template as the message says.",
	},
	v1alpha1.ConditionPodsAdmitted + "/" + v1alpha1.ReasonRefused: {
		Means: "The API server does not let the pods be made: a quota, Pod Security, or an admission webhook.",
		Mend: "Raise the quota, change spec.template as the message says, or ask who runs the cluster. `kubectl describe " +
			"resourcequota -n {namespace}` shows what is used.",
	},
	v1alpha1.ReasonRefused: {
		Means: "The API server refused it.",
		Mend:  "Mend what the message says.",
	},
	v1alpha1.ReasonRolledOut:  {Means: "Every pod is of the present template."},
	v1alpha1.ReasonRollingOut: {Means: "Pods are being replaced one by one, each after its lanes have been handed over."},
	v1alpha1.ReasonNoSurgePod: {
		Means: "The rollout waits for a pod that cannot be made; the old pods work on.",
		Mend: "Make room for one pod more (quota, nodes), or set spec.rollout.maxSurge to 0 and maxUnavailable to 1: lanes then " +
			"move twice.",
	},
	v1alpha1.ReasonPodsNotStarting: {
		Means: "No pod of the present template comes to run.",
		Mend: "Correct the image, the container or the resources in spec.template, or the cluster, as the message says. `kubectl " +
			"describe pods -n {namespace} -l convoy.dev/pool={pool}` says more.",
	},
	v1alpha1.ReasonCallsSucceed: {Means: "Calls of the handler come back with other than failures."},
	v1alpha1.ReasonOnlyFailures: {
		Means: "Nothing but failures comes back from the handler, so that workers take no more messages until one succeeds: an " +
			"outage is not made into parked messages.",
		Mend: "Mend the handler, or what it depends on; look at its log with `kubectl logs -n {namespace} -l convoy.dev/pool={pool}`. " +
			"Look at spec.delivery.http.path and port, too.",
	},
	v1alpha1.ReasonNoConnection: {
		Means: "The handler does not listen where spec.delivery.http says.",
		Mend: "See that its container runs and listens on that port, on the pod's loopback address: `kubectl logs -n {namespace} -l " +
			"convoy.dev/pool={pool}`.",
	},
	v1alpha1.ReasonNodeUnreachable: {
		Means: "The node of a worker with lanes does not answer. The worker may still run, so its lanes are not given away at once.",
		Mend: "If the message says when its lanes are taken over nobody needs to act. Else bring the node back, or make sure that it " +
			"is off and delete the pod with --force.",
	},
	v1alpha1.ReasonPodVanished: {
		Means: "A pod with lanes is gone and nobody saw its containers end: they may still run.",
		Mend:  "If the message says when its lanes are taken over nobody needs to act. Else start another worker that can take them over.",
	},
	v1alpha1.ReasonAllReachable: {Means: "Every worker with lanes answers, or is known to have stopped."},
	v1alpha1.ReasonProtocol: {
		Means: "There are workers of a version that this operator does not speak to. They keep their lanes and get no others.",
		Mend:  "Delete their pods: each drains, and a new one takes its place.",
	},
}
