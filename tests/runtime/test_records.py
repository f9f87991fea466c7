"""Records of runs: numbers on a page come from the run, and from nowhere else."""

import json

import pytest
from PIL import Image

from fooljax.runtime import records

CSV = "attack,epsilon,repeat,fooled\npgd,0.1,0,0.5\npgd,0.1,1,0.7\nnoise,0.1,0,\n"


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "records.csv").write_text(CSV)
    Image.new("RGB", (2400, 100)).save(folder / "gallery.png")
    Image.new("RGB", (10, 10)).save(folder / "curves.png")
    headline = {"title": "A title", "lead": "A lead.", "figures": [("60 %", "are fooled")]}
    command = "python -m experiments.transfer --weights /home/of/somebody/lenet.safetensors"
    records.write(folder, "experiments.transfer", command, "a CPU", 61.2, headline, {"jax": "1"})
    return folder


def test_a_record_becomes_a_page(run, tmp_path):
    path = records.collect(run, "one", tmp_path / "kept")
    page = records.to_markdown(path)
    assert page.startswith("# A title\n\nA lead.\n\n- **60 %** are fooled\n")
    assert "| pgd | 0.1 | 0.6 | 2 |" in page and "| noise | 0.1 |  | 1 |" in page
    assert "![gallery of the run](one.png)" in page and "jax 1, python" in page
    assert "in 61 s on a CPU" in page and "Stale" not in page
    assert "--weights lenet.safetensors\n" in page  # whole paths belong to one machine
    with Image.open(tmp_path / "kept" / "one.png") as picture:
        assert picture.size == (1200, 50)


def test_another_number_is_another_page(run, tmp_path):
    before = records.to_markdown(records.collect(run, "one", tmp_path / "kept"))
    (run / "records.csv").write_text(CSV.replace("0.7", "0.9"))
    after = records.to_markdown(records.collect(run, "one", tmp_path / "kept"))
    assert before.replace("0.6", "0.7") == after != before


def test_numbers_that_say_which_are_not_averaged():
    table = records.means("network,run,label,sure\n1,0,7,0.2\n1,1,9,0.4\n2,0,7,0.8\n")
    assert table.splitlines()[2:] == [
        "| 1 | 7 | 0.2 | 1 |",
        "| 1 | 9 | 0.4 | 1 |",
        "| 2 | 7 | 0.8 | 1 |",
    ]
    many = "".join(f"1,{parent},{parent / 100}\n" for parent in range(41))
    assert "parent_niche" not in records.means(f"network,parent_niche,sure\n{many}")
    assert records.means(f"network,parent_niche,sure\n{many}").endswith("| 1 | 0.2 | 41 |")


def test_a_changed_experiment_makes_a_record_stale(run, tmp_path):
    path = records.collect(run, "one", tmp_path / "kept", "curves.png")
    record = json.loads(path.read_text())
    assert record["source"] == records.digest("transfer") is not None
    path.write_text(json.dumps(record | {"source": "of another day"}))
    assert "**Stale:**" in records.to_markdown(path)
    same = {"source": records.digest("transfer"), "command": "python -m experiments.transfer"}
    path.write_text(json.dumps(record | {"source": "of another day", "same": same}))
    page = records.to_markdown(path)
    assert "Stale" not in page and "```bash\npython -m experiments.transfer\n```" in page
    same["source"] = "of another day"
    path.write_text(json.dumps(record | {"source": "of a third day", "same": same}))
    assert "**Stale:**" in records.to_markdown(path)
    path.write_text(json.dumps(record | {"experiment": "of_a_deleted_file"}))
    assert "**Stale:**" in records.to_markdown(path)


def test_words_make_no_record_stale(tmp_path, monkeypatch):
    """Only what is computed does: not a page, a docstring, a comment or an empty line."""
    place = tmp_path / "experiments" / "mine"
    place.mkdir(parents=True)
    monkeypatch.setattr(records, "_ROOT", tmp_path)
    (place / "measure.py").write_text('def f(x):\n    """Double."""\n    return 2 * x\n')
    before = records.digest("mine")
    (place / "page.py").write_text("WORDS = 1\n")
    (place / "measure.py").write_text(
        '"""All."""\n\n\ndef f(x):\n    """Say.\n\n    Twice.\n    """\n    # x\n    return 2 * x\n'
    )
    assert records.digest("mine") == before is not None
    for change in ("def f(x):\n    return 3 * x\n", "def f(y): ...\n", "def f(z): ...\n"):
        (place / "measure.py").write_text(change)
        before, then = records.digest("mine"), before
        assert before != then


def test_what_cannot_be_recorded_is_said(run, tmp_path):
    with pytest.raises(ValueError, match=r"--picture other\.png: not in .*curves\.png, gallery"):
        records.collect(run, "one", tmp_path, "other.png")
    with pytest.raises(ValueError, match="NAME must be letters"):
        records.collect(run, "../one", tmp_path)
    with pytest.raises(ValueError, match=r"has no record\.json"):
        records.collect(tmp_path, "one", tmp_path)
    with pytest.raises(SystemExit):
        records.main([str(tmp_path), "one"])
