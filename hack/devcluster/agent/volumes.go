// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"
)

// tokenPath is where client libraries look for a service account's token.
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// defaultTokenSeconds is the API's default for a projected token.
const defaultTokenSeconds = 3600

// volumeWriter writes the volumes of one pod.
type volumeWriter struct {
	resolver
	dir string
	// expires is when the first of the tokens does.
	expires time.Time
}

func (w *volumeWriter) dirOf(volume string) string { return filepath.Join(w.dir, "volumes", volume) }

// write makes the directory of each volume, and its files.
func (w *volumeWriter) write() error {
	for _, volume := range w.pod.Spec.Volumes {
		if err := os.MkdirAll(w.dirOf(volume.Name), 0o700); err != nil {
			return fmt.Errorf("making volume %s: %w", volume.Name, err)
		}
		files, err := w.files(volume)
		if err != nil {
			return fmt.Errorf("making volume %s: %w", volume.Name, err)
		}
		for name, content := range files {
			if err := replace(filepath.Join(w.dirOf(volume.Name), name), content); err != nil {
				return fmt.Errorf("making volume %s: %w", volume.Name, err)
			}
		}
	}
	return nil
}

// replace writes a file so that a reader sees the whole of the former or of the new content.
func replace(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// files are a volume's files by their path in it.
func (w *volumeWriter) files(volume corev1.Volume) (map[string]string, error) {
	switch {
	case volume.Secret != nil:
		all, err := w.secret(volume.Secret.SecretName, ptr.Deref(volume.Secret.Optional, false))
		return chosen(all, volume.Secret.Items), err
	case volume.ConfigMap != nil:
		all, err := w.configMap(volume.ConfigMap.Name, ptr.Deref(volume.ConfigMap.Optional, false))
		return chosen(all, volume.ConfigMap.Items), err
	case volume.Projected != nil:
		files := map[string]string{}
		for _, source := range volume.Projected.Sources {
			some, err := w.projected(source)
			if err != nil {
				return nil, err
			}
			for name, content := range some {
				files[name] = content
			}
		}
		return files, nil
	}
	return nil, nil
}

func (w *volumeWriter) projected(source corev1.VolumeProjection) (map[string]string, error) {
	switch {
	case source.Secret != nil:
		all, err := w.secret(source.Secret.Name, ptr.Deref(source.Secret.Optional, false))
		return chosen(all, source.Secret.Items), err
	case source.ConfigMap != nil:
		all, err := w.configMap(source.ConfigMap.Name, ptr.Deref(source.ConfigMap.Optional, false))
		return chosen(all, source.ConfigMap.Items), err
	case source.DownwardAPI != nil:
		return w.fields(source.DownwardAPI.Items)
	default:
		token, err := w.token(*source.ServiceAccountToken)
		return map[string]string{source.ServiceAccountToken.Path: token}, err
	}
}

func (w *volumeWriter) fields(items []corev1.DownwardAPIVolumeFile) (map[string]string, error) {
	files := map[string]string{}
	for _, item := range items {
		if item.FieldRef == nil {
			return nil, fmt.Errorf("%s is no field of the pod, and others are not known here", item.Path)
		}
		value, err := w.field(item.FieldRef.FieldPath)
		if err != nil {
			return nil, err
		}
		files[item.Path] = value
	}
	return files, nil
}

// token asks for a token that is the pod's, as the kubelet does.
func (w *volumeWriter) token(source corev1.ServiceAccountTokenProjection) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: ptr.To(ptr.Deref(source.ExpirationSeconds, defaultTokenSeconds)),
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: w.pod.Name, UID: w.pod.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	accounts := w.client.CoreV1().ServiceAccounts(w.pod.Namespace)
	made, err := accounts.CreateToken(w.ctx, w.pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking for a token of %s: %w", w.pod.Spec.ServiceAccountName, err)
	}
	if expires := made.Status.ExpirationTimestamp.Time; w.expires.IsZero() || expires.Before(w.expires) {
		w.expires = expires
	}
	return made.Status.Token, nil
}

// chosen are the items of all, under their paths, or all if none are chosen.
func chosen(all map[string]string, items []corev1.KeyToPath) map[string]string {
	if len(items) == 0 {
		return all
	}
	files := map[string]string{}
	for _, item := range items {
		if content, present := all[item.Key]; present {
			files[item.Path] = content
		}
	}
	return files
}

// kubeconfig writes a kubeconfig that uses the token and certificate in a directory.
func (w *volumeWriter) kubeconfig(server, token string) (string, error) {
	const name = "pod"
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: server, CertificateAuthority: filepath.Join(token, "ca.crt")}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {TokenFile: filepath.Join(token, "token")}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name, Namespace: w.pod.Namespace}},
		CurrentContext: name,
	}
	path := filepath.Join(w.dir, "kubeconfig")
	if err := clientcmd.WriteToFile(config, path); err != nil {
		return "", fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return path, nil
}
