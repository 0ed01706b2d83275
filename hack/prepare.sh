#!/usr/bin/env bash
# Makes sure that this machine has what the tests need beyond Go: a C compiler, for the race detector.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v go >/dev/null || { echo "Go is missing: install the version that go.mod names, or newer" >&2; exit 1; }
want=$(awk '$1 == "go" {print $2}' go.mod)
have=$(go env GOVERSION)
if [ "$(printf '%s\n' "$want" "${have#go}" | sort -V | head -n 1)" != "$want" ]; then
  echo "Go ${have#go} is older than the $want that go.mod asks for: install a newer one" >&2
  exit 1
fi

command -v "$(go env CC | awk '{print $1}')" >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing gcc: the race detector needs a C compiler"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev >/dev/null
else
  echo "a C compiler is missing, which the race detector needs: install gcc (or set CC)" >&2
  exit 1
fi
