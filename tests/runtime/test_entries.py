"""Entries of a leaderboard: what was edited, is not finished or cannot be compared is refused."""

import dataclasses
import hashlib
import json

import pytest

from fooljax.runtime import entries, records, settings

WEIGHTS = "ab" * 32


@dataclasses.dataclass(frozen=True)
class Config:
    dataset: str = "digits"
    model: str = "lenet"
    data_dir: str | None = None
    generations: int = 60
    kinds: tuple[str, ...] = ("direct", "noise")
    seed: int = 0
    out: str | None = None


PLACES = ("out", "data_dir")
TERMS = entries.Terms(
    "Benchmark",
    "v2",
    "fair",
    {"dataset": "digits", "model": "lenet", "generations": 60, "kinds": ("direct",), "seed": 0},
    same=("seed",),
    split=("dataset",),
    free=("model",),
)
NOBODY = dict.fromkeys(entries.OWN)


def finish(folder, version="v2", images=None, **changes):
    """A finished run, as a benchmark leaves it."""
    folder.mkdir()
    (folder / "records.csv").write_text("defense,share\nplain,0.25\n")
    answers = [[0.1] * 12, [0.2] * 12]
    marks = {"a network": {"weights": WEIGHTS, "logits": answers, "device": "cpu"}}
    begun = {"data": {"digits, 28x28x1": {"test images": "c0ffee"}}, "networks": marks}
    if images is not None:
        begun["data"]["--others photographs"] = {"images": images}
    (folder / "inputs.json").write_text(json.dumps(begun))
    headline = {"title": "A title", "lead": "A lead.", "figures": []}
    records.write(folder, "experiments.transfer", "command", "a CPU", 61.2, headline, {"jax": "1"})
    config = dataclasses.replace(Config(), out=str(folder), **changes)
    rows = [{"defense": "plain", "share": [0.25, float("nan"), 1.0]}]
    networks = {"lenet 1": {"accuracy": 0.5, "weights": WEIGHTS}}
    about = {"benchmark": "Benchmark", "version": version, "rows": rows}
    entries.write(folder, "experiments.transfer", config, PLACES, networks, **about)
    return folder


@pytest.fixture
def run(tmp_path):
    return finish(tmp_path / "run")


def edit(path, change):
    entry = json.loads(path.read_text())
    change(entry)
    path.write_text(json.dumps(entry))
    return entry


def test_an_entry_says_what_was_measured_and_of_what(run):
    entry = entries.read(run)
    assert entry["rows"] == [{"defense": "plain", "share": [0.25, None, 1.0]}]
    assert entry["settings"] == {
        **{"dataset": "digits", "model": "lenet", "generations": 60, "seed": 0},
        "kinds": ["direct", "noise"],
    }
    assert entry["networks"] == {
        "lenet 1": {"accuracy": 0.5, "weights": "ab" * 8, "answers": [0.1] * 10}
    }
    csv = hashlib.sha256((run / "records.csv").read_bytes()).hexdigest()
    assert entry["files"]["records.csv"] == csv[:16]
    assert entry["data"]["sets"] == entry["data"]["all"]  # there were no other pictures
    assert entry["run"]["device"] == "a CPU" and entry["run"]["versions"]["jax"] == "1"
    assert entry["run"]["source"] == records.digest("transfer")
    assert [entry[name] for name in entries.OWN] == ["", "", ""]
    assert (
        '    {"defense": "plain", "share": [0.25, null, 1.0]}\n' in (run / "entry.json").read_text()
    )


def test_places_of_one_machine_are_left_out(tmp_path):
    mine = tmp_path / "secret" / "mine.py"
    mine.parent.mkdir()
    mine.write_text("net = 1\n")
    folder = finish(tmp_path / "run", model=f"{mine}:net", data_dir=str(tmp_path / "secret"))
    entry = entries.read(folder)
    assert "secret" not in (folder / "entry.json").read_text()
    assert entry["settings"]["model"] == "mine.py:net"
    assert entry["run"]["command"] == "python -m experiments.transfer --model mine.py:net"
    assert entry["code"] == {"mine.py": hashlib.sha256(b"net = 1\n").hexdigest()[:16]}


