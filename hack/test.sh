#!/usr/bin/env bash
# Runs every test of every module with the race detector on, against a real API server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/step.sh
source hack/step.sh

step "control plane binaries"
KUBEBUILDER_ASSETS=$(go run -C hack/devcluster ./cmd/devcluster assets \
  --components etcd,kube-apiserver,kube-controller-manager,kube-scheduler,kubectl)
export KUBEBUILDER_ASSETS
echo "    in $KUBEBUILDER_ASSETS"

gotestsum="$PWD/bin/gotestsum"
step "test runner"
go build -modfile=hack/tools/go.mod -o "$gotestsum" gotest.tools/gotestsum

step "tests: the control plane on this machine"
(cd hack/devcluster && "$gotestsum" --format pkgname -- -race ./...)

# A simulated schedule is one goroutine: the race detector finds nothing there, and makes each take eight times as long.
step "tests: 2,000 schedules of the protocol"
"$gotestsum" --format pkgname -- -timeout 20m ./hack/sim

step "tests: Convoy"
mapfile -t raced < <(go list ./... | grep -v '/hack/sim$')
"$gotestsum" --format pkgname -- -race -timeout 20m "${raced[@]}"

step "tests: the sample of a handler that is its own worker"
(cd config/samples/embedded && go build -o /dev/null . && "$gotestsum" --format pkgname -- -race ./...)
step_done
