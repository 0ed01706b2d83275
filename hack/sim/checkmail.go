// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"convoy.dev/convoy/worker/drain"
)

// specWritten is called when a spec is about to be written: what a pod was told once is never taken back, not even when
// its mailbox was deleted and made anew.
func (c *checker) specWritten(name, uid string, next drain.Spec) {
	if told := c.told[uid]; next.Revision < told && !c.mixed {
		c.fail(MailboxBack, about{pod: name}, "%s is told revision %d after revision %d", name, next.Revision, told)
	}
	c.told[uid] = max(c.told[uid], next.Revision)
}

// tableLost is called when somebody has put back or deleted the table. From then on writes of one history may come late
// and meet mailboxes of another.
func (c *checker) tableLost() { c.mixed = true }

// poolRemade is called when the pool is deleted by force and made anew: its Deployment begins without pods, and until that
// is seen pods are bound that are deleted for it.
func (c *checker) poolRemade() {
	c.tableLost()
	c.shrinks = append(c.shrinks, &shrink{written: c.w.api.deployments.get(poolName).obj.written, since: c.w.api.revision, late: true})
}

// reportWritten is called when a report is about to be written over another one.
func (c *checker) reportWritten(name string, before, next drain.Report) {
	switch {
	case next.Incarnation < before.Incarnation:
		c.fail(MailboxBack, about{pod: name}, "process %d of %s reports over process %d", next.Incarnation, name, before.Incarnation)
	case next.Observed < before.Observed:
		c.fail(MailboxBack, about{pod: name}, "%s has observed %d after %d", name, next.Observed, before.Observed)
	case before.Resigned && !next.Resigned:
		c.fail(MailboxBack, about{pod: name}, "%s has resigned, and takes it back", name)
	}
}
