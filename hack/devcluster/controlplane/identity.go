// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"text/template"
	"time"
)

const (
	caFile                = "ca.crt"
	servingCertFile       = "serving.crt"
	servingKeyFile        = "serving.key"
	serviceAccountKeyFile = "service-account.key"
	kubeletClientCertFile = "kubelet-client.crt"
	kubeletClientKeyFile  = "kubelet-client.key"
	tokensFile            = "tokens.csv"
)

// probeTimeout bounds one question to the API server.
const probeTimeout = 5 * time.Second

// User is someone who has a token. Kubernetes binds roles to some names and groups by default.
type User struct {
	Name  string
	Group string
	// File is the name of the kubeconfig file in the data directory.
	File string
}

var (
	admin             = User{"devcluster-admin", "system:masters", "kubeconfig"}
	controllerManager = User{"system:kube-controller-manager", "", "controller-manager.kubeconfig"}
	scheduler         = User{"system:kube-scheduler", "", "scheduler.kubeconfig"}
)

// identity is who the API server is, and who may talk to it.
type identity struct {
	dir    string
	server string
	ca     []byte // PEM
	tokens map[User]string
}

// writeIdentity makes keys, certificates, tokens and kubeconfig files for one control plane and writes them to dir.
func writeIdentity(dir, server string, config Config) (*identity, error) {
	keys, err := generateKeys(config.address())
	if err != nil {
		return nil, fmt.Errorf("making keys: %w", err)
	}
	id := &identity{dir: dir, server: server, ca: keys.caCert, tokens: map[User]string{}}
	files := map[string][]byte{
		caFile:                keys.caCert,
		servingCertFile:       keys.servingCert,
		servingKeyFile:        keys.servingKey,
		serviceAccountKeyFile: keys.serviceAccountKey,
		kubeletClientCertFile: keys.kubeletClientCert,
		kubeletClientKeyFile:  keys.kubeletClientKey,
	}
	for _, u := range append([]User{admin, controllerManager, scheduler}, config.Users...) {
		id.tokens[u] = rand.Text()
		files[tokensFile] = fmt.Appendf(files[tokensFile], "%s,%s,%s,%q\n", id.tokens[u], u.Name, u.Name, u.Group)
		files[u.File] = id.renderKubeconfig(u)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("writing credentials: %w", err)
		}
	}
	return id, nil
}

func (id *identity) kubeconfig(u User) string { return filepath.Join(id.dir, u.File) }
func (id *identity) token(u User) string      { return id.tokens[u] }

// client trusts this control plane's API server alone.
func (id *identity) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(id.ca)
	return &http.Client{
		Timeout:   probeTimeout,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}},
	}
}

var kubeconfigTemplate = template.Must(template.New("kubeconfig").Parse(`apiVersion: v1
kind: Config
current-context: devcluster
contexts:
- name: devcluster
  context: {cluster: devcluster, user: {{printf "%q" .User}}}
clusters:
- name: devcluster
  cluster:
    server: {{.Server}}
    certificate-authority-data: {{.CA}}
users:
- name: {{printf "%q" .User}}
  user: {token: {{.Token}}}
`))

func (id *identity) renderKubeconfig(u User) []byte {
	var out bytes.Buffer
	err := kubeconfigTemplate.Execute(&out, map[string]string{
		"User": u.Name, "Server": id.server, "CA": base64.StdEncoding.EncodeToString(id.ca), "Token": id.tokens[u],
	})
	if err != nil {
		panic(fmt.Sprintf("rendering a constant template of strings: %v", err))
	}
	return out.Bytes()
}
