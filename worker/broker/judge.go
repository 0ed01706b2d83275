// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package broker

import "convoy.dev/convoy/worker/drain"

// Record is the epoch record of one lane as the broker has it. The zero Record is that of a lane that was never opened.
type Record struct {
	Token drain.Token
	// Worker is the UID of the pod whose worker wrote it.
	Worker string
}

// Overcomes says whether the grant may take the place of the lane's record; the error is a *RefusedError. A higher epoch
// overcomes every record, a higher incarnation only an earlier one of the same worker.
func (g Grant) Overcomes(record Record) error {
	own := record.Worker == g.Worker
	if record.Token.Epoch < g.Token.Epoch || own && record.Token.Less(g.Token) {
		return nil
	}
	return &RefusedError{Kind: g.Kind, Lane: g.Lane, Token: g.Token, Record: record.Token, Own: own}
}

// Adopts says whether a pool with this claim may go on with what the pool of the held claim left; the error is a
// *ClaimError. A pool that was deleted and made again may: it has another UID, and the lanes' epoch records are the floor
// that its epochs start above. One with another fingerprint may only while the pool is at rest. place is where the claim is
// kept, in words for people, for example "stream convoy_shop_orders".
func (c Claim) Adopts(held Claim, atRest bool, place string) error {
	switch {
	case c.Cluster != held.Cluster, c.Namespace != held.Namespace, c.Name != held.Name:
		return &ClaimError{Held: held, Other: true, Mend: "rename one of the two pools; if the other is gone for good, delete the " +
			place + ", which forgets how far it came"}
	case c.Fingerprint != held.Fingerprint && !atRest:
		return &ClaimError{Held: held, Mend: "the lanes hold messages that are not completed: suspend the pool, put back the source, key " +
			"expression and lanes that the claim was made with, and change them when status.claim.state is Empty; or, to begin anew, " +
			"suspend the pool and delete the " + place + ", which forgets how far it came"}
	}
	return nil
}

// Keeps says whether a worker that made this claim may open lanes while the held one stands; the error is a *ClaimError. It
// may under that of the pool made again, whose workers have higher epochs.
func (c Claim) Keeps(held Claim, place string) error {
	if err := c.Adopts(held, true, place); err != nil || c.Fingerprint == held.Fingerprint {
		return err
	}
	return &ClaimError{Held: held, Mend: "the pool was changed since this worker began, which ends by itself once its pod is replaced"}
}
