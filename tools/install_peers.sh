#!/usr/bin/env bash
# Install what `archsim bench --against` drives, each peer where it does not meet archsim's own packages.
#
#   bash tools/install_peers.sh FOLDER [CROSSSIM]
#
# FOLDER gets a virtual environment with aihwkit and, if CROSSSIM names a clone of its repository
# (https://github.com/sandialabs/cross-sim), CrossSim. Verilator and ngspice are Debian packages.
# Versions are those of docs/peers.md.
set -euo pipefail

if [ "$#" -lt 1 ] || [ "$#" -gt 2 ]; then
  echo "usage: bash tools/install_peers.sh FOLDER [CROSSSIM]" >&2
  exit 2
fi
folder=$1
if [ "$#" -eq 2 ] && [ ! -f "$2/pyproject.toml" ]; then
  echo "install_peers: $2 holds no clone of CrossSim; clone it, or leave it out" >&2
  exit 2
fi

missing=()
for tool in ngspice verilator g++ make; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "install_peers: first, as root: apt-get install ${missing[*]}" >&2
fi

python3 -m venv "$folder"
# Only a wheel of aihwkit: without one pip would compile it.
"$folder/bin/python" -m pip install --quiet --only-binary=aihwkit 'aihwkit==1.1.0' 'torch==2.13.0'
[ "$#" -lt 2 ] || "$folder/bin/python" -m pip install --quiet "$2"
echo "ARCHSIM_PEER_PYTHON=$(cd "$folder" && pwd)/bin/python"
