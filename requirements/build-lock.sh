#!/bin/sh
# Writes the locks anew from pyproject.toml: exact versions with hashes, for every platform and Python >= 3.11.
# build.txt is what builds the wheel in a container, in the versions of dev.txt.
# Usage: make lock   (needs uv)
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate "$@"; }
compile pyproject.toml --output-file requirements/runtime.txt
compile pyproject.toml --group dev --output-file requirements/dev.txt
compile requirements/build.in --constraint requirements/dev.txt --output-file requirements/build.txt
