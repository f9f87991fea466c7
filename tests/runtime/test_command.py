import dataclasses
import errno
import json
import os
import shlex
from dataclasses import dataclass, field
from typing import Literal

import pytest

from fooljax.interrupts import Interrupted
from fooljax.runtime import command, directory, settings


@dataclass(frozen=True)
class Inner:
    """Inner.

    Attributes:
        size: two numbers.
    """

    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Config:
    """Settings.

    Attributes:
        kind: which.
        steps: how many.
        places: neutral.
        out: where to.
        resume: where from.
        preset: start from.
        inner: nested.
    """

    kind: Literal["a", "b"] = "a"
    steps: int = 3
    places: str | None = None
    out: str | None = None
    resume: str | None = None
    preset: str = "default"
    inner: Inner = field(default_factory=Inner)


PRESETS = {"default": Config(), "long": Config(steps=99, inner=Inner(size=(2, 3)))}
NEUTRAL = ("places", "out", "resume")


def parse(*args):
    return command.parse(PRESETS, args=args, prog="it", description="What.\n\nRun: x\nCost: y")


def open_run(config):
    return directory.opened(config, "experiments.evolve", NEUTRAL)


@pytest.fixture
def begun(tmp_path):
    """The folder of a run in which something was computed."""
    folder = tmp_path / "begun"
    with open_run(Config(out=str(folder), inner=Inner((4, 5)))):
        (folder / "checkpoints").mkdir()
    return folder


@pytest.mark.parametrize("config", [Config(), Config(steps=4, places="a b", inner=Inner((4, 5)))])
def test_the_command_that_repeats_a_run(config):
    words = shlex.split(settings.command_of("experiments.it", config))
    assert words[:3] == ["python", "-m", "experiments.it"]
    assert parse(*words[3:]) == config
    assert len(words) == (3 if config == Config() else 10)


def test_flags_presets_and_defaults():
    assert parse() == Config()
    assert parse("--preset", "long").steps == 99
    assert parse("--preset=long", "--steps", "5") == dataclasses.replace(
        PRESETS["long"], steps=5, preset="long"
    )
    with pytest.raises(ValueError, match="--preset: unknown 'shrt'; There are default, long"):
        parse("--preset", "shrt")


@pytest.mark.parametrize("args", [["--stpes", "1"], ["--kind", "c"], ["--steps", "many"], ["x"]])
def test_unreadable_flags_are_named(args, capsys):
    with pytest.raises(SystemExit) as caught:
        parse(*args)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert not out and args[0] in err


def test_help_keeps_the_paragraphs(capsys):
    with pytest.raises(SystemExit) as caught:
        parse("--help")
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "\nRun: x\n" in out and "\nCost: y\n" in out


def test_resume_starts_from_the_settings_of_the_run(begun):
    config = parse("--resume", str(begun), "--places", "here")
    assert config.inner == Inner((4, 5))
    with open_run(config) as folder:
        assert folder == begun


def test_a_run_that_goes_on_is_not_moved(begun, tmp_path):
    elsewhere = parse("--resume", str(begun), "--out", str(tmp_path / "elsewhere"))
    refused = pytest.raises(ValueError, match=r"--out: .* goes on where it is, not in .*elsewhere")
    with refused, open_run(elsewhere):
        pass
    with open_run(parse("--resume", str(begun), "--out", str(begun))) as folder:
        assert folder == begun
    moved = begun.rename(tmp_path / "moved")
    with open_run(parse("--resume", str(moved))) as folder:
        assert folder == moved


def test_resume_refuses_other_settings(begun):
    config = parse("--resume", str(begun), "--steps", "9", "--size", "1", "2", "--places", "here")
    with (
        pytest.raises(ValueError, match=r"other settings: --steps was 3 and is now 9") as caught,
        open_run(config),
    ):
        pass
    assert "--size was (4, 5) and is now (1, 2)" in str(caught.value)
    assert "places" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "1", "{}", '{"steps": 1, "unknown": 2}'])
