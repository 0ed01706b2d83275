// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sim plays the ownership protocol against an adversary: the code of controllers/pool/plan, worker/drain,
// worker/order and worker/lane as it is, many workers, two operators, in a modelled world, one event at a time.
//
// One seed is one schedule. A schedule is single-threaded and draws everything (settings, delays, what the adversary
// does and when) from one source of chance, so that the same seed gives the same schedule, byte for byte. One that
// breaks a rule is gone through a second time and then tells its story: the last events of the lanes, pods and keys
// concerned, and the command to see it again.
//
//	go test ./hack/sim                                  2,000 schedules and the quick missing rules
//	make sim SEED=17 RUNS=100000                        any others
//	go run ./hack/sim/cmd/sim -seed 17 -story           the whole story of one
//	go run ./hack/sim/cmd/sim -faults                   every rule taken away, each must be found out
//
// # The world
//
//	clock, process, dice        events in order of time; processes that die, freeze and thaw; chance
//	store, apiserver, objects   objects with resourceVersions; requests that are late, lost, repeated; watches
//	kube, deployment,           what Kubernetes does with pods: rollouts with a surge and proportional scaling, choice
//	replicaset, machine,        of pods to delete by the real ranking, kubelets, restarts, back-off, grace, finalizers,
//	kubelet_status              node controller, taint manager, pod garbage collection, quota
//	broker, park                lane logs, epoch records by compare-and-swap, progress by token, the parking store
//	handler                     calls that outlive the worker and the connection
//	worker, postman, lanework,  a worker process: the real hand-over machine and the real sequencer, joined by a mailbox
//	delivery                    client, a broker client and calls of the handler
//	controller, observe, apply  an operator: observes, plans with the real plan, writes one object after another
//	adversary                   what goes wrong, and when it is mended
//	check, checkorder,          the rules, judged by the truth and not by what anybody reports
//	checkrest, checkdelete
//	pardon                      what Kubernetes deletes for a reason that is in nobody's hands here
//	faults, rulestakenaway      the rules, taken away one at a time
//
// A process that is killed does nothing more, but what it has sent arrives all the same, perhaps seconds later. One
// that is frozen does nothing until it thaws, and then goes on where it was: between the check of its hold and a call,
// too. Times are about a tenth of a real pool's.
//
// # What is modelled faithfully
//
//   - Each request is one atomic step at the server. Its answer may be lost, so that nobody knows whether it was made,
//     and the request itself may arrive after its sender gave up or died.
//   - Watches: nobody acts on half a list. Then versions of one object arrive in order, but late; objects among themselves
//     in any order, but for pods and ReplicaSets. A worker's watch may show old versions once more. Operators act on caches
//     as stale as that, or stalled for seconds.
//   - An object that is deleted and put back from a copy is another one, with another UID. Tables are put back from any
//     age, again and again, with writes of every history under way.
//   - The Deployment and ReplicaSet controllers follow the sources of Kubernetes 1.37, with caches and expectations of
//     their own, which lag but keep the order within a kind.
//   - What the API says of a pod and what runs on the machine are two things. Force deletion, pod garbage collection and
//     a finalizer stripped by hand separate them.
//   - The handler's side of the contract: a call is over timeoutSeconds after it was sent, and what carries a lower
//     token than the key's last is refused.
//
// # What is abstracted
//
//   - Leader election: two operators, either or both of which believe that they lead.
//   - Clocks run at one rate. (That a fenced worker measures no slower than the one that waits is the runner's duty.)
//   - Routing: shards are owned like lanes and held to the same rules, but nothing is routed.
//   - The broker keeps what it has acknowledged. Its data are never lost or restored. Nor is what the API server stores:
//     what is lost there, or put back, is single objects.
//   - A pool is made larger and smaller, suspended, rolled out and made anew; its other settings (the time-outs among
//     them), the number of its lanes and the versions of the protocol never change while the adversary is at work.
//   - The broker looks at the pool's claim whenever a lane is opened. The JetStream adapter looks once, when the worker
//     starts.
//   - Batches are of one message. The sequencer's own tests play them.
//
// # What is checked
//
// The rules are the constants of type Rule. Safety is looked at whenever something happens that could break it; at the
// end the adversary rests, everything is mended, and within 90 simulated seconds every lane must be owned and run,
// every message completed, the balance hold, pods and gates be as wanted, and then nobody may write any more.
//
// A process that was frozen between the check of its hold and the call may have one stale call for each running key; its
// token gives it away, but for one case: the process itself, which counts the call as over by the instant at which it was
// sent, may try the message again while the stale call is still at work.
//
// Five ways in which Kubernetes deletes a pod that runs lanes are excused, because they are in nobody's hands here; they
// are counted and told (Result.Excused), and the pods so deleted drain within their grace. An excuse follows what caused
// the deletion, from the write that took the pods to the ReplicaSet's last deletion for it, and covers as many pods as
// were taken:
//
//   - A rollout that starts while another is under way takes pods of the older one that were not yet seen ready. It covers
//     one pod for each that was at work and did not count as ready, or was bound by one who could not know that.
//   - A Deployment made larger in mid-rollout is sized in proportion, ReplicaSet by ReplicaSet; when a write of that is
//     refused its controller begins anew, and may make one smaller.
//   - A pod comes back, not having been ready for another reason, while its kubelet has not seen that its gate was closed:
//     it counts in place of the one that has got its slot. It covers the ready pods that the Deployment takes because its
//     ReplicaSets count such a one, however soon its kubelet takes that back. Likewise a status from before a gate was
//     opened comes late, and a pod at work is taken for an idle one.
//   - A Deployment is made smaller without counting a pod that is put to work meanwhile: the write was late, the table
//     having been written since its plan was made, or whoever wrote it had not seen what another operator had done to the
//     pods; or whoever bound the pod had an old view of Deployment or ReplicaSets; or nobody bound it, but a table names it
//     that was rebuilt, or put back, after the write. It covers one pod for each of these, whether or not a table still
//     names it, until there are no more pods than that size.
//   - The ReplicaSet controller chooses a pod whose containers were ready and are not, and has yet to see that they are
//     again. (One that is ill in fact is Kubernetes' choice anyway, and not counted.)
//
// # Failure handling
//
// A panic of the code under test is a broken rule like any other.
package sim
