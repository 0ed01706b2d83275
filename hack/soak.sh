#!/usr/bin/env bash
# Sends MESSAGES messages, RATE of them a second, through a pool of Routed lanes on a real broker and a real API server, while
# faults happen by chance, from SEED (default: random, printed).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/step.sh
source hack/step.sh

step "control plane binaries"
KUBEBUILDER_ASSETS=$(go run -C hack/devcluster ./cmd/devcluster assets --components etcd,kube-apiserver,kubectl)
export KUBEBUILDER_ASSETS

step "faults: ${MESSAGES:=1000000} messages"
go test ./hack/faults -count=1 -v -timeout 6h -run '^TestSoak$' \
  -soak.messages "$MESSAGES" -soak.rate "${RATE:-2500}" -soak.seed "${SEED:-0}"
step_done
