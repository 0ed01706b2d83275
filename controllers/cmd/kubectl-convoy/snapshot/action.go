// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// UntilComplete watches an action until it is complete, and tells how it goes on whenever that is news. The error is that
// keys failed again, that the action was deleted, or the context's.
func UntilComplete(ctx context.Context, config *rest.Config, scheme *runtime.Scheme, action *v1alpha1.ConvoyAction, tell func(string)) error {
	watching, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	last := ""
	_, err = watchtools.UntilWithSync(ctx, named(watching, action), &v1alpha1.ConvoyAction{}, nil, func(event watch.Event) (bool, error) {
		seen, is := event.Object.(*v1alpha1.ConvoyAction)
		if !is || seen.UID != action.UID {
			return false, nil
		}
		if event.Type == watch.Deleted {
			return false, errors.New("the action was deleted: what it had not begun stays parked")
		}
		text, done, err := progress(seen)
		if text != last {
			last = text
			tell(text)
		}
		return done, err
	})
	return err
}

// progress is how far an action has come.
func progress(action *v1alpha1.ConvoyAction) (text string, done bool, err error) {
	status := ptr.Deref(action.Status, v1alpha1.ConvoyActionStatus{})
	made := ptr.Deref(status.Progress, v1alpha1.ActionProgress{})
	failed := ptr.Deref(made.Failed, 0)
	text = fmt.Sprintf("%d of %d keys done, %d failed again", ptr.Deref(made.Done, 0), ptr.Deref(made.Keys, 0), failed)
	c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete)
	switch {
	case c == nil:
		return "waiting for the operator", false, nil
	case c.Status != metav1.ConditionTrue:
		return text + ": " + c.Message, false, nil
	case failed > 0:
		return text, true, fmt.Errorf("%d of %d keys failed again and stay parked", failed, ptr.Deref(made.Keys, 0))
	}
	return text, true, nil
}

// named lists and watches one action.
func named(from client.WithWatch, action *v1alpha1.ConvoyAction) toolscache.ListerWatcher {
	options := func(raw metav1.ListOptions) []client.ListOption {
		raw.FieldSelector = fields.OneTermEqualSelector("metadata.name", action.Name).String()
		return []client.ListOption{client.InNamespace(action.Namespace), &client.ListOptions{Namespace: action.Namespace, Raw: &raw}}
	}
	return &toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, raw metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.ConvoyActionList{}
			return list, from.List(ctx, list, options(raw)...)
		},
		WatchFuncWithContext: func(ctx context.Context, raw metav1.ListOptions) (watch.Interface, error) {
			return from.Watch(ctx, &v1alpha1.ConvoyActionList{}, options(raw)...)
		},
	}
}