CHANGES = {
    "a figure": lambda entry: entry["rows"][0]["share"].__setitem__(0, 0.24),
    "a limit": lambda entry: entry["rows"][0]["share"].__setitem__(1, 0.2),
    "a setting": lambda entry: entry["settings"].update(generations=600),
    "weights": lambda entry: entry["networks"]["lenet 1"].update(weights="cd" * 8),
    "a version": lambda entry: entry.update(version="v3"),
    "one more row": lambda entry: entry["rows"].append({"defense": "mine"}),
    "the digest": lambda entry: entry.update(digest="0" * 16),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_edited_is_noticed(run, change):
    edit(run / "entry.json", change)
    with pytest.raises(ValueError, match=r"entry\.json was edited: .* change no more than title"):
        entries.read(run)


def test_what_the_author_fills_in_may_be_edited(run):
    before = entries.read(run)
    words = {"title": "Ours", "authors": "A, B", "link": "https://a.example/b?c=d"}
    edit(run / "entry.json", lambda entry: entry.update(words))
    after = entries.read(run)
    assert after == {**before, **words}
    # neither order nor spaces count
    (run / "entry.json").write_text(json.dumps(dict(reversed(after.items())), indent=7))
    assert entries.read(run)["digest"] == before["digest"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("link", "http://a.example"),
        ("link", "javascript:alert(1)"),
        ("link", "https://a.example/) [x](y"),
        ("title", "two\nlines"),
        ("title", "x" * 81),
        ("authors", 3),
    ],
)
def test_what_the_author_fills_in_has_limits(run, tmp_path, name, text):
    with pytest.raises(ValueError, match=rf"one\.json: {name} must be"):
        entries.collect(run, "one", tmp_path / "kept", TERMS, {**NOBODY, name: text})
    assert not (tmp_path / "kept").exists()


def test_records_that_are_not_those_of_the_entry(run):
    (run / "records.csv").write_text("defense,share\nplain,0.15\n")
    with pytest.raises(ValueError, match=r"records\.csv is not what the entry was made from"):
        entries.read(run)


REFUSED = {
    "--generations must be at least 60, got 3; .* --preset fair": {"generations": 3},
    "--kinds must name direct as well": {"kinds": ("noise",)},
    "--seed must be 0, got 1": {"seed": 1},
    "RUN is of Benchmark v1, and entries are taken of Benchmark v2": {"version": "v1"},
}


@pytest.mark.parametrize(("message", "changes"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_compared_is_refused(tmp_path, message, changes):
    folder = finish(tmp_path / "run", **changes)
    message = message.replace("; ", ".")
    with pytest.raises(ValueError, match=message):
        entries.collect(folder, "one", tmp_path / "kept", TERMS, NOBODY)
    assert not (tmp_path / "kept").exists()


def test_more_than_asked_for_is_welcome(tmp_path):
    changes = {"generations": 100, "dataset": "mnist", "model": "mlp"}
    folder = finish(tmp_path / "run", kinds=("noise", "direct", "cppn"), **changes)
    kept = entries.collect(folder, "one", tmp_path / "kept", TERMS, {**NOBODY, "title": "Ours"})
    assert entries.read(kept) == {**entries.read(folder), "title": "Ours"}


def test_settings_of_later_days_count_as_those_of_the_preset(run):
    later = TERMS._replace(settings={**TERMS.settings, "patience": 7})
    entries.check(entries.read(run), later)


def test_other_pictures_do_not_make_another_set(run, tmp_path):
    """Two machines need not decode photographs alike, and the test set is the same for all that."""
    before = entries.read(run)["data"]
    other = finish(tmp_path / "other", images="of nobody")
    after = entries.read(other)["data"]
    assert after["sets"] == before["sets"] and after["all"] != before["all"]


def test_a_run_that_is_not_finished(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    settings.save(folder, Config(), "experiments.transfer")
    with pytest.raises(ValueError, match=r"run has no entry\.json; it is no finished run"):
        entries.read(folder)
    with pytest.raises(ValueError, match="nowhere does not exist"):
        entries.read(tmp_path / "nowhere")
    (folder / "entry.json").write_text("[]")
    with pytest.raises(ValueError, match=r"entry\.json is no entry; it lacks title"):
        entries.read(folder)
    (folder / "entry.json").write_text("{")
    with pytest.raises(ValueError, match=r"entry\.json cannot be read as an entry"):
        entries.read(folder)


def test_a_name_is_taken_once(run, tmp_path):
    kept = tmp_path / "kept"
    path = entries.collect(run, "one", kept, TERMS, {**NOBODY, "title": "Ours"})
    # the same again keeps what its author filled in
    assert entries.collect(run, "one", kept, TERMS, {**NOBODY, "authors": "A"}) == path
    assert [entries.read(path)[name] for name in entries.OWN] == ["Ours", "A", ""]
    other = finish(tmp_path / "other", generations=99)
    with pytest.raises(ValueError, match=r"one\.json is another entry; give another name"):
        entries.collect(other, "one", kept, TERMS, NOBODY)
    with pytest.raises(ValueError, match="NAME must be letters"):
        entries.collect(run, "../one", kept, TERMS, NOBODY)


def test_the_command_checks_and_enters(run, tmp_path, capsys):
    entries.main([str(run)], TERMS)
    assert "an entry of Benchmark v2; nothing is wrong" in capsys.readouterr().out
    kept = tmp_path / "kept"
    entries.main([str(run), "one", "--to", str(kept), "--title", "Ours"], TERMS)
    assert entries.read(kept / "one.json")["title"] == "Ours"
    entries.main([str(kept / "one.json")], TERMS)
    edit(kept / "one.json", CHANGES["a figure"])
    with pytest.raises(SystemExit):
        entries.main([str(kept / "one.json")], TERMS)
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and "was edited" in said
