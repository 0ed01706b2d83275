// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

// mendedHoles are seeds that broke a rule before the code, or the protocol, was mended. A seed plays another schedule once
// the world is modelled otherwise, so that what keeps a hole mended is the test or story of the package that was mended.
var mendedHoles = []struct {
	seed uint64
	what string
}{
	{117, "a table put back to a revision that mailboxes also had, of another history, was believed"},
	{399, "a table was put back and a mailbox deleted: the lane was granted beside its owner"},
	{212026, "two workers claimed one lane at the same epoch; the one that was asked to give it back had never opened it"},
	{2031, "a table was put back: an ordinary grant of the lost history reached a frozen worker late"},
	{200, "a pod was bound again while a smaller Deployment was about to delete it"},
	{422, "likewise"},
	{507, "likewise"},
	{134, "an old view of the pods made the Deployment smaller"},
	{8513, "ReplicaSets too large in a rollout counted as a shrink under way: nobody was bound any more"},
	{119631, "a worker opened one token twice: late progress of the first session counted in the second"},
	{17328, "likewise, after a revoke that a rebuilt table took back"},
	{1208, "a table was put back and the owner's mailbox deleted: a rebuilt table believed a stopped pod's older claim"},
	{6564, "likewise"},
	{3452, "a serving gate too many, from an old view of the pods"},
	{126, "a slot waited for a pod that had got another slot"},
	{9359, "the Deployment was made smaller before a needed pod was seen ready"},
	{1037, "likewise"},
	{1520, "more gates were open than the Deployment was to have pods"},
	{6812, "likewise"},
	{791, "a gate turned True before the old pod was seen not ready: the oldest ReplicaSet lost another pod"},
	{4272, "likewise"},
	{710, "a rollout stopped by quota was shrunk in proportion"},
	{110691, "a late copy of an append put a message into the park again, behind its successors"},
	{111339, "likewise, after the message had been run"},
	{3199, "a late copy of the first progress write of an owner made older progress acceptable"},
	{539, "a completion of a superseded worker was taken for recorded"},
	{2042814, "a Deployment of two ReplicaSets was shrunk again while the first step was being passed on"},
	{2001209, "an evicted pod, still counted as ready, made up for one at work"},
	{5067950, "a pod that was new made up for one that was gone, in another ReplicaSet"},
	{2027329, "a gate opened beside a ready pod that the ReplicaSets had not counted yet"},
	{5059224, "a deposed leader opened a gate that had been closed since"},
	{9013949, "an old count of ready pods fitted, with one given up and one bound again in each other's place"},
	{1759, "a pod bound again was as cheap as the idle one when the Deployment shrank"},
	{19040564, "a pool made anew: the first owner resigned before it had asked the broker, and the next opened above a worker that ran on"},
	{21042320, "a worker of a pool deleted by force opened a lane that it had been granted then"},
	{31157387, "a table put back came to a revision again that a worker had seen: it ignored its revoke"},
	{31157946, "likewise its grant"},
	{41007783, "the Deployment was made smaller by an idle pod that a new rollout had just taken by itself"},
	{37002186, "a worker had a grant of a lost table, unheard, when the Deployment was made smaller: nobody knew, which was not excused"},
	{60193816, "likewise, bound by one who had not seen the smaller size, and given lanes later"},
	{35085655, "a pod was deleted for a kubelet's late word that had been taken back meanwhile, which was not excused"},
	{65036412, "a size of 0 was under way for five seconds and met two pods made and bound meanwhile, which was not excused"},
	{66043381, "a rollout took one pod for another that was not yet seen ready, which was not excused"},
	{37071625, "a table put back had the revision of another history, and was believed: an answer to the one counted in the other"},
	{11003699, "a worker raised its incarnation for ever to overcome its own higher epoch"},
}
