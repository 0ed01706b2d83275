#!/usr/bin/env bash
# Renames the module and the API group throughout the tree. PROJECT states both (repo and domain); everything else
# follows from it. Meant for the time before the first release: afterwards stored objects carry the group.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

module=${1:-} group=${2:-}
if [ -z "$module" ] || [ -z "$group" ]; then
  echo "usage: make rename MODULE=example.org/convoy GROUP=convoy.example.org" >&2
  exit 2
fi
if [[ "$module$group" =~ [^a-zA-Z0-9./_-] ]]; then
  echo "a module path and an API group are of letters, digits, dots, slashes and dashes: $module $group" >&2
  exit 2
fi
[ -z "$(git status --porcelain)" ] || { echo "commit or stash your changes first: renaming touches every file" >&2; exit 1; }

old_module=$(awk '/^repo:/ {print $2}' PROJECT)
old_group=$(awk '/^domain:/ {print $2}' PROJECT)
mark=$'\x01module\x01'
# The module's path may contain the group's name, so it is set aside while the group is replaced.
git grep -lIF -e "$old_module" -e "$old_group" | while IFS= read -r file; do
  sed -i -e "s|${old_module//./\\.}|$mark|g" -e "s|${old_group//./\\.}|$group|g" -e "s|$mark|$module|g" "$file"
done
git ls-files "*$old_group*" | while IFS= read -r file; do
  git mv "$file" "${file//$old_group/$group}"
done
hack/generate.sh
go build ./...
echo "renamed: module $module, API group $group. Look at 'git diff', then run 'make verify' and 'make test'."
