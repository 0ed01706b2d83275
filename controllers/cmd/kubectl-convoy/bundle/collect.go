// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"convoy.dev/convoy/api/v1alpha1"
)

// File is one file of a bundle.
type File struct {
	Name string
	Text []byte
}

// Config says what to collect.
type Config struct {
	Pool   client.ObjectKey
	Reader client.Reader
	// REST reaches the API server for what is no object: its version, and metrics of pods through it.
	REST *rest.Config
}

// part is one kind of object of a bundle.
type part struct {
	file string
	kind schema.GroupVersionKind
	// one says that the object has the pool's name; else those with the pool's label are meant.
	one bool
}

var parts = []part{
	{"convoypool", v1alpha1.GroupVersion.WithKind("ConvoyPool"), true},
	{"lanetable", v1alpha1.GroupVersion.WithKind("LaneTable"), true},
	{"convoyworkers", v1alpha1.GroupVersion.WithKind("ConvoyWorker"), false},
	{"deployments", schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, false},
	{"replicasets", schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}, false},
	{"pods", schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, false},
	{"poddisruptionbudgets", schema.GroupVersionKind{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}, false},
}

// collection is a bundle on its way.
type collection struct {
	Config
	files    []File
	refused  []string
	redactor redactor
	// objects are what was read, by file.
	objects map[string][]unstructured.Unstructured
}

// Collect reads and redacts everything. The error is for a bundle that would be empty: without its pool.
func Collect(ctx context.Context, config Config) ([]File, error) {
	c := &collection{Config: config, redactor: redactor{names: map[string]bool{config.Pool.Namespace: true}}, objects: map[string][]unstructured.Unstructured{}}
	for _, p := range parts {
		if err := c.read(ctx, p); err != nil {
			if p.file == "convoypool" {
				return nil, err
			}
			c.refuse(p.file, err)
		}
	}
	c.readNamed(ctx)
	for _, file := range fileNames(c.objects) {
		if err := c.file(file, c.objects[file]); err != nil {
			return nil, err
		}
	}
	c.readMetrics(ctx)
	if len(c.refused) > 0 {
		c.files = append(c.files, File{"refused.txt", []byte(strings.Join(c.refused, "\n") + "\n")})
	}
	return c.files, nil
}

func fileNames(objects map[string][]unstructured.Unstructured) []string {
	var names []string
	for name := range objects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (c *collection) refuse(what string, err error) {
	c.refused = append(c.refused, what+": "+err.Error())
}

func (c *collection) read(ctx context.Context, p part) error {
	if p.one {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(p.kind)
		if err := c.Reader.Get(ctx, c.Pool, object); err != nil {
			return err
		}
		c.take(p.file, *object)
		return nil
	}
	return c.list(ctx, p.file, p.kind, func(*unstructured.Unstructured) bool { return true },
		client.MatchingLabels{v1alpha1.LabelPool: c.Pool.Name})
}

func (c *collection) list(
	ctx context.Context, file string, kind schema.GroupVersionKind, wanted func(*unstructured.Unstructured) bool, options ...client.ListOption,
) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)
	if err := c.Reader.List(ctx, list, append(options, client.InNamespace(c.Pool.Namespace))...); err != nil {
		return err
	}
	for i := range list.Items {
		if wanted(&list.Items[i]) {
			c.take(file, list.Items[i])
		}
	}
	return nil
}

func (c *collection) take(file string, object unstructured.Unstructured) {
	c.objects[file] = append(c.objects[file], object)
	c.redactor.names[object.GetName()] = true
}

// readNamed reads what has neither the pool's name nor its label: actions that name it, and events about what was read.
func (c *collection) readNamed(ctx context.Context) {
	err := c.list(ctx, "convoyactions", v1alpha1.GroupVersion.WithKind("ConvoyAction"), func(action *unstructured.Unstructured) bool {
		pool, _, err := unstructured.NestedString(action.Object, "spec", "pool")
		return err == nil && pool == c.Pool.Name
	})
	if err != nil {
		c.refuse("convoyactions", err)
	}
	uids := map[string]bool{}
	for _, all := range c.objects {
		for i := range all {
			uids[string(all[i].GetUID())] = true
		}
	}
	err = c.list(ctx, "events", corev1.SchemeGroupVersion.WithKind("Event"), func(event *unstructured.Unstructured) bool {
		uid, _, err := unstructured.NestedString(event.Object, "involvedObject", "uid")
		return err == nil && uids[uid]
	})
	if err != nil {
		c.refuse("events", err)
	}
}

func (c *collection) file(name string, objects []unstructured.Unstructured) error {
	var text []byte
	for i := range objects {
		c.redactor.object(objects[i].Object)
		document, err := yaml.Marshal(objects[i].Object)
		if err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if i > 0 {
			text = append(text, "---\n"...)
		}
		text = append(text, document...)
	}
	c.files = append(c.files, File{name + ".yaml", text})
	return nil
}

// readMetrics reads the API server's version and, through it, the metrics of the pool's pods.
func (c *collection) readMetrics(ctx context.Context) {
	config := rest.CopyConfig(c.REST)
	config.GroupVersion, config.NegotiatedSerializer = &schema.GroupVersion{}, clientgoscheme.Codecs.WithoutConversion()
	direct, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		c.refuse("metrics", err)
		return
	}
	if text, err := direct.Get().AbsPath("/version").DoRaw(ctx); err != nil {
		c.refuse("version", err)
	} else {
		c.files = append(c.files, File{"server-version.json", text})
	}
	for i := range c.objects["pods"] {
		pod := c.objects["pods"][i].GetName()
		path := fmt.Sprintf("/api/v1/namespaces/%s/pods/http:%s:%d/proxy/metrics", c.Pool.Namespace, pod, v1alpha1.WorkerPort)
		text, err := direct.Get().AbsPath(path).DoRaw(ctx)
		if err != nil {
			c.refuse("metrics of "+pod, err)
			continue
		}
		c.files = append(c.files, File{"metrics/" + pod + ".txt", ours(text)})
	}
}

// ours is the lines of metrics that are the worker's and its runtime's: a user's own worker may have others.
func ours(metrics []byte) []byte {
	var kept []byte
	for line := range strings.Lines(string(metrics)) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if slices.ContainsFunc([]string{"convoy_", "go_", "process_"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			kept = append(kept, line...)
		}
	}
	return kept
}
