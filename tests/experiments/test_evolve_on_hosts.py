"""Several processes, one run: the bytes of one process, and an end when one of them is lost."""

import json
import signal
import socket
import subprocess
import time

import pytest

from experiments import evolve
from fooljax.runtime import hosts, presence
from fooljax.runtime.hosts import Hosts
from fooljax.study import RunFlags, Victim, change

FLAGS = ("--dataset", "none", "--children", 60, "--repeats", 2, "--deterministic")
GENERATIONS = 6
ENDLESS = 1_000_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(command_line):
    """Start some processes that meet here; none outlives its test."""
    started = []

    def begin(count, *flags):
        place = ("--coordinator", f"127.0.0.1:{free_port()}", "--processes", count)
        group = [command_line(*flags, *place, "--process", number) for number in range(count)]
        started.extend(group)
        return group

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def finish(processes, timeout=100):
    """Return exit codes and error streams, read at the same time so that none blocks."""
    deadline = time.monotonic() + timeout
    ends = []
    for process in processes:
        try:
            _, err = process.communicate(timeout=max(1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            err = process.communicate()[1] + "\n(killed by the test)"
        ends.append((process.returncode, err))
    return ends


def tiny(own_network, folder, **changes):
    return evolve.Config(
        victim=Victim(dataset="none", model=own_network),
        generations=GENERATIONS,
        children=60,
        repeats=2,
        deterministic=True,
        devices=1,
        run=RunFlags(out=str(folder)),
        **changes,
    )


@pytest.fixture(scope="module")
def alone(own_network, tmp_path_factory):
    """The champions that one process with one device finds."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    evolve.main(tiny(own_network, folder))
    return (folder / "elites.npz").read_bytes(), (folder / "genomes.npz").read_bytes()


def champions(folder):
    return (folder / "elites.npz").read_bytes(), (folder / "genomes.npz").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_several_processes_find_what_one_finds(start, own_network, alone, tmp_path, count):
    folder = tmp_path / "run"
    flags = (*FLAGS, "--generations", GENERATIONS, "--model", own_network, "--out", folder)
    ends = finish(start(count, *flags))
    assert [code for code, _ in ends] == [0] * count, ends
    assert champions(folder) == alone
    assert (folder / "report.html").exists() and not list(folder.rglob(".*"))
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["generation"] for line in lines] == list(range(GENERATIONS + 1))
    # the run does not know how many computed it, so it can be continued anywhere
    assert json.loads((folder / "config.json").read_text())["hosts"]["coordinator"] is None
    assert "report:" in ends[0][1] and "report:" not in ends[1][1]


def wait_for(folder, generation, processes):
    deadline = time.monotonic() + 180
    while not (folder / "checkpoints" / f"{generation:08d}").exists():
        assert time.monotonic() < deadline and all(p.poll() is None for p in processes)
        time.sleep(0.05)


def shorten(folder, generations):
    """Let a run that was begun without an end stop at some generation."""
    path, record = folder / "config.json", folder / "begun.json"
    settings = json.loads(path.read_text()) | {"generations": generations}
    path.write_text(json.dumps(settings))
    record.write_text(json.dumps(json.loads(record.read_text()) | {"settings": settings}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "victim", "blow"),
    [
        (2, 0, signal.SIGKILL),
        (2, 1, signal.SIGKILL),
        (4, 2, signal.SIGKILL),
        (2, 0, signal.SIGSTOP),  # no connection breaks, as when a host loses its network
        (3, 1, signal.SIGSTOP),
    ],
)
def test_a_lost_process_ends_the_run_which_goes_on_alone(
    start, own_network, tmp_path, count, victim, blow
):
    folder = tmp_path / "run"
    flags = (*FLAGS, "--generations", ENDLESS, "--model", own_network, "--chunk", 1)
    processes = start(count, *flags, "--out", folder)
    wait_for(folder, 2, processes)
    lost = processes.pop(victim)
    lost.send_signal(blow)
    began = time.monotonic()
    ends = finish(processes, timeout=60)
    seconds = time.monotonic() - began
    lost.kill()
    lost.communicate()
    assert seconds < 60
    for code, err in ends:
        assert code == 1 and f"error: process {victim} " in err, err
        assert f"python -m experiments.evolve --resume {folder}" in err
    print(f"{seconds:.1f} s from the loss of process {victim} to the end")
    reached = max(int(path.name) for path in (folder / "checkpoints").glob("[0-9]*"))
    shorten(folder, reached + 2)
    evolve.main(
        change(tiny(own_network, folder), generations=reached + 2, out=None, resume=str(folder))
    )
    uncut = tmp_path / "uncut"
    evolve.main(change(tiny(own_network, uncut), generations=reached + 2))
    assert champions(folder) == champions(uncut)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 2), (4, 2)])
def test_what_some_processes_began_others_finish(start, own_network, tmp_path, before, after):
    folder = tmp_path / "run"
    flags = (*FLAGS, "--generations", ENDLESS, "--model", own_network, "--chunk", 1)
    processes = start(before, *flags, "--out", folder)
    wait_for(folder, 2, processes)
    for process in processes:  # as a scheduler does
        process.send_signal(signal.SIGTERM)
    ends = finish(processes)
    assert [code for code, _ in ends] == [143] * before, ends
    reached = max(int(path.name) for path in (folder / "checkpoints").glob("[0-9]*"))
    shorten(folder, reached + 2)
    ends = finish(start(after, "--resume", folder))
    assert [code for code, _ in ends] == [0] * after, ends
    uncut = tmp_path / "uncut"
    evolve.main(change(tiny(own_network, uncut), generations=reached + 2))
    assert champions(folder) == champions(uncut)


@pytest.mark.slow
def test_a_signal_to_one_stops_all_at_the_same_generation(start, own_network, tmp_path):
    folder = tmp_path / "run"
    flags = (*FLAGS, "--generations", ENDLESS, "--model", own_network, "--chunk", 1)
    processes = start(2, *flags, "--out", folder)
    wait_for(folder, 1, processes)
    processes[1].send_signal(signal.SIGTERM)
    ends = finish(processes)
    assert [code for code, _ in ends] == [143, 143], ends
    stopped = [err.split("stopped after generation ")[1].split(" of")[0] for _, err in ends]
    assert stopped[0] == stopped[1]


@pytest.mark.slow
def test_slurm_is_asked(command_line, own_network, alone, tmp_path):
    folder = tmp_path / "run"
    flags = (*FLAGS, "--generations", GENERATIONS, "--model", own_network, "--out", folder)
    job = {"SLURM_JOB_ID": str(free_port()), "SLURM_STEP_NODELIST": "localhost"}
    job["SLURM_NTASKS"] = "2"
    processes = [
        command_line(
            *flags,
            "--coordinator",
            "auto",
            variables=job | {"SLURM_PROCID": number, "SLURM_LOCALID": number},
        )
        for number in ("0", "1")
    ]
    ends = finish(processes)
    assert [code for code, _ in ends] == [0, 0], ends
    assert champions(folder) == alone


@pytest.mark.slow
def test_other_flags_on_another_host_are_refused(start, command_line, own_network, tmp_path):
    place = ("--coordinator", f"127.0.0.1:{free_port()}", "--processes", 2)
    flags = (*FLAGS, "--generations", ENDLESS, "--model", own_network, "--out", tmp_path / "run")
    processes = [command_line(*flags, *place, "--process", 0)]
    processes.append(command_line(*flags, *place, "--process", 1, "--seed", 7))
    (code, err), (other_code, other) = finish(processes)
    assert code == other_code == 1
    assert "--seed is 0 for process 0 and 7 here: give all processes the same flags" in other
    assert "process 1 of 2 stopped: --seed is 0" in err


@pytest.mark.slow
def test_training_on_several_hosts(start, tmp_path):
    folder = tmp_path / "run"
    flags = ("--model", "softmax", "--train-steps", 20, "--generations", 2, "--children", 50)
    ends = finish(start(2, *flags, "--repeats", 1, "--deterministic", "--out", folder))
    assert [code for code, _ in ends] == [0, 0], ends
    alone = tmp_path / "alone"
    network = str(folder / "classifier")
    victim = Victim(model="softmax", train_steps=20, classifier=network)
    evolve.main(
        evolve.Config(
            victim,
            generations=2,
            children=50,
            repeats=1,
            deterministic=True,
            run=RunFlags(out=str(alone)),
        )
    )
    assert champions(folder) == champions(alone)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Hosts(processes=2), "--processes and --process need --coordinator"),
        (Hosts(process=0), "--processes and --process need --coordinator"),
        (Hosts("auto", 2, 0), "--coordinator auto finds --processes"),
        (Hosts("somewhere", 2, 0), "--coordinator must be HOST:PORT"),
        (Hosts("a:1"), "--coordinator a:1 needs --processes and --process"),
        (Hosts("a:1", 0, 0), "--processes must be at least 1, got 0"),
        (Hosts("a:1", 2, 2), "--process must be between 0 and 1, got 2"),
        (Hosts("a:1", 2, -1), "--process must be between 0 and 1, got -1"),
    ],
)
def test_settings_that_do_not_go_together(settings, message, tmp_path):
    with pytest.raises(ValueError) as raised:
        evolve.main(evolve.Config(hosts=settings, run=RunFlags(out=str(tmp_path / "run"))))
    assert str(raised.value).startswith(message)
    assert not (tmp_path / "run").exists()


def test_one_process_needs_nobody():
    assert hosts.first() and not hosts.several()
    assert hosts.decide(lambda: {"a": (1, 2)}) == {"a": (1, 2)}
    assert hosts.gather([3, 4]).tolist() == [[3, 4]]
    assert presence.SECONDS_OF_SILENCE < presence.SECONDS_OF_PATIENCE / 2 < 30
