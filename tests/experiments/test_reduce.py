import csv
import json

import numpy as np
import pytest

from experiments import reduce
from fooljax import study
from fooljax.reporting import texts
from fooljax.study import Victim, change


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("reduce") / "run"
    config = change(reduce.PRESETS["smoke"], out=str(folder))
    return folder, config, reduce.main(config)


def test_records_are_what_the_texts_say(smoke):
    folder, *_ = smoke
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    arrays = np.load(folder / "arrays.npz")
    reduced = [record for record in records if record["rule"]]
    assert len(reduced) == 2 * 2 and len(records) == 2 * 2 + 2
    for record in reduced:
        name = study.cells.file_name({axis: record[axis] for axis in ("rule", "network")})
        before, after = (arrays[f"{name}.{which}"] for which in ("before", "after"))
        assert float(record["before"]) == (before != 0).sum(axis=1).mean()
        assert float(record["after"]) == (after != 0).sum(axis=1).mean()
        for old, new in zip(before, after, strict=True):
            rest = iter(old[old != 0])
            assert all(word in rest for word in new[new != 0])  # in the same order


def test_numbers_and_page(smoke):
    folder, _, summary = smoke
    written = json.loads((folder / "summary.json").read_text())
    assert [row["rule"] for row in written["reductions"]] == ["fast", "random"]
    left = {row["rule"]: row["after"]["mean"] for row in summary["reductions"]}
    assert 1.0 <= left["fast"] <= left["random"]
    page = (folder / "report.html").read_text()
    assert "<del>" in page and "words are enough" in page
    assert "python -m experiments.reduce" in page and "nan" not in page.split("base64")[-1][-3000:]


def test_what_is_deleted_is_struck_through_and_nothing_is_markup():
    shown = texts.edited("a <b> c & d", "a x c").markup
    assert "<b>" not in shown and "&lt;b&gt;" in shown and "&amp;" in shown
    assert shown.count("<del>") == 2 and shown.count("<ins>") == 1


IMPOSSIBLE = {
    "--rules: unknown 'slow'; There are exact": {"rules": ("slow",)},
    "--attacks: unknown 'pgd'; .*There are hotflip": {"attacks": ("pgd",)},
    r"--dataset: inputs of shape \(28, 28, 1\) are no texts": {"victim": Victim()},
    "--model lenet does not read words": {"victim": Victim(dataset="opinions")},
    "--dataset: real images are needed": {"victim": Victim(dataset="none", model="text_cnn")},
    "--recipe adversarial changes numbers of images": {
        "victim": Victim(dataset="opinions", model="text_cnn", recipe="adversarial")
    },
    "--texts must be at least 1": {"texts": 0},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(reduce.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        reduce.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_published_network(data_dir, tmp_path):
    config = change(
        reduce.Config(),
        victim=Victim(
            dataset="sst2", data_dir=data_dir, model="movie_review", weights=f"{data_dir}/models"
        ),
        networks=1,
        texts=30,
        attacks=(),
        out=str(tmp_path / "run"),
    )
    summary = reduce.main(config)
    accuracy = summary["networks"]["movie_review"]["accuracy"]
    assert accuracy == pytest.approx(0.763, abs=0.01)
    left = {row["rule"]: row for row in summary["reductions"]}
    assert left["exact"]["after"]["mean"] <= 2.0
    # the mean of 256 words' vectors: one word alone moves it less than a sentence does
    assert 0.5 < left["exact"]["sure_after"]["mean"] < left["exact"]["sure_before"]["mean"] < 0.7
