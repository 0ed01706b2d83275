#!/usr/bin/env bash
# Regenerates what is made from api/: deep copies and CRDs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
