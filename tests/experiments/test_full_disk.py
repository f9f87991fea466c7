"""A disk that fills at ten different points, and is then given more room.

Each run has a small file system of its own (Linux, ``unshare``), which is full from the
start but for some kB, or fills while the network is trained.
"""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from test_any_moment import results

# A ballast takes all but some kB of the file system, and is taken away again.
SCRIPT = """
set -e
mount -t tmpfs -o size=$SIZE none "$PLACE"
cp -r "$CACHE" "$PLACE/cache"
export JAX_COMPILATION_CACHE_DIR="$PLACE/cache"
fill() { left=$(df --output=avail -k "$PLACE" | tail -1)
    [ $left -le $LEFT ] || head -c $(((left - LEFT) * 1024)) /dev/zero > "$PLACE/ballast"; }
[ $WHEN = start ] && fill
set +e
"$PYTHON" -m experiments.$EXPERIMENT --preset smoke --out "$PLACE/run" 2> "$KEPT/first.txt" &
if [ $WHEN = training ]; then
    until grep -q ^training "$KEPT/first.txt"; do sleep 0.05; done
    fill
fi
wait $!; echo $? > "$KEPT/code"
rm -f "$PLACE/ballast"
flag=--out; [ -e "$PLACE/run/config.json" ] && flag=--resume
[ $flag = --resume ] || set -- --preset smoke
"$PYTHON" -m experiments.$EXPERIMENT "$@" $flag "$PLACE/run" 2> "$KEPT/second.txt"
code=$?
cp -r "$PLACE/run" "$KEPT/run"
exit $code
"""
POINTS = [
    *(("evolve", "start", left) for left in (1, 300, 1900, 2200, 2600)),
    *(("perturb", "start", left) for left in (3, 270, 330)),
    *((experiment, "training", 290) for experiment in ("evolve", "perturb")),
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own_disk():
    """How a command gets mounts of its own, or skip."""
    words = ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",))]
    try:
        subprocess.run([*words, "mount", "-t", "tmpfs", "none", "/mnt"], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    return words


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def uncut(cache, tmp_path_factory):
    found = {}
    for experiment in ("evolve", "perturb"):
        folder = tmp_path_factory.mktemp("uncut") / experiment
        words = (f"experiments.{experiment}", "--preset", "smoke", "--out", folder)
        places = {"PYTHONPATH": str(ROOT), "JAX_COMPILATION_CACHE_DIR": str(cache)}
        subprocess.run(
            [sys.executable, "-m", *words], env={**os.environ, **places}, check=True, timeout=900
        )
        found[experiment] = results(folder)
    return found


@pytest.mark.parametrize(("experiment", "when", "left"), POINTS)
def test_a_full_disk(own_disk, cache, uncut, tmp_path, experiment, when, left):
    place, kept = tmp_path / "place", tmp_path / "kept"
    place.mkdir()
    kept.mkdir()
    variables = {
        **{"PLACE": place, "KEPT": kept, "CACHE": cache, "PYTHON": sys.executable},
        **{"EXPERIMENT": experiment, "WHEN": when, "LEFT": left, "SIZE": "100m"},
        **{"PYTHONPATH": ROOT, "JAX_PLATFORMS": "cpu"},
    }
    env = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run([*own_disk, "bash", "-c", SCRIPT], env=env, timeout=900)
    first = (kept / "first.txt").read_text()
    assert "Traceback" not in first
    if (kept / "code").read_text().strip() != "0":  # else there was room enough
        assert "\nerror: no space left on the device (" in f"\n{first}", first
        assert "--resume" in first or "start again with the same command" in first, first
    assert done.returncode == 0, (kept / "second.txt").read_text()
    assert results(kept / "run") == uncut[experiment]
    shutil.rmtree(kept)
