// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// displayed is how the program is called.
const displayed = "kubectl convoy"

// New is the program's command line.
func New(streams genericiooptions.IOStreams, version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-convoy",
		Short: "See and mend Convoy's pools",
		Long: "See and mend Convoy's pools: which worker holds which lane, why a pool is not Ready, and where a message belongs.\n\n" +
			"It shows what is in the cluster's objects, and asks no broker; peek alone asks a worker.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: displayed},
		Version:       version,
		SilenceErrors: true, SilenceUsage: true,
	}
	a := &access{config: genericclioptions.NewConfigFlags(true).WithDeprecatedPasswordFlag(), streams: streams}
	a.config.AddFlags(root.PersistentFlags())
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(misused)
	root.AddCommand(
		newLanes(a), newWorkers(a), newExplain(a), newKey(a), newPeek(a), newTop(a), newParked(a), newRelease(a), newDiscard(a), newRestart(a), newBundle(a),
	)
	completeNamespaces(root, a)
	return root
}
