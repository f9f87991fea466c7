import csv
import json
import math
import shutil

import numpy as np
import pytest

import fooljax as fj
from experiments import distract
from experiments.distract import measure, numbers, page
from fooljax import study
from fooljax.study import change


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("distract") / "run"
    config = change(distract.PRESETS["smoke"], out=str(folder))
    return folder, config, distract.main(config)


def records_of(folder):
    with (folder / "records.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_shares_are_counted_anew(smoke):
    """From the sentences that were chosen, question by question."""
    folder, config, summary = smoke
    facts = fj.data.make_facts(0, config.reading.questions)
    records = records_of(folder)
    for number in (1, 2):
        name = {"network": f"matcher {number}"}
        read = lambda added: np.load(unit(folder, **name, added=added))["chosen"]  # noqa: B023
        plain = np.array(
            [at in one.right for at, one in zip(read("nothing"), facts[0], strict=True)]
        )
        lured = read("AddSent").reshape(len(plain), 3)
        worst = np.array(
            [all(at in one.right for at in some) for some, one in zip(lured, facts[0], strict=True)]
        )
        for added, right in (("nothing", plain), ("AddSent", worst)):
            (record,) = [
                one
                for one in records
                if one["added"] == added
                and one["kind"] == "added"
                and one["network"] == name["network"]
            ]
            assert float(record["right"]) == pytest.approx(right.mean())
        (record,) = [
            one
            for one in records
            if one["added"] == "AddSent" and one["network"] == name["network"]
        ]
        assert float(record["taken"]) == pytest.approx(np.mean(lured == 5))
    means = summary["right"]["matcher"]
    assert means["AddSent"]["mean"] <= means["AddOneSent"]["mean"] <= means["nothing"]["mean"]


def unit(folder, **cell):
    return folder / "units" / f"{study.cells.file_name(cell)}.npz"


def test_searches_ask_both_readers_the_same(smoke):
    folder, config, _ = smoke
    found = [
        dict(np.load(unit(folder, part=0, search="AddAny", network=f"matcher {n}"))) for n in (1, 2)
    ]
    assert (found[0]["rows"] == found[1]["rows"]).all() and len(found[0]["rows"]) == 8
    for one in found:
        assert one["right"].shape == (1 + config.length * config.epochs, 8)
        assert all(len(words.split()) == config.length for words in one["sentences"])
        assert (np.diff(one["queries"], axis=0) >= 0).all()


def test_a_curve_falls_from_the_control_to_the_end(smoke):
    folder, *_ = smoke
    records = [one for one in records_of(folder) if one["kind"] == "curve"]
    for added in measure.SEARCHES:
        for network in ("matcher 1", "matcher 2"):
            some = [one for one in records if one["added"] == added and one["network"] == network]
            shares = [float(one["right"]) for one in some]
            arrays = np.load(unit(folder, part=0, search=added, network=network))
            assert shares[0] == pytest.approx(arrays["right"][0].mean())
            assert shares[-1] == pytest.approx(arrays["right"][-1].mean())
            assert shares == sorted(shares, reverse=True)


def test_the_page_shows_a_passage_and_escapes_nothing_twice(smoke):
    folder, _, summary = smoke
    text = (folder / "report.html").read_text()
    assert "<ins>" in text and "<mark>" in text and "&amp;lt;" not in text
    assert summary["conclusion"] in text.replace("&nbsp;", " ")
    assert "synthetic" in text and "Table 2 of the paper" in text
    assert json.loads((folder / "summary.json").read_text())["questions"]["AddAny"] == 8


def test_a_resumed_run_ends_with_the_same_bytes(smoke, tmp_path):
    folder, *_ = smoke
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    for one in list((again / "units").glob("part*"))[:2]:
        one.unlink()
    distract.main(change(distract.PRESETS["smoke"], resume=str(again)))
    assert (again / "records.csv").read_bytes() == (folder / "records.csv").read_bytes()


def test_squad_without_its_files_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("FOOLJAX_DATA_DIR", raising=False)
    squad = change(distract.PRESETS["squad"], out=str(tmp_path / "run"))
    with pytest.raises(ValueError, match=r"--dataset squad: no download is known.*--data-dir"):
        distract.main(squad)
    with pytest.raises(ValueError, match=r"there is no .*addsent"):
        distract.main(change(squad, data_dir=str(tmp_path)))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_squad_with_few_questions(data_dir, tmp_path):
    changes = {"questions": 60, "searched": 3, "matchers": 1, "train_steps": 60}
    changes |= {"epochs": 1, "readers": ("matcher",)}
    config = change(
        distract.PRESETS["squad"], out=str(tmp_path / "run"), data_dir=data_dir, **changes
    )
    right = distract.main(config)["right"]["matcher"]
    assert right["AddSent"]["mean"] < right["a sentence from elsewhere"]["mean"]
    assert right["nothing"]["mean"] > 0.5  # chance is about one in five


def found_with(shares):
    """Return findings of one reader with these shares, 1,000 questions each."""
    records = [
        {
            "kind": "added",
            "reader": "minilm",
            "network": "minilm",
            "added": added,
            **{"right": right, "before": 0.8, "taken": 0.3, "questions": 1000},
        }
        for added, right in shares.items()
    ]
    network = measure.Network("minilm", "minilm", lambda passages: [])
    made = measure.Made((network,), study.Results(()))
    return numbers.Found(measure.Config(), None, made, records)


def test_the_title_follows_from_the_numbers():
    shares = dict.fromkeys(numbers.WAYS, 0.75)
    assert "not seen to harm more" in page.title(found_with(shares))
    lured = found_with({**shares, "AddOneSent": 0.5, "nothing": 0.8})
    assert page.title(lured).endswith("right answers fall from 80 % to 50 %")
    assert "not seen to harm more" in page.title(found_with({**shares, "AddOneSent": 0.74}))


def test_intervals_of_a_single_network_are_over_questions():
    interval = found_with({"nothing": 0.8}).right("minilm", "nothing")
    assert interval.mean == 0.8 and 0.77 < interval.low < 0.78 and 0.82 < interval.high < 0.83
    assert math.isnan(found_with({}).right("minilm", "nothing").mean)
