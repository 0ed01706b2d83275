#!/usr/bin/env bash
# Regenerates what is made from api/: deep copies and CRDs. With a folder as its argument it writes there instead,
# laid out as in the tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:-.}
raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT

mkdir -p "$out/api/v1alpha1" "$out/config/crd/bases"
hack/tool controller-gen paths=./api/... \
  object:headerFile=hack/boilerplate.go.txt output:object:dir="$out/api/v1alpha1" \
  crd:generateEmbeddedObjectMeta=true output:crd:dir="$raw"
go run ./hack/crdgen -in "$raw" -out "$out/config/crd/bases"
