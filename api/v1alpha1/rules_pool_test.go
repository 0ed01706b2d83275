// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"slices"
	"strings"
)

// leftOver is said of a number of workers that mode Backlog does not take.
const leftOver = "with scaling.mode Backlog the operator sets the number of workers from the backlog: to bound it set " +
	"scaling.minWorkers and scaling.maxWorkers, to scale by hand or by another autoscaler set scaling.mode to External; if " +
	"scaling.workers is left over from mode External take it out in the same step, for example kubectl patch convoypool " +
	`NAME --type merge -p '{"spec":{"scaling":{"mode":"Backlog","workers":null}}}'`

// poolRules are the rules on a pool's spec, but for its template.
var poolRules = []rule{
	{
		message: "metadata.name becomes a label of the pods and part of names in the broker: use at most 63 lower-case " +
			"letters, digits and '-', beginning with a letter and ending with a letter or digit",
		accepted: []string{"metadata: {name: orders-2}", "metadata: {name: " + strings.Repeat("o", 63) + "}"},
		refused: []string{
			"metadata: {name: shop.orders}", "metadata: {name: 2orders}",
			"metadata: {name: " + strings.Repeat("o", 64) + "}",
		},
	},
	{
		message:  "set exactly one source: nats",
		accepted: []string{`spec: {source: {nats: {servers: ["nats://other"], stream: S}}}`},
		refused:  []string{"spec: {source: {nats: null}}"},
	},
	{
		message: "write a server as scheme://host:port with the scheme nats, tls, ws or wss, for example " +
			"nats://nats:4222; a port is 1 to 65535; credentials belong in auth",
		accepted: []string{
			`spec: {source: {nats: {servers: ["nats://nats", "nats://a_b.c-d.:4222", "nats://10.0.0.1"]}}}`, `spec: {source: {nats: {servers: ["tls://[::1]:4222"]}}}`,
			`spec: {source: {nats: {servers: ["wss://nats.example.org:443/"]}}}`, `spec: {source: {nats: {servers: ["nats://a:1", "nats://a:65535"]}}}`,
		},
		refused: []string{
			`spec: {source: {nats: {servers: ["nats:4222"]}}}`, `spec: {source: {nats: {servers: ["http://nats"]}}}`,
			`spec: {source: {nats: {servers: ["nats://user:secret@nats:4222"]}}}`,
			`spec: {source: {nats: {servers: ["nats://a,nats://b"]}}}`, `spec: {source: {nats: {servers: ["nats://a:0"]}}}`,
			`spec: {source: {nats: {servers: ["nats://a:65536"]}}}`, `spec: {source: {nats: {servers: ["nats://a:99999"]}}}`,
			`spec: {source: {nats: {servers: ["nats://..."]}}}`, `spec: {source: {nats: {servers: ["nats://a-"]}}}`,
		},
	},
	{
		message:  "servers are reached either all by WebSocket (ws, wss) or none: give one kind",
		accepted: []string{`spec: {source: {nats: {servers: ["ws://a", "wss://b"]}}}`, `spec: {source: {nats: {servers: ["nats://a", "tls://b"]}}}`},
		refused:  []string{`spec: {source: {nats: {servers: ["ws://a", "nats://b"]}}}`},
	},
	{
		message:  "a stream name has no spaces, dots, '*', '>', '/' or '\\': copy it from `nats stream ls`",
		accepted: []string{"spec: {source: {nats: {stream: ORDERS_2-eu}}}"},
		refused: []string{
			"spec: {source: {nats: {stream: orders.eu}}}", "spec: {source: {nats: {stream: 'OR DERS'}}}",
			`spec: {source: {nats: {stream: 'OR*'}}}`, `spec: {source: {nats: {stream: 'a/b'}}}`, `spec: {source: {nats: {stream: 'a\b'}}}`,
		},
	},
	{
		message: "write a subject as tokens with dots between them; '*' stands for one token, '>' for all that follow and " +
			"comes last, for example orders.*.created or orders.>",
		accepted: []string{
			`spec: {source: {nats: {subjects: ["orders.*.created"]}}}`, `spec: {source: {nats: {subjects: [">"]}}}`,
			`spec: {source: {nats: {subjects: ["*.eu.>"]}}}`,
		},
		refused: []string{
			`spec: {source: {nats: {subjects: ["orders..eu"]}}}`, `spec: {source: {nats: {subjects: ["orders.>.eu"]}}}`,
			`spec: {source: {nats: {subjects: ["orders.e*"]}}}`, `spec: {source: {nats: {subjects: ["orders eu"]}}}`,
			`spec: {source: {nats: {subjects: ["orders."]}}}`,
		},
	},
	{
		message: "subjects overlap, which the broker refuses: remove the narrower ones",
		accepted: []string{
			`spec: {source: {nats: {subjects: ["orders.eu.>", "orders.us.>", "orders"]}}}`,
			`spec: {source: {nats: {subjects: ["*.eu", "*.us", "*"]}}}`, `spec: {source: {nats: {subjects: ["a.>", "a"]}}}`,
		},
		refused: []string{
			`spec: {source: {nats: {subjects: ["orders.>", "orders.eu"]}}}`, `spec: {source: {nats: {subjects: ["orders.*", "*.eu"]}}}`,
			`spec: {source: {nats: {subjects: ["a.b.>", "a.>"]}}}`, `spec: {source: {nats: {subjects: [">", "x.y.z"]}}}`,
		},
	},
	{
		message:  "time goes with type Time: set both, or remove time",
		accepted: []string{`spec: {source: {nats: {startFrom: {type: Time, time: "2026-01-01T00:00:00Z"}}}}`, "spec: {source: {nats: {startFrom: {type: New}}}}"},
		refused: []string{
			`spec: {source: {nats: {startFrom: {time: "2026-01-01T00:00:00Z"}}}}`, "spec: {source: {nats: {startFrom: {type: Time}}}}",
		},
	},
	{
		message: "set exactly one of userPassword, token, nkey and creds; leave auth out for servers that ask for nothing",
		accepted: []string{
			"spec: {source: {nats: {auth: {userPassword: {secretName: s}}}}}", "spec: {source: {nats: {auth: {token: {secretName: s, key: k}}}}}",
			"spec: {source: {nats: {auth: {nkey: {secretName: s, key: k}}}}}", "spec: {source: {nats: {auth: {creds: {secretName: s, key: k}}}}}",
		},
		refused: []string{
			"spec: {source: {nats: {auth: {}}}}",
			"spec: {source: {nats: {auth: {token: {secretName: s, key: k}, nkey: {secretName: s, key: k}}}}}",
		},
	},
	{
		message:  "routed goes with type Routed: remove it, or set type to Routed",
		accepted: []string{"spec: {lanes: {routed: {count: 1}}}", "spec: {lanes: {type: Routed}}"},
		refused:  []string{"spec: {lanes: {type: Native, routed: {}, native: {nats: {subjects: ['a.{lane}'], count: 1}}}}"},
	},
	{
		message:  "native goes with type Native: set both, or remove native",
		accepted: []string{"spec: {lanes: {type: Native, native: {nats: {subjects: ['a.{lane}'], count: 1}}}}"},
		refused:  []string{"spec: {lanes: {type: Native}}", "spec: {lanes: {native: {nats: {subjects: ['a.{lane}'], count: 1}}}}"},
	},
	{
		message:  "set exactly one member, the same as in source: nats",
		accepted: []string{"spec: {lanes: {type: Native, native: {nats: {subjects: ['a.{lane}'], count: 1}}}}"},
		refused:  []string{"spec: {lanes: {type: Native, native: {}}}"},
	},
	{
		message: "write {lane} once, as a token of its own, where the number of the lane stands, for example orders.{lane}.>",
		accepted: []string{
			"spec: {lanes: {type: Native, native: {nats: {subjects: ['orders.{lane}.*'], count: 4}}}}",
			"spec: {lanes: {type: Native, native: {nats: {subjects: ['{lane}'], count: 4}}}}",
		},
		refused: []string{
			"spec: {lanes: {type: Native, native: {nats: {subjects: ['orders.p{lane}.*'], count: 4}}}}",
			"spec: {lanes: {type: Native, native: {nats: {subjects: ['orders.{lane}p'], count: 4}}}}",
			"spec: {lanes: {type: Native, native: {nats: {subjects: ['orders.>'], count: 4}}}}",
			"spec: {lanes: {type: Native, native: {nats: {subjects: ['{lane}.{lane}'], count: 4}}}}",
			"spec: {lanes: {type: Native, native: {nats: {subjects: ['{lane}.{key}'], count: 4}}}}",
		},
	},
	{
		message: "write a subject as tokens with dots between them; '*' stands for one token, '>' for all that follow and " +
			"comes last, for example orders.{lane}.>",
		accepted: []string{"spec: {lanes: {type: Native, native: {nats: {subjects: ['*.{lane}.>'], count: 4}}}}"},
		refused:  []string{"spec: {lanes: {type: Native, native: {nats: {subjects: ['orders.>.{lane}'], count: 4}}}}"},
	},
	{
		message:  "subjects of a lane overlap, which the broker refuses: remove the narrower ones",
		accepted: []string{"spec: {lanes: {type: Native, native: {nats: {subjects: ['a.{lane}', 'b.{lane}'], count: 4}}}}"},
		refused:  []string{"spec: {lanes: {type: Native, native: {nats: {subjects: ['a.{lane}', '*.{lane}'], count: 4}}}}"},
	},
	{
		message:  "management Existing needs the name of the store: set name",
		accepted: []string{"spec: {lanes: {routed: {store: {management: Existing, name: LANES}}}}", "spec: {lanes: {routed: {store: {}}}}"},
		refused:  []string{"spec: {lanes: {routed: {store: {management: Existing}}}}"},
	},
	{
		message:  "an Existing store keeps its own settings: remove replicas and maxBytes, or set management to Managed",
		accepted: []string{"spec: {lanes: {routed: {store: {name: LANES, replicas: 3, maxBytes: 10737418240}}}}"},
		refused: []string{
			"spec: {lanes: {routed: {store: {management: Existing, name: LANES, replicas: 3}}}}",
			"spec: {lanes: {routed: {store: {management: Existing, name: LANES, maxBytes: 10737418240}}}}",
		},
	},
	{
		message:  "a store's name has no spaces, dots, '*', '>', '/' or '\\': choose another name",
		accepted: []string{"spec: {lanes: {routed: {store: {name: CONVOY_orders-1}}}}"},
		refused:  []string{"spec: {lanes: {routed: {store: {name: lanes.orders}}}}"},
	},
	{
		message:  "source.nats.subjects is for Routed lanes: with lanes.type Native remove it, lanes.native.nats.subjects says what is read",
		accepted: []string{"spec: {source: {nats: {subjects: [a]}}}"},
		refused:  []string{"spec: {source: {nats: {subjects: [a]}}, lanes: {type: Native, native: {nats: {subjects: ['a.{lane}'], count: 1}}}}"},
	},
	{
		message:  "http goes with type HTTP: remove it, or set type to HTTP",
		accepted: []string{"spec: {delivery: {http: {port: 1}}}", "spec: {delivery: {type: Embedded}}"},
		refused:  []string{"spec: {delivery: {type: Embedded, http: {}}}"},
	},
	{
		message: "a path begins with / and has no spaces, control characters, query or fragment, and two hexadecimal digits after " +
			"each %, for example /events",
		accepted: []string{"spec: {delivery: {http: {path: /a/b.c}}}", "spec: {delivery: {http: {path: /a%2Fb%c3}}}"},
		refused: []string{
			"spec: {delivery: {http: {path: events}}}", "spec: {delivery: {http: {path: '/a b'}}}", "spec: {delivery: {http: {path: '/a?b'}}}",
			"spec: {delivery: {http: {path: /a%zz}}}", "spec: {delivery: {http: {path: /a%2}}}", `spec: {delivery: {http: {path: "/a\u0001"}}}`,
		},
	},
	{
		message:  "port " + workersPort + " is the worker's in every pod: let the handler listen on another",
		accepted: []string{"spec: {delivery: {http: {port: 9441}}}"},
		refused:  []string{"spec: {delivery: {http: {port: " + workersPort + "}}}"},
	},
	{
		message:  "with delivery.type Embedded the template's first container is the worker: remove worker.image, worker.imagePullPolicy and worker.resources and set them in the template",
		accepted: []string{"spec: {delivery: {type: Embedded}, worker: {logLevel: Debug}}", "spec: {worker: {image: a, imagePullPolicy: Never, resources: {}}}"},
		refused: []string{
			"spec: {delivery: {type: Embedded}, worker: {image: a}}", "spec: {delivery: {type: Embedded}, worker: {imagePullPolicy: Never}}",
			"spec: {delivery: {type: Embedded}, worker: {resources: {}}}",
		},
	},
	{
		message:  "initialBackoffMilliseconds must be at most maxBackoffMilliseconds: lower the former or raise the latter",
		accepted: []string{"spec: {delivery: {retry: {initialBackoffMilliseconds: 7, maxBackoffMilliseconds: 7}}}"},
		refused: []string{
			"spec: {delivery: {retry: {initialBackoffMilliseconds: 8, maxBackoffMilliseconds: 7}}}",
			"spec: {delivery: {retry: {initialBackoffMilliseconds: 30001}}}", "spec: {delivery: {retry: {maxBackoffMilliseconds: 199}}}",
		},
	},
	{
		message:  "park goes with type Park: remove it, or set type to Park",
		accepted: []string{"spec: {delivery: {onFailure: {park: {maxKeys: 1}}}}", "spec: {delivery: {onFailure: {type: Block}}}"},
		refused:  []string{"spec: {delivery: {onFailure: {type: Block, park: {}}}}", "spec: {delivery: {onFailure: {type: DeadLetter, park: {}}}}"},
	},
	{
		message: "delivery.onFailure.deadLetter is used by nobody: remove it, or set delivery.onFailure.type or key.onMissing to DeadLetter",
		accepted: []string{
			"spec: {key: {onMissing: Block}, delivery: {onFailure: {type: DeadLetter, deadLetter: {destination: dead}}}}",
			"spec: {delivery: {onFailure: {type: Block, deadLetter: {destination: dead}}}}",
		},
		refused: []string{"spec: {key: {onMissing: Block}, delivery: {onFailure: {deadLetter: {destination: dead}}}}"},
	},
	{
		message:  "write a destination as tokens with dots between them, without wildcards, for example orders.dead",
		accepted: []string{"spec: {delivery: {onFailure: {deadLetter: {destination: orders.dead}}}}"},
		refused:  []string{"spec: {delivery: {onFailure: {deadLetter: {destination: 'orders.>'}}}}", "spec: {delivery: {onFailure: {deadLetter: {destination: 'a..b'}}}}"},
	},
	{
		message:  "minWorkers must be at most maxWorkers: lower the former or raise the latter",
		accepted: []string{"spec: {scaling: {minWorkers: 3, maxWorkers: 3}}", "spec: {scaling: {minWorkers: 0}}"},
		refused:  []string{"spec: {scaling: {minWorkers: 4, maxWorkers: 3}}", "spec: {scaling: {minWorkers: 11}}"},
	},
	{
		message:  leftOver,
		accepted: []string{"spec: {scaling: {mode: External, workers: 3}}", "spec: {scaling: {mode: External}}"},
		refused:  []string{"spec: {scaling: {workers: 3}}", "spec: {scaling: {mode: Backlog, workers: 3}}", "spec: {scaling: {workers: 11}}"},
	},
	{
		message:  "scaling.workers is below scaling.minWorkers: ask for more workers or lower minWorkers (0 lets an autoscaler scale to zero)",
		accepted: []string{"spec: {scaling: {mode: External, minWorkers: 0, workers: 0}}", "spec: {scaling: {mode: External, workers: 1}}"},
		refused:  []string{"spec: {scaling: {mode: External, workers: 0}}"},
	},
	{
		message: "scaling.workers is above scaling.maxWorkers: ask for fewer workers (before you lower maxWorkers: " +
			"kubectl scale convoypool NAME --replicas=N) or raise maxWorkers",
		accepted: []string{"spec: {scaling: {mode: External, workers: 10}}"},
		refused:  []string{"spec: {scaling: {mode: External, workers: 11}}"},
	},
	{
		message:  leftOver,
		stored:   &stored{object: "spec: {scaling: {mode: External, workers: 7}}"},
		accepted: []string{"spec: {scaling: {mode: Backlog, workers: null}}", "spec: {scaling: {maxWorkers: 7}}"},
		refused:  []string{"spec: {scaling: {mode: Backlog}}", "spec: {scaling: {mode: Backlog, maxWorkers: 5}}"},
	},
	{
		message: "scaling.minWorkers is above the number of lanes, and a worker without a lane has nothing to do: lower " +
			"scaling.minWorkers, or raise lanes.routed.count (with type Native lanes.native.nats.count)",
		accepted: []string{
			"spec: {scaling: {minWorkers: 64, maxWorkers: 99}}", "spec: {scaling: {minWorkers: 2}, lanes: {routed: {count: 2}}}",
			"spec: {scaling: {minWorkers: 4}, lanes: {" + native + "}}",
		},
		refused: []string{
			"spec: {scaling: {minWorkers: 65, maxWorkers: 99}}", "spec: {scaling: {minWorkers: 2}, lanes: {routed: {count: 1}}}",
			"spec: {scaling: {minWorkers: 5}, lanes: {" + native + "}}",
		},
	},
	{
		message: "lanes.routed.store.name is the source's own stream, and messages would be routed in a circle: give the lanes a " +
			"stream of their own, or leave name out",
		accepted: []string{"spec: {lanes: {routed: {store: {name: LANES}}}}"},
		refused: []string{
			"spec: {lanes: {routed: {store: {name: ORDERS}}}}", "spec: {lanes: {routed: {store: {management: Existing, name: ORDERS}}}}",
		},
	},
	{
		message: "delivery.onFailure.deadLetter.destination is among the subjects that the pool reads, and dead letters would come " +
			"back as messages: choose a destination outside source.nats.subjects and lanes.native.nats.subjects",
		accepted: []string{
			deadLetter("a.b", ""), deadLetter("orders.dead", "source: {nats: {subjects: [orders, 'orders.*.x', 'other.>']}}"),
			deadLetter("orders", "source: {nats: {subjects: ['orders.>', 'x.*']}}"), deadLetter("a.b.c", "lanes: {"+native+"}"),
		},
		refused: []string{
			deadLetter("orders.dead", "source: {nats: {subjects: [x, orders.dead]}}"),
			deadLetter("orders.dead", "source: {nats: {subjects: ['*.dead']}}"),
			deadLetter("orders.dead.x", "source: {nats: {subjects: ['orders.>']}}"),
			deadLetter("orders", "source: {nats: {subjects: ['>']}}"), deadLetter("a.3", "lanes: {"+native+"}"),
		},
	},
	{
		message:  "a Secret's name is of lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit: copy it from `kubectl get secrets`",
		accepted: secrets("nats-orders.2", "a.creds"),
		refused:  slices.Concat(secrets("Nats", "k"), secrets("-a", "k"), secrets("a_b", "k"), secrets("a..b", "k")),
	},
	{
		message:  "a key of a Secret is of letters, digits, '-', '_' and '.', and does not begin with '..': copy it from `kubectl describe secret`",
		accepted: slices.Concat(keys("A_b-c.d"), keys(".hidden")),
		refused:  slices.Concat(keys("a/b"), keys("a b"), keys(".."), keys("..a"), keys(".")),
	},
	{
		message:  "a key expression is not blank: write CEL over the message, for example body.order_id",
		accepted: []string{"spec: {key: {expression: ' key '}}"},
		refused:  []string{"spec: {key: {expression: ' '}}", `spec: {key: {expression: "\t\n"}}`},
	},
	{
		message:  "an image has no white space: write it as registry/name:tag, for example registry.shop.example/convoy-worker:v0.3.0",
		accepted: []string{"spec: {worker: {image: 'localhost:5000/w@sha256:0'}}"},
		refused:  []string{"spec: {worker: {image: 'w:1 '}}", "spec: {worker: {image: 'a b'}}"},
	},
	{
		message: "a request is above its limit: lower it in worker.resources.requests or raise it in worker.resources.limits",
		accepted: []string{
			"spec: {worker: {resources: {requests: {cpu: 500m}, limits: {cpu: 1}}}}",
			"spec: {worker: {resources: {requests: {cpu: 2, memory: 1Gi}, limits: {memory: 1024Mi}}}}",
		},
		refused: []string{
			"spec: {worker: {resources: {requests: {cpu: 2}, limits: {cpu: 1500m}}}}",
			"spec: {worker: {resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1, memory: 1023Mi}}}}",
			"spec: {worker: {resources: {requests: {ephemeral-storage: 2G}, limits: {ephemeral-storage: 1G}}}}",
		},
	},
	{
		message:  "a request or limit is negative: give 0 or more in worker.resources.requests and worker.resources.limits",
		accepted: []string{"spec: {worker: {resources: {requests: {cpu: 0}, limits: {memory: 1Gi}}}}"},
		refused: []string{
			"spec: {worker: {resources: {requests: {cpu: -1m}}}}", "spec: {worker: {resources: {limits: {memory: -1Gi}}}}",
			"spec: {worker: {resources: {limits: {ephemeral-storage: -1}}}}",
		},
	},
	{
		message:  "target goes with mode Backlog: remove it, the external scaler has a target of its own",
		accepted: []string{"spec: {scaling: {target: {drainSeconds: 5}}}"},
		refused:  []string{"spec: {scaling: {mode: External, target: {drainSeconds: 5}}}"},
	},
	{
		message:  "behavior goes with mode Backlog: remove it, the external scaler has a behavior of its own",
		accepted: []string{"spec: {scaling: {behavior: {scaleDown: {selectPolicy: Disabled}}}}"},
		refused:  []string{"spec: {scaling: {mode: External, behavior: {scaleDown: {selectPolicy: Disabled}}}}"},
	},
	{
		message:  "set exactly one of drainSeconds and backlogPerWorker",
		accepted: []string{"spec: {scaling: {target: {drainSeconds: 5}}}", "spec: {scaling: {target: {backlogPerWorker: 5}}}"},
		refused:  []string{"spec: {scaling: {target: {}}}", "spec: {scaling: {target: {drainSeconds: 5, backlogPerWorker: 5}}}"},
	},
	{
		message:  "handoff.drainTimeoutSeconds must be at least delivery.timeoutSeconds, so that a running call can end within a drain: raise the former or lower the latter",
		accepted: []string{"spec: {delivery: {timeoutSeconds: 60}}", "spec: {handoff: {drainTimeoutSeconds: 30}}"},
		refused:  []string{"spec: {delivery: {timeoutSeconds: 61}}", "spec: {handoff: {drainTimeoutSeconds: 29}}"},
	},
	{
		message:  "with maxSurge and maxUnavailable both 0 no pod could be replaced: set one of them to 1 or more",
		accepted: []string{"spec: {rollout: {maxSurge: 0, maxUnavailable: 1}}", "spec: {rollout: {maxSurge: 2}}"},
		refused:  []string{"spec: {rollout: {maxSurge: 0}}"},
	},
}

