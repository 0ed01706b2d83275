// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/json"
	"strings"
)

// The media types of an OCI image, https://github.com/opencontainers/image-spec.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *Platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

// Platform is what a program was compiled for, in Go's words, which are OCI's too.
type Platform struct {
	OS   string `json:"os"`
	Arch string `json:"architecture"`
}

func (p Platform) String() string { return p.OS + "/" + p.Arch }

type config struct {
	Platform
	Config  process    `json:"config"`
	RootFS  rootFS     `json:"rootfs"`
	History []creation `json:"history"`
}

type process struct {
	User       string
	Entrypoint []string
	WorkingDir string
	Labels     map[string]string `json:",omitempty"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type creation struct {
	CreatedBy string `json:"created_by"`
}

// encode is for the values above: they hold strings and numbers, which always have a form in JSON.
func encode(value any) []byte {
	content, err := json.Marshal(value)
	if err != nil {
		panic("encoding strings and numbers: " + err.Error())
	}
	return content
}

// qualified is the reference as container runtimes store it. They read "name:tag" as docker.io/library/name:tag, and
// import the name in an archive as it stands.
func qualified(reference string) string {
	host, _, found := strings.Cut(reference, "/")
	switch {
	case !found:
		return "docker.io/library/" + reference
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		return "docker.io/" + reference
	default:
		return reference
	}
}
