#!/usr/bin/env bash
# Checks that the tree is as the project keeps it. Nothing in it is changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=hack/step.sh
source hack/step.sh

generated() { find api config/crd -name 'zz_generated*' -o -path 'config/crd/*' -name '*.yaml' | sort | xargs sha256sum; }

step "generated files are current"
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
cp -r api config "$kept"
before=$(generated)
hack/generate.sh
after=$(generated)
for dir in api config; do rm -r "$dir" && cp -r "$kept/$dir" "$dir"; done
if [ "$before" != "$after" ]; then
  diff <(echo "$before") <(echo "$after") || true
  echo "generated files are out of date: run 'make generate' and commit the result" >&2
  exit 1
fi

step "modules are tidy"
for module in . hack/devcluster hack/tools; do
  (cd "$module" && go mod tidy -diff && go mod verify >/dev/null) ||
    { echo "$module: run 'go mod tidy' there and commit the result" >&2; exit 1; }
done

step "lint, formatting, import boundaries, licence headers"
hack/lint.sh

step "scripts are sound"
for script in .ci/run hack/*.sh hack/tool; do
  bash -n "$script"
  head -n 1 "$script" | grep -q '^#' || { echo "$script: begin with a shebang or a comment" >&2; exit 1; }
done
step_done
echo "verify: all well"
