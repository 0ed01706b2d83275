// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

// Deployment is the pool's Deployment and its ReplicaSets, summed up: see SumUp.
type Deployment struct {
	// Replicas is spec.replicas.
	Replicas int
	// Seen has what each ReplicaSet counts, by name: what those who choose pods to delete have seen of the pods. A set
	// that is not in it has none.
	Seen map[string]Count
	// Sets is how many of its ReplicaSets are to have pods, whether or not the pods can be made: in a rollout more
	// than one.
	Sets int
	// Present is the name of the ReplicaSet of the present template, "" while there is none, or none is seen. Old is
	// how many pods all others are to have, and Available how many its rollouts keep: Replicas less maxUnavailable.
	Present        string
	Old, Available int
	// Shrinking says that one of its ReplicaSets may still be about to delete a pod for an earlier, smaller size of
	// the Deployment. What is observed must not be older than what this operator last wrote to the Deployment, or
	// this is true too.
	Shrinking bool
}

// Count is how many pods a ReplicaSet has, and how many of them are ready.
type Count struct{ Pods, Ready int }

// ReplicaSet is one ReplicaSet of the Deployment, as its object tells it.
type ReplicaSet struct {
	Name string
	// Present says that its template is the one that the Deployment has now.
	Present bool
	// Size is spec.replicas.
	Size int
	// Desired is the Deployment's size by which this one was sized last (the Deployment controller's annotation
	// deployment.kubernetes.io/desired-replicas); NotSaid when it does not say.
	Desired int
	// Pods and Ready are status.replicas and status.readyReplicas.
	Pods, Ready int
	// Observed says that its controller has observed its generation.
	Observed bool
}

// NotSaid is a ReplicaSet's Desired when its annotation is missing.
const NotSaid = -1

// SumUp sums up a Deployment of this size, whose rollouts may leave some of its pods unavailable; observed says that its
// controller has observed its generation.
//
// A new size is passed on to the ReplicaSets one after another: as long as one of several was sized by another size, or
// they do not add up, it is under way. In a rollout they exceed the Deployment by maxSurge, or by more when that was
// made smaller meanwhile, so that only too few are a sign then. One alone of the right size is right by whatever size it
// was made: the Deployment controller does not correct its annotation.
func SumUp(replicas, maxUnavailable int, observed bool, sets []ReplicaSet) Deployment {
	d := Deployment{Replicas: replicas, Available: max(0, replicas-maxUnavailable), Shrinking: !observed, Seen: map[string]Count{}}
	total, pending := 0, false
	for _, set := range sets {
		total += set.Size
		if set.Present {
			d.Present = set.Name
		} else {
			d.Old += set.Size
		}
		if set.Pods > 0 {
			d.Seen[set.Name] = Count{set.Pods, set.Ready}
		}
		if set.Size > 0 {
			d.Sets++
			pending = pending || set.Desired != NotSaid && set.Desired != replicas
		}
		d.Shrinking = d.Shrinking || !set.Observed || set.Pods > set.Size
	}
	if d.Sets > 1 && replicas > 0 {
		d.Shrinking = d.Shrinking || pending || total < replicas
	} else {
		d.Shrinking = d.Shrinking || total != replicas
	}
	return d
}

// readyAtMost is how many pods may count as ready, given how many of each ReplicaSet are seen to be. Its own count may be
// the older news or the newer, so that the higher one counts.
func (d *Deployment) readyAtMost(known map[string]int) int {
	total := 0
	for set, n := range known {
		total += max(n, d.Seen[set].Ready)
	}
	for set, seen := range d.Seen {
		if _, both := known[set]; !both {
			total += seen.Ready
		}
	}
	return total
}