// deadLetter is a patch that sends dead letters to a destination, with something else in the spec.
func deadLetter(destination, with string) string {
	return fmt.Sprintf("spec: {delivery: {onFailure: {deadLetter: {destination: %s}}}, %s}", destination, with)
}

// secrets are patches that name a Secret in each place where a source can.
func secrets(name, key string) []string {
	ref := fmt.Sprintf("{secretName: '%s', key: '%s'}", name, key)
	return []string{
		"spec: {source: {nats: {auth: {token: " + ref + "}}}}", "spec: {source: {nats: {auth: {nkey: " + ref + "}}}}",
		"spec: {source: {nats: {auth: {creds: " + ref + "}}}}", "spec: {source: {nats: {tls: {ca: " + ref + "}}}}",
		"spec: {source: {nats: {auth: {userPassword: {secretName: '" + name + "'}}}}}",
		"spec: {source: {nats: {tls: {clientCertSecretName: '" + name + "'}}}}",
	}
}

// keys are patches that name a key of a Secret in each place where a source can.
func keys(key string) []string {
	return append(secrets("s", key)[:4],
		"spec: {source: {nats: {auth: {userPassword: {secretName: s, usernameKey: '"+key+"'}}}}}",
		"spec: {source: {nats: {auth: {userPassword: {secretName: s, passwordKey: '"+key+"'}}}}}")
}

func init() {
	for _, rules := range [][]rule{poolRules, templateRules, fixedRules} {
		for i := range rules {
			rules[i].kind = "ConvoyPool"
		}
	}
}