def test_resume_with_damaged_settings(begun, content):
    (begun / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"--resume: .*config.json cannot be read as settings"):
        parse("--resume", str(begun))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"steps": 4}, "edited since the run was begun: --steps was 3 and is now 4"),
        ({"steps": "3"}, "--steps must be a whole number, got '3'"),
        ({"steps": True}, "--steps must be a whole number, got True"),
        ({"steps": None}, "--steps must be a whole number, got None"),
        ({"kind": "c"}, "--kind must be a or b, got 'c'"),
        ({"preset": "long"}, "--preset was default and is now long"),
        ({"inner": {"size": [4]}}, "--size must be 2 values, got 1"),
        ({"inner": {"size": [4, 6]}}, r"--size was \(4, 5\) and is now \(4, 6\)"),
        ({"inner": [4, 5]}, "does not hold an object"),
    ],
)
def test_resume_refuses_edited_settings(begun, edit, message):
    path = begun / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | edit))
    with pytest.raises(ValueError, match=f"--resume: .*{message}") as caught:  # noqa: SIM117
        with open_run(parse("--resume", str(begun))):
            pass
    assert "--out" in str(caught.value) and list(begun.glob("checkpoints"))


def test_resume_takes_places_edited_in_the_file(begun):
    path = begun / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"places": "elsewhere"}))
    with open_run(parse("--resume", str(begun))) as folder:
        assert folder == begun


@pytest.mark.parametrize("content", [None, "", "{}", '{"settings": 1}', "[" * 100_000])
def test_resume_without_a_record_of_the_settings(begun, content):
    record = begun / "begun.json"
    record.write_text(content) if content is not None else record.unlink()
    again = open_run(parse("--resume", str(begun)))
    with pytest.raises(ValueError, match=r"begun\.json does not say .*restore it"), again:
        pass


def test_a_run_of_another_experiment_is_named(begun):
    path = begun / "config.json"
    path.write_text(json.dumps({"images": 3}))
    with pytest.raises(ValueError, match=r"experiments\.evolve of fooljax .* began it"):
        parse("--resume", str(begun))


def test_resume_refuses_links_and_pipes(begun, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for place, make, message in (
        (begun / "niches", lambda path: path.symlink_to(elsewhere), "is a link to .*elsewhere"),
        (
            begun / "checkpoints" / "1",
            lambda path: path.symlink_to("absent"),
            "is a link to absent",
        ),
        (begun / "elites.npz", os.mkfifo, "is no file but a pipe"),
    ):
        make(place)
        again = open_run(parse("--resume", str(begun)))
        with pytest.raises(ValueError, match=f"--resume: {place} {message}"), again:
            pass
        place.unlink()
    with open_run(parse("--resume", str(begun))):
        pass


def test_resume_where_there_is_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"--resume: .* holds no run \(config.json is missing\)"):
        parse("--resume", str(tmp_path))
    with pytest.raises(ValueError, match=r"holds no run \(there is no such folder\)"):
        parse("--resume", str(tmp_path / "absent"))


