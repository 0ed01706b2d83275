#!/usr/bin/env bash
# Runs the benchmarks of the cores COUNT times (default 5) and summarises them; then, once, those of the whole data plane, which
# take their own medians and fail when a promise is broken, and those beside its peer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT
go test -run '^$' -bench . -benchmem -count "${COUNT:-5}" -timeout 1h ./worker/... ./controllers/pool/plan/... | tee "$out"
echo
hack/tool benchstat "$out"
echo
go test -run '^$' -bench . -timeout 1h ./hack/bench
go test -C hack/bench/peer -run '^$' -bench . -timeout 1h .
