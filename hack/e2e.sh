#!/usr/bin/env bash
# Runs the end-to-end story: on the cluster that KUBECONFIG names, whose nodes have the images already, or without it on a
# cluster of one node that is started here (Linux, root) and removed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/step.sh
source hack/step.sh
export E2E_TAG=${E2E_TAG:-dev}
work=$(mktemp -d "${TMPDIR:-/tmp}/convoy-e2e.XXXXXX")

started=
clear_up() {
  [ -z "$started" ] || bin/devcluster cluster-down --state "$work/cluster" || true
  rm -rf "$work"
}
trap clear_up EXIT

step "tools"
go build -C hack/devcluster -o "$PWD/bin/devcluster" ./cmd/devcluster
kubectl=$(bin/devcluster assets --components kubectl)/kubectl
if [ -z "${KUBECONFIG:-}" ]; then
  step "images"
  bin/devcluster image --version "$E2E_TAG" --out "$work" \
    convoy-operator convoy-worker convoy-e2e-handler convoy-e2e-conductor nats-server >"$work/archives"
  step "a cluster of one node"
  started=yes
  mapfile -t archives <"$work/archives"
  bin/devcluster cluster-up --state "$work/cluster" "${archives[@]}" >"$work/environment"
  # shellcheck source=/dev/null
  source "$work/environment"
fi

step "the story"
"$kubectl" kustomize config/default >"$work/manifest.yaml"
E2E_MANIFEST="$work/manifest.yaml" go test -v -tags e2e -count=1 -timeout 30m ./hack/e2e/story -ginkgo.v
step_done
