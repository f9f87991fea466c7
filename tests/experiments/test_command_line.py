"""The experiment as a user starts it: another process, its streams and its exit code."""

import json
import random
import signal
import time

import numpy as np
import pytest

FLAGS = ("--dataset", "none", "--generations", 30, "--children", 20, "--repeats", 2)


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def uncut(command_line, own_network, tmp_path_factory):
    """The bytes of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("uncut") / "run"
    code, out, err = finish(command_line(*FLAGS, "--model", own_network, "--out", folder))
    assert code == 0 and not out, err
    assert err.splitlines()[-1] == f"report: {folder / 'report.html'}"
    return (folder / "elites.npz").read_bytes()


def wait_for(process, path):
    """Wait until a file appears, or the process ends."""
    while process.poll() is None and not path.exists():
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("phase", ["config.json", "history", "elites.npz"])
def test_signals(command_line, own_network, uncut, tmp_path, number, code, phase):
    folder = tmp_path / "run"
    process = command_line(*FLAGS, "--model", own_network, "--out", folder, "--chunk", 1)
    wait_for(process, folder / phase)
    process.send_signal(number)
    got, out, err = finish(process)
    assert got == code and not out and "Traceback" not in err
    if phase == "config.json":
        assert "start again with the same command" in err or "--resume" in err
    if not folder.exists():
        return
    assert f"python -m experiments.evolve --resume {folder}" in err
    assert finish(command_line("--resume", folder))[0] == 0
    assert (folder / "elites.npz").read_bytes() == uncut
    assert (folder / "report.html").exists()


@pytest.mark.slow
def test_killed_at_any_moment(command_line, own_network, uncut, tmp_path):
    moments = random.Random(0)
    folder = tmp_path / "run"
    command = (*FLAGS, "--model", own_network, "--out", folder, "--chunk", 3)
    for _ in range(6):
        process = command_line(*command)
        if not folder.exists():
            wait_for(process, folder / "config.json")
        time.sleep(moments.uniform(0.2, 5))
        process.kill()
        process.communicate()
        command = ("--resume", folder, "--chunk", moments.choice((1, 7, 50)))
    code, _, err = finish(command_line(*command))
    assert code == 0, err
    assert (folder / "elites.npz").read_bytes() == uncut
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["generation"] for line in lines] == list(range(31))
    assert not list(folder.rglob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["direct", "cppn"])
def test_any_number_of_devices_gives_the_same_bytes(command_line, own_network, tmp_path, encoding):
    contents = set()
    for devices in (1, 3, 8):
        folder = tmp_path / str(devices)
        flags = ("--deterministic", "--devices", devices, "--encoding", encoding)
        code, _, err = finish(command_line(*FLAGS, *flags, "--model", own_network, "--out", folder))
        assert code == 0, err
        contents.add((folder / "elites.npz").read_bytes())
    assert len(contents) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pictures", "two classes", "thirty classes"])
def test_data_of_ones_own(command_line, tmp_path, kind):
    from PIL import Image

    numbers = np.random.default_rng(0)
    if kind == "pictures":
        place = tmp_path / "my pictures"
        for row, name in enumerate(("two words", "Łódź", "<b>", "a&b's")):
            (place / name).mkdir(parents=True)
            for sample in range(6):
                picture = numbers.integers(0, 60, (12, 12), np.uint8)
                picture[3 * row : 3 * row + 3] = 220
                Image.fromarray(picture).save(place / name / f"{sample}.png")
        model = "mlp"
    else:
        k, model = (2, "softmax") if kind == "two classes" else (30, "lenet")
        labels = np.repeat(np.arange(k), 6)
        images = numbers.integers(0, 255, (k, 16, 16, 3), np.uint8)[labels]
        place = tmp_path / "mine.npz"
        np.savez(place, images=images, labels=labels)
    sizes = ("--generations", 3, "--children", 20, "--repeats", 2, "--train-steps", 10)
    folder = tmp_path / "run"
    code, _, err = finish(
        command_line("--dataset", place, "--model", model, *sizes, "--out", folder)
    )
    assert code == 0, err
    if kind == "pictures":
        page = (folder / "report.html").read_text()
        assert "&lt;b&gt;" in page and "<b>" not in page.replace("<b></b>", "")
        assert "Łódź" in page


@pytest.mark.slow
def test_a_mistake_is_one_message(command_line, tmp_path):
    code, out, err = finish(command_line("--weights", tmp_path / "none", "--out", tmp_path / "run"))
    assert code == 1 and not out and "Traceback" not in err
    assert err.splitlines()[-1].startswith("error: --weights: there is no file")
    assert not (tmp_path / "run").exists()
    code, _, err = finish(command_line("--weights", tmp_path / "none", "--debug"))
    assert code == 1 and "Traceback" in err


@pytest.mark.slow
def test_help_is_readable_and_quick(command_line):
    began = time.monotonic()
    code, out, err = finish(command_line("--help"))
    assert code == 0 and not err
    assert time.monotonic() - began < 5
    for heading in ("Run:", "Cost:", "Expect:", "Source:"):
        assert f"\n{heading}" in out


ASCII = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("-m experiments.evolve --help >&-", 0, ""),
        ("-m experiments.evolve --help 2>&-", 0, ""),
        ("-m experiments.evolve --help > /dev/full", 1, "standard output cannot be written to"),
        ("-m experiments.evolve --unknown 2> /dev/full", 2, ""),
        ("-m experiments.evolve --help | head -1", 0, ""),
        ("-OO -m experiments.evolve --help", 0, ""),
    ],
)
def test_streams_that_are_closed_or_full(command_line, command, code, message):
    done = command_line.shell(command)
    assert done.returncode == code
    assert message in done.stderr and bool(message) == bool(done.stderr.strip())


@pytest.mark.slow
@pytest.mark.parametrize("columns", [1, 5, 39])
def test_help_in_few_columns(command_line, columns):
    done = command_line.shell("-m experiments.evolve --help", COLUMNS=str(columns))
    assert done.returncode == 0 and "--generations" in done.stdout


@pytest.mark.slow
def test_a_locale_that_cannot_spell_a_name(command_line, tmp_path):
    done = command_line.shell(f"-m experiments.evolve --out '{tmp_path}/ü'", **ASCII)
    assert done.returncode == 1 and "PYTHONUTF8=1" in done.stderr
    assert not list(tmp_path.iterdir())
    assert command_line.shell("-m experiments.evolve --help", **ASCII).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("streams", ["2>&-", "2> /dev/full", ">&- 2>&- <&-", "2>&1 | true"])
def test_a_run_without_readers(command_line, own_network, uncut, tmp_path, streams):
    flags = " ".join(map(str, (*FLAGS, "--model", own_network, "--out", tmp_path / "run")))
    command_line.shell(f"-m experiments.evolve {flags} {streams}")
    assert (tmp_path / "run" / "elites.npz").read_bytes() == uncut
    assert (tmp_path / "run" / "report.html").exists()
