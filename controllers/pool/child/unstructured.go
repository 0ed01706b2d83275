// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func unstructuredCopy(of map[string]any) map[string]any { return runtime.DeepCopyJSON(of) }

// child is the object below a key, made if it is missing.
func child(of map[string]any, key string) map[string]any {
	if below, ok := of[key].(map[string]any); ok {
		return below
	}
	below := map[string]any{}
	of[key] = below
	return below
}

func appendTo(of map[string]any, key string, value any) {
	list, _ := of[key].([]any)
	of[key] = append(list, value)
}

func anyValues(of map[string]string) map[string]any {
	out := make(map[string]any, len(of))
	for key, value := range of {
		out[key] = value
	}
	return out
}

// Hash stands for everything that an object is to be, but for spec.replicas and the metadata that changes by itself.
func Hash(desired *unstructured.Unstructured) (string, error) {
	content := maps.Clone(desired.Object)
	if spec, ok := content["spec"].(map[string]any); ok {
		spec = maps.Clone(spec)
		delete(spec, "replicas")
		content["spec"] = spec
	}
	text, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("hashing %s %s: %w", desired.GetKind(), desired.GetName(), err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}
