#!/usr/bin/env bash
# Checks that the tree is as the project keeps it. Nothing in it is changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/step.sh
source hack/step.sh

step "generated files are current"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
hack/generate.sh "$fresh"
for file in $(cd "$fresh" && find . -type f | sort); do
  diff -u "$file" "$fresh/$file" ||
    { echo "$file is out of date: run 'make generate' and commit the result" >&2; exit 1; }
done
for file in config/crd/bases/*.yaml; do
  [ -e "$fresh/$file" ] || { echo "$file comes from no type of api/: remove it" >&2; exit 1; }
done

step "modules are tidy"
for module in . hack/devcluster hack/devcluster/kubernetes hack/devcluster/etcd hack/devcluster/nats hack/tools hack/bench/peer config/samples/embedded; do
  (cd "$module" && go mod tidy -diff) ||
    { echo "$module: run 'go mod tidy' there and commit the result" >&2; exit 1; }
done

step "lint, formatting, import boundaries, licence headers"
hack/lint.sh

step "scripts are sound"
for script in .ci/run hack/*.sh hack/tool; do
  bash -n "$script"
done
step_done
echo "verify: all well"
