#!/usr/bin/env bash
# Builds what the demo runs, and runs it. Its first line says what that takes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
echo "demo: from cold about 10 minutes on 2 idle cores, 180 MB of download and 7 GB of disk (Go's caches); later about 30 s and the demo's own time"
command -v go >/dev/null || { echo "Go is missing: install the version that go.mod names, or newer" >&2; exit 1; }
[ "$(uname -s)" = Linux ] || { echo "the demo needs Linux: its pods are processes with addresses of their own on loopback" >&2; exit 1; }

bin=$PWD/bin/demo
mkdir -p "$bin"
export CGO_ENABLED=0
go build -C hack/devcluster -o "$bin/devcluster" ./cmd/devcluster
"$bin/devcluster" assets --components etcd,kube-apiserver,kube-controller-manager,kube-scheduler,kubectl >/dev/null
go build -o "$bin/convoy-operator" ./controllers/cmd/operator
go build -o "$bin/convoy-worker" ./worker/cmd/worker
go build -o "$bin/handler" ./hack/e2e/cmd/handler
go build -o "$bin/convoy-demo" ./hack/demo
exec "$bin/convoy-demo" "$bin"
