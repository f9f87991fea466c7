"""Runs stopped at random moments go on to the same bytes, two of them at work at once.

``FOOLJAX_TRIALS`` says how many Ctrl-C and SIGTERM are sent (10 unless given), half of
them within five seconds of the start; half as many times a run is killed. Each run goes on
after up to eight of them, and is then left to end. ``FOOLJAX_AT_ONCE`` (2) runs at a time, of
``FOOLJAX_EXPERIMENTS`` (evolve and perturb) in turn.
"""

import itertools
import os
import queue
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import ROOT

TRIALS = int(os.environ.get("FOOLJAX_TRIALS", "10"))
AT_ONCE = int(os.environ.get("FOOLJAX_AT_ONCE", "2"))
SECONDS, LONGEST = 5.0, 25.0  # half of the signals come within the first, the rest until the second
SECONDS_TO_HEED = 10  # a chunk or step, with what it compiles, on a machine that is busy
FLAGS = {"evolve": ("--chunk", "2")}  # so that it can be stopped often
EXPERIMENTS = os.environ.get("FOOLJAX_EXPERIMENTS", "evolve perturb").split()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def begin(tmp_path_factory):
    """Start a smoke run; all share one compilation cache."""
    cache = tmp_path_factory.mktemp("cache")
    places = {"PYTHONPATH": str(ROOT), "JAX_COMPILATION_CACHE_DIR": str(cache)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it

    def start(experiment, *flags):
        return subprocess.Popen(
            [sys.executable, "-m", f"experiments.{experiment}", *map(str, flags)],
            env={**os.environ, "JAX_PLATFORMS": "cpu", **places},
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    return start


@pytest.fixture(scope="module")
def uncut(begin, tmp_path_factory):
    """For each experiment the results of a run that was never stopped."""
    folders = {name: tmp_path_factory.mktemp("uncut") / name for name in EXPERIMENTS}
    processes = [
        begin(name, "--preset", "smoke", *FLAGS.get(name, ()), "--out", folder)
        for name, folder in folders.items()
    ]
    for process in processes:
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
    return {name: results(folder) for name, folder in folders.items()}


def results(folder):
    """All that a run found, but for the time it took, as bytes by name."""
    found = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    found |= {path.name: path.read_bytes() for path in folder.glob("*.npz")}
    for path in folder.glob("units/*.npz"):
        with np.load(path) as arrays:
            found |= {f"{path.name} {k}": arrays[k].tobytes() for k in arrays if k != "seconds"}
    assert len(found) > 5
    return found


class Chain:
    """One run, started and stopped and continued until enough signals were sent."""

    def __init__(self, begin, experiment, uncut, folder, seed):
        self.begin, self.experiment, self.folder = begin, experiment, folder
        self.uncut = uncut
        self.moments = random.Random(seed)
        self.seconds, self.finished, self.too_early, self.wrong = [], 0, 0, []

    def go_on(self):
        if (self.folder / "config.json").exists():
            return self.begin(self.experiment, "--resume", self.folder)
        flags = ("--preset", "smoke", *FLAGS.get(self.experiment, ()), "--out", self.folder)
        return self.begin(self.experiment, *flags)

    def send(self, numbers, count):
        sent = 0
        while sent < count:
            soon = sent % 2 == 0
            wait = self.moments.uniform(*((0.0, SECONDS) if soon else (SECONDS, LONGEST)))
            number = self.moments.choice(numbers)
            process = self.go_on()
            err = queue.SimpleQueue()
            reader = threading.Thread(target=lambda p=process, e=err: e.put(p.stderr.read()))
            reader.start()
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                process.send_signal(number)
                sent += 1
                began = time.monotonic()
                try:
                    process.wait(120)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                self.seconds.append(time.monotonic() - began)
                self.judge(number, wait, process.returncode, err.get())
            else:
                self.judge(None, wait, process.returncode, err.get())
            reader.join()
            process.stderr.close()
            if sent % 8 == 0:
                self.finish()

    def finish(self):
        process = self.go_on()
        _, err = process.communicate(timeout=600)
        self.judge(None, None, process.returncode, err)

    def judge(self, number, wait, code, err):
        if number is not None:
            print(
                f"{self.experiment}: {signal.Signals(number).name} after {wait:.2f} s, exit {code} "
                f"after {self.seconds[-1]:.2f} s more",
                flush=True,
            )
        if number is not None and code != 0:
            early = "Traceback" not in err and code == -number and not self.said(err)
            early |= "KeyboardInterrupt" in err and str(ROOT) not in err
            self.too_early += early and number != signal.SIGKILL
            right = early or code == (-number if number == signal.SIGKILL else 128 + number)
            quick = self.seconds[-1] <= SECONDS_TO_HEED
            clear = early or number == signal.SIGKILL or "Traceback" not in err
            if not (right and quick and clear):
                self.wrong.append((number, wait, code, self.seconds[-1], err[-1500:]))
                print(f"WRONG: {self.wrong[-1]}", flush=True)
        elif code != 0 or (number is not None and self.seconds[-1] > SECONDS_TO_HEED):
            self.wrong.append((number, wait, code, self.seconds[-1:], err[-1500:]))
        if code == 0:
            self.finished += 1
            found = results(self.folder)
            changed = sorted(name for name in self.uncut if found.get(name) != self.uncut[name])
            print(f"{self.experiment}: finished, {len(changed)} results changed", flush=True)
            left = list(self.folder.rglob(".*"))
            if changed or left:
                self.wrong.append((number, wait, "other results", changed, left))
            shutil.rmtree(self.folder)

    @staticmethod
    def said(err):
        return "run directory" in err or "stop" in err


@pytest.mark.parametrize(
    ("numbers", "count"),
    [((signal.SIGINT, signal.SIGTERM), TRIALS), ((signal.SIGKILL,), -(-TRIALS // 2))],
    ids=["signals", "kills"],
)
def test_stopped_at_any_moment(begin, uncut, tmp_path, numbers, count):
    chains = [
        Chain(begin, name, uncut[name], tmp_path / f"{name} {seed}", seed)
        for seed, name in zip(range(AT_ONCE), itertools.cycle(EXPERIMENTS), strict=False)
    ]

    def drive(chain, share):
        try:
            chain.send(numbers, share)
            if chain.folder.exists():
                chain.finish()
        except BaseException as error:
            chain.wrong.append(error)
            raise

    shares = [len(range(seed, count, AT_ONCE)) for seed in range(AT_ONCE)]
    threads = [
        threading.Thread(target=drive, args=both) for both in zip(chains, shares, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for chain in chains:
        took = sorted(chain.seconds)
        print(
            f"{chain.experiment}: {len(took)} signals, {chain.too_early} before the first line; "
            f"heeded within {statistics.median(took):.2f} s (median), {took[-1]:.2f} s (most); "
            f"{chain.finished} runs finished, all alike; {len(chain.wrong)} wrong"
        )
        print(f"seconds to heed: {' '.join(f'{one:.2f}' for one in took)}")
    assert not [wrong for chain in chains for wrong in chain.wrong]
