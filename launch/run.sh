#!/usr/bin/env bash
# Start a run in a directory, or go on with the one that is there; the same command does both:
#
#     bash launch/run.sh DIR python -m experiments.evolve --encoding cppn
set -euo pipefail

folder="$1"
shift
place=--out
if [ -f "$folder/config.json" ]; then
    place=--resume
fi
exec "$@" "$place" "$folder" # exec: signals reach the run itself
