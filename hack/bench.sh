#!/usr/bin/env bash
# Runs the cores' benchmarks COUNT times (default 5) and summarises them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT
go test -run '^$' -bench . -benchmem -count "${COUNT:-5}" ./worker/... ./controllers/pool/plan/... | tee "$out"
echo
hack/tool benchstat "$out"
