#!/usr/bin/env bash
# Lints every module with the project's one configuration; import boundaries and licence headers are rules of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lint="$PWD/bin/golangci-lint"
go build -modfile=hack/tools/go.mod -o "$lint" sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter
for module in . hack/devcluster hack/bench/peer config/samples/embedded; do
  (cd "$module" && "$lint" run --config "$OLDPWD/.golangci.yml" ./...)
done
