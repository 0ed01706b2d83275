// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strconv"

	"convoy.dev/convoy/api/v1alpha1"
)

// workersPort is the port that the controller gives to every worker, and that the rules keep free.
var workersPort = strconv.Itoa(v1alpha1.WorkerPort)

// templateRules are the rules on a pool's template.
var templateRules = []rule{
	{
		message:  "give the handler's container in template.spec.containers",
		accepted: []string{"spec: {template: {spec: {containers: [{name: a, image: i}, {name: b, image: i}]}}}"},
		refused:  []string{"spec: {template: {spec: null}}", "spec: {template: {spec: {containers: []}}}"},
	},
	{
		message:  "the container name convoy-worker is Convoy's own: give the handler's container another name, and configure Convoy's in spec.worker",
		accepted: []string{"spec: {template: {spec: {containers: [{name: worker, image: i}]}}}"},
		refused:  []string{"spec: {template: {spec: {containers: [{name: handler}, {name: convoy-worker}]}}}"},
	},
	{
		message:  "the container name convoy-worker is Convoy's own: give the init container another name",
		accepted: []string{"spec: {template: {spec: {initContainers: [{name: prepare, image: i}]}}}"},
		refused:  []string{"spec: {template: {spec: {initContainers: [{name: convoy-worker}]}}}"},
	},
	{
		message:  "worker pods run until they are drained: remove template.spec.restartPolicy or set it to Always",
		accepted: []string{"spec: {template: {spec: {restartPolicy: Always}}}"},
		refused:  []string{"spec: {template: {spec: {restartPolicy: OnFailure}}}"},
	},
	{
		message:  "worker pods run until they are drained: remove template.spec.activeDeadlineSeconds",
		accepted: []string{"spec: {template: {spec: {terminationGracePeriodSeconds: 60}}}"},
		refused:  []string{"spec: {template: {spec: {activeDeadlineSeconds: 60}}}"},
	},
	{
		message:  "ephemeral containers cannot be part of a template: remove template.spec.ephemeralContainers and use kubectl debug on a pod",
		accepted: []string{"spec: {template: {spec: {containers: [{name: handler, image: i}, {name: debug, image: i}]}}}"},
		refused:  []string{"spec: {template: {spec: {ephemeralContainers: [{name: debug}]}}}"},
	},
	{
		message:  "labels under convoy.dev/ are Convoy's own: give the template's label another prefix",
		accepted: []string{"spec: {template: {metadata: {labels: {team: a, example.org/convoy.dev: b}}}}"},
		refused:  []string{"spec: {template: {metadata: {labels: {convoy.dev/pool: a}}}}"},
	},
	{
		message:  "annotations under convoy.dev/ are Convoy's own: give the template's annotation another prefix",
		accepted: []string{"spec: {template: {metadata: {annotations: {team: a}}}}"},
		refused:  []string{"spec: {template: {metadata: {annotations: {team: a, convoy.dev/x: b}}}}"},
	},
	{
		message:  "a container that ended for good would leave its worker without a handler: remove restartPolicy from the containers of the template or set it to Always",
		accepted: []string{"spec: {template: {spec: {containers: [{name: a, image: i, restartPolicy: Always}]}}}"},
		refused: []string{
			"spec: {template: {spec: {containers: [{name: a, restartPolicy: Never}]}}}",
			"spec: {template: {spec: {containers: [{name: a}, {name: b, restartPolicy: OnFailure}]}}}",
		},
	},
	{
		message:  "each container needs an image, written without white space: give or mend image in template.spec.containers",
		accepted: []string{"spec: {template: {spec: {containers: [{name: a, image: 'r.example:5000/a/b@sha256:0'}]}}}"},
		refused: []string{
			"spec: {template: {spec: {containers: [{name: a, image: 'a:1'}, {name: b, image: ' b:1'}]}}}",
			"spec: {template: {spec: {containers: [{name: a}]}}}", "spec: {template: {spec: {containers: [{name: a, image: ''}]}}}",
		},
	},
	{
		message:  "each init container needs an image, written without white space: give or mend image in template.spec.initContainers",
		accepted: []string{"spec: {template: {spec: {initContainers: [{name: a, image: 'a:1'}]}}}"},
		refused: []string{
			"spec: {template: {spec: {initContainers: [{name: a, image: 'a: 1'}]}}}", "spec: {template: {spec: {initContainers: [{name: a}]}}}",
		},
	},
	{
		message: "port " + workersPort + " is the worker's in every pod: let the container listen on another, and change containerPort " +
			"in template.spec.containers",
		accepted: []string{"spec: {template: {spec: {containers: [{name: a, image: i, ports: [{containerPort: 9441}]}]}}}"},
		refused:  []string{"spec: {template: {spec: {containers: [{name: a, image: i}, {name: b, image: i, ports: [{containerPort: 1}, {containerPort: " + workersPort + "}]}]}}}"},
	},
	{
		message:  "names of volumes that begin with convoy- are Convoy's own: give the template's volume another name",
		accepted: []string{"spec: {template: {spec: {volumes: [{name: my-convoy-state, emptyDir: {}}]}}}"},
		refused:  []string{"spec: {template: {spec: {volumes: [{name: a, emptyDir: {}}, {name: convoy-state, emptyDir: {}}]}}}"},
	},
	{
		message: "with delivery.type Embedded the template's first container is the worker, and variables that begin with CONVOY_ are " +
			"Convoy's own: remove them from its env",
		accepted: []string{
			"spec: {template: {spec: {containers: [{name: a, image: i, env: [{name: CONVOY_SETTINGS}]}]}}}",
			"spec: {delivery: {type: Embedded}, template: {spec: {containers: [{name: a, image: i, env: [{name: MY_CONVOY_A}]}, {name: b, image: i, env: [{name: CONVOY_A}]}]}}}",
		},
		refused: []string{"spec: {delivery: {type: Embedded}, template: {spec: {containers: [{name: a, image: i, env: [{name: A}, {name: CONVOY_SETTINGS}]}]}}}"},
	},
	{
		message: "template.spec.terminationGracePeriodSeconds is 0 to 2592000 (30 days): give the seconds that the handler needs after " +
			"SIGTERM, or leave it out",
		accepted: []string{
			"spec: {template: {spec: {terminationGracePeriodSeconds: 0}}}", "spec: {template: {spec: {terminationGracePeriodSeconds: 2592000}}}",
		},
		refused: []string{
			"spec: {template: {spec: {terminationGracePeriodSeconds: -1}}}", "spec: {template: {spec: {terminationGracePeriodSeconds: 2592001}}}",
		},
	},
	{
		message:  "template.spec.nodeName would bind every worker to one node, past the scheduler: remove it and use nodeSelector or affinity",
		accepted: []string{"spec: {template: {spec: {nodeSelector: {disk: ssd}}}}"},
		refused:  []string{"spec: {template: {spec: {nodeName: node-1}}}"},
	},
	{
		message:  "readiness gates under convoy.dev/ are Convoy's own, which adds them itself: remove the template's",
		accepted: []string{"spec: {template: {spec: {readinessGates: [{conditionType: example.org/convoy.dev}]}}}"},
		refused:  []string{"spec: {template: {spec: {readinessGates: [{conditionType: a}, {conditionType: convoy.dev/serving}]}}}"},
	},
	{
		message:  "finalizers under convoy.dev/ are Convoy's own, which adds them itself: remove the template's",
		accepted: []string{"spec: {template: {metadata: {finalizers: [example.org/a]}}}"},
		refused:  []string{"spec: {template: {metadata: {finalizers: [example.org/a, convoy.dev/drained]}}}"},
	},
	{
		message:  "pods are named for the pool and live in its namespace: remove name and namespace from template.metadata",
		accepted: []string{"spec: {template: {metadata: {}}}"},
		refused:  []string{"spec: {template: {metadata: {name: a}}}", "spec: {template: {metadata: {namespace: a}}}"},
	},
	{
		message: "template: a sidecar's preStop hook runs as soon as the pod is deleted, before the worker has drained, and would " +
			"fail the calls that go through it: handle SIGTERM instead, it comes after the drain, or set handoff.allowPreStop to true",
		accepted: []string{
			"spec: {template: {spec: {initContainers: [{name: proxy, image: i, restartPolicy: Always}]}}}",
			"spec: {handoff: {allowPreStop: true}, template: {spec: {initContainers: [{name: proxy, image: i, restartPolicy: Always, lifecycle: {preStop: {sleep: {seconds: 1}}}}]}}}",
		},
		refused: []string{"spec: {template: {spec: {initContainers: [{name: a}, {name: proxy, restartPolicy: Always, lifecycle: {preStop: {sleep: {seconds: 1}}}}]}}}"},
	},
	{
		message: "template: a preStop hook runs before the worker has drained and would fail the calls that still run: " +
			"handle SIGTERM instead, it comes after the drain, or set handoff.allowPreStop to true",
		accepted: []string{
			"spec: {template: {spec: {containers: [{name: handler, image: i, lifecycle: {postStart: {sleep: {seconds: 1}}}}]}}}",
			"spec: {handoff: {allowPreStop: true}, template: {spec: {containers: [{name: handler, image: i, lifecycle: {preStop: {sleep: {seconds: 1}}}}]}}}",
		},
		refused: []string{"spec: {template: {spec: {containers: [{name: a}, {name: b, lifecycle: {preStop: {sleep: {seconds: 1}}}}]}}}"},
	},
}
