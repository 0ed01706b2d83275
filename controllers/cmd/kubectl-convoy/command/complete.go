// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// completionTime is how long a shell waits for names.
const completionTime = 5 * time.Second

// completePools completes the first argument with the names of the namespace's pools.
func completePools(a *access) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := a.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		pools := &v1alpha1.ConvoyPoolList{}
		return listed(cmd, c, pools, func() []string {
			var names []string
			for i := range pools.Items {
				names = append(names, pools.Items[i].Name)
			}
			return names
		}, client.InNamespace(c.namespace))
	}
}

// completeNamespaces completes --namespace with the cluster's namespaces.
func completeNamespaces(root *cobra.Command, a *access) {
	complete := func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		c, err := a.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		namespaces := &corev1.NamespaceList{}
		return listed(cmd, c, namespaces, func() []string {
			var names []string
			for i := range namespaces.Items {
				names = append(names, namespaces.Items[i].Name)
			}
			return names
		})
	}
	if err := root.RegisterFlagCompletionFunc("namespace", complete); err != nil {
		panic(err) // the flag is not there
	}
}

func listed(
	cmd *cobra.Command, c client.Reader, list client.ObjectList, names func() []string, options ...client.ListOption,
) ([]string, cobra.ShellCompDirective) {
	ctx, done := context.WithTimeout(cmd.Context(), completionTime)
	defer done()
	if err := c.List(ctx, list, options...); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names(), cobra.ShellCompDirectiveNoFileComp
}