def test_home_is_written_short_where_the_shell_leaves_it(tmp_path, monkeypatch):
    """As bash does in ``--out=~/run``."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_run(parse("--out=~/run")) as folder:
        assert folder == tmp_path / "run"
        (folder / "result").write_text("computed")
    with open_run(parse("--resume=~/run", "--out=~/run")) as again:
        assert again == folder


def test_out_must_be_free(tmp_path, begun):
    for name, message in (("file", "is a file"), ("full", "not empty; give another")):
        place = tmp_path / name
        if name == "full":
            place.mkdir()
            place = place / "thesis.tex"
        place.write_text("years of work")
        out = tmp_path / name
        with pytest.raises(ValueError, match=f"--out: .*{message}"), open_run(Config(out=str(out))):
            pass
        assert place.read_text() == "years of work"
    with pytest.raises(ValueError, match="--resume"), open_run(Config(out=str(begun))):
        pass


def test_out_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    config = Config(out=str(tmp_path / "file" / "run"))
    with pytest.raises(OSError, match=r"--out: .*cannot be made"), open_run(config):
        pass


def test_out_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "config.json")

    monkeypatch.setattr(settings, "save", refuse)
    config = Config(out=str(tmp_path / "run"))
    with pytest.raises(OSError, match=r"^--out: nothing can be written to"), open_run(config):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there_before", [True, False])
def test_a_failed_beginning_leaves_nothing(tmp_path, there_before):
    out = tmp_path / "deep" / "run"
    if there_before:
        out.mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), open_run(Config(out=str(out))) as folder:
            assert json.loads((folder / "config.json").read_text())["steps"] == 3
            1 / 0  # noqa: B018
    assert list(tmp_path.rglob("*")) == ([out.parent, out] if there_before else [])


def test_what_was_computed_is_kept(tmp_path):
    out = tmp_path / "my run"
    with pytest.raises(ZeroDivisionError) as caught, open_run(Config(out=str(out))) as folder:
        (folder / "checkpoints").mkdir()
        1 / 0  # noqa: B018
    assert (out / "config.json").is_file()
    assert f"python -m experiments.evolve --resume '{out}'" in command.explain(caught.value)


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("--steps must be even, got 3", "a run keeps its settings: give others, and another --out"),
        ("--places: x.png cannot be read", "what was computed is kept; once this is put right"),
        ("the network has no gradient", "what was computed is kept; once this is put right"),
    ],
)
def test_no_flag_that_a_run_was_begun_with_is_to_be_given_anew(tmp_path, message, advice):
    with pytest.raises(ValueError) as caught, open_run(Config(out=f"{tmp_path}/run")) as folder:
        (folder / "result").write_text("computed")
        raise ValueError(message)
    said = command.explain(caught.value)
    assert advice in said and ("--resume" in said) == ("kept" in said)


def test_what_jax_adds_for_readers_of_its_traceback_is_left_out():
    error = ValueError("no gradient")
    error.add_note("-----\nSet JAX_TRACEBACK_FILTERING=off to include these.")
    error.add_note("go on with")
    assert command.explain(error) == "no gradient\ngo on with"


def test_interruptions_say_how_to_go_on(tmp_path, begun):
    anew, again = open_run(Config(out=str(tmp_path / "run"))), parse("--resume", str(begun))
    with pytest.raises(Interrupted, match="start again with the same command") as caught, anew:
        raise KeyboardInterrupt
    assert caught.value.exit_code == 130
    with pytest.raises(Interrupted, match=f"--resume {begun}") as caught, open_run(again):
        raise Interrupted("stopped", 143)
    assert caught.value.exit_code == 143
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]


def test_one_process_at_a_time(begun):
    pytest.importorskip("fcntl")
    config = parse("--resume", str(begun))
    at_work = pytest.raises(ValueError, match="another process is at work")
    with open_run(config), at_work, open_run(config):
        pass
    with open_run(config):
        pass


def test_unfinished_files_are_swept(begun):
    (begun / ".elites.npz.tmp").write_text("half")
    with open_run(parse("--resume", str(begun))):
        assert {path.name for path in begun.iterdir()} == {
            "begun.json",
            "config.json",
            "checkpoints",
        }


def fails(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("--children must be 1"), 1, "error: --children must be 1\n"),
        (OSError(errno.ENOSPC, "full", "/d/x"), 1, "error: no space left on the device (/d/x); "),
        (RuntimeError("No space left on device: /e/y"), 1, "no space left on the device (/e/y)"),
        (KeyError("x"), 1, "error: KeyError: 'x'\n(run again with --debug for the traceback)\n"),
        (Interrupted("stopped; go on", 143), 143, "stopped; go on\n"),
        (KeyboardInterrupt(), 130, "stopped before anything was computed; start again"),
    ],
)
def test_one_message_and_an_exit_code(error, code, message, capsys):
    with pytest.raises(SystemExit) as caught:
        command.run(fails(error), debug=False)
    assert caught.value.code == code
    out, err = capsys.readouterr()
    assert not out and message in err and "Traceback" not in err


def test_debug_shows_the_traceback(capsys):
    with pytest.raises(SystemExit):
        command.run(fails(ValueError("x")), debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_settings_survive_json(tmp_path):
    config = Config(kind="b", inner=Inner((1, 2)))
    settings.save(tmp_path, config, "evolve")
    assert settings.load(tmp_path, Config) == config


def test_brief_help_has_a_line_for_every_flag_and_the_values_of_the_preset(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    with pytest.raises(SystemExit) as caught:
        parse("--help", "--preset", "long")
    assert caught.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 70
    flags = [line.split()[0] for line in lines if line.startswith("  --")]
    named = {f"--{name.replace('_', '-')}" for name in settings.flat(Config())}
    assert set(flags) == named and len(flags) == len(named)
    assert any(line.startswith("  --steps 99 ") for line in lines)


def test_full_help_explains_every_flag(capsys):
    with pytest.raises(SystemExit) as caught:
        parse("--help-all")
    assert caught.value.code == 0
    assert "show this help message" in capsys.readouterr().out
