// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// restartedAt is the annotation by which kubectl rollout restart changes a template.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

func newRestart(a *access) *cobra.Command {
	return &cobra.Command{
		Use:   "restart POOL",
		Short: "Replace a pool's pods, one after another",
		Long: "Replace a pool's pods, one after another: a rollout, in which each worker hands its lanes over before its pod is deleted. " +
			"It writes the annotation " + restartedAt + " into the pool's template, as kubectl rollout restart does with a Deployment's.",
		Example: "  kubectl convoy restart orders\n  kubectl convoy workers orders -w",
		Args:    onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error { return restart(cmd.Context(), a, args[0]) },
	}
}

func restart(ctx context.Context, a *access, argument string) error {
	c, key, err := a.find(argument)
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]any{restartedAt: time.Now().Format(time.RFC3339)},
	}}}})
	if err != nil {
		return err
	}
	pool := &v1alpha1.ConvoyPool{}
	pool.Namespace, pool.Name = key.Namespace, key.Name
	if err := c.Patch(ctx, pool, client.RawPatch(types.MergePatchType, patch), owner); err != nil {
		return err
	}
	fmt.Fprintf(a.streams.Out, "convoypool.%s/%s restarted\n", v1alpha1.GroupName, key.Name)
	return nil
}
