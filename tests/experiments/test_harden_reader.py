"""A lesson against misleading sentences: what is learned, what is asked, and what is said of it."""

import csv
import json
import shutil

import numpy as np
import pytest

import fooljax as fj
from experiments import harden_reader
from fooljax import study
from fooljax.study import change


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("harden_reader") / "run"
    config = change(harden_reader.PRESETS["smoke"], out=str(folder))
    return folder, config, harden_reader.main(config)


def test_no_topic_is_learned_and_asked(smoke):
    _, config, _ = smoke
    task = study.load_paragraphs(config.reading, config.run.seed)
    topics = {one.name: one.topic for one in task.passages}
    for repeat in range(3):
        learned, held = harden_reader.split_topics(config, task, repeat)
        assert learned | held == set(topics) and not learned & held
        assert not {topics[name] for name in learned} & {topics[name] for name in held}
        lessons = {
            taught: harden_reader.lesson(config, task, learned, taught, repeat)
            for taught in harden_reader.LESSONS
        }
        assert len({len(lesson) for lesson in lessons.values()}) == 1
        added = [one for one in lessons[harden_reader.TAUGHT] if one.added is not None]
        assert len(added) == len(lessons[harden_reader.TAUGHT]) // 3
        assert {one.name for one in added} <= learned
        assert all(one.added == len(one.sentences) - 1 for one in added)
        assert all(one.added is None for one in lessons[harden_reader.SAME])
        moved = lessons[harden_reader.ANYWHERE]
        assert [fj.data.remove_sentence(one) for one in moved] == [
            fj.data.remove_sentence(one) for one in lessons[harden_reader.TAUGHT]
        ]
        assert len({one.added for one in moved if one.added is not None}) == 6


def test_shares_are_counted_anew(smoke):
    """From the answers of each matcher, whatever the page's tables say."""
    folder, config, summary = smoke
    with (folder / "records.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == len(harden_reader.LESSONS) * 2 * len(harden_reader.PLACES)
    task, shares = study.load_paragraphs(config.reading, config.run.seed), {}
    for record in records:
        cell = {"taught": record["taught"], "repeat": int(record["repeat"])}
        kept = np.load(folder / "units" / f"{study.cells.file_name(cell)}.npz")[record["place"]]
        _, held = harden_reader.split_topics(config, task, cell["repeat"])
        assert kept.shape == (len(held),) and float(record["right"]) == kept.mean()
        shares[record["taught"], record["place"], cell["repeat"]] = kept.mean()
    at = lambda taught, place: [shares[taught, place, repeat] for repeat in (0, 1)]
    for place in harden_reader.PLACES:
        mean = np.mean(at(harden_reader.SAME, place))
        assert summary["retrained"][harden_reader.SAME][place]["mean"] == pytest.approx(mean)
        gain = np.subtract(at(harden_reader.TAUGHT, place), at(harden_reader.SAME, place)).mean()
        assert summary["gained"][harden_reader.TAUGHT][place]["mean"] == pytest.approx(gain)


class Pointing:
    """A reader that always chooses the sentence at one place."""

    def __init__(self, place):
        self.place = place

    def __call__(self, passages):
        return [np.eye(len(one.sentences))[self.place] for one in passages]


def test_added_sentences_stand_where_they_are_said_to():
    """Who always chooses the first sentence is wrong about all where the added one is first."""
    reading = study.Reading(questions=30, train_passages=2)
    task = study.load_paragraphs(reading, 0)
    held = {one.name for one in task.passages}
    right = lambda place, where: harden_reader.right_at(Pointing(place), task, held, where)
    plain = np.array([one.right == (0,) for one in task.passages])
    assert plain.any() and not plain.all()
    for where in ("unchanged", "last", "middle"):
        np.testing.assert_array_equal(right(0, where), plain)
    assert not right(0, "first").any() and not right(-1, "last").any()
    np.testing.assert_array_equal(right(1, "first"), plain)
    assert not right(2, "middle").any()  # of six sentences, five after three


def test_the_title_follows_from_the_numbers():
    def found(last, first):
        """Three matchers, which lessons change by so much, more or less."""
        gains = {"last": last, "first": first, "middle": 0.0, "unchanged": 0.0}
        records = [
            {"taught": taught, "place": place, "repeat": repeat, "right": 0.4 + changed}
            for taught in harden_reader.LESSONS
            for place, gain in gains.items()
            for repeat, noise in enumerate((-0.01, 0.0, 0.01))
            for changed in [0.0 if taught == harden_reader.SAME else gain + noise]
        ]
        return harden_reader.Found(harden_reader.Config(), None, 0.0, records)

    title = lambda *gains: harden_reader.title(found(*gains))
    assert title(0.3, 0.0).endswith("learns above all where it stands")
    assert title(0.3, 0.3).endswith("is misled less")
    assert title(0.0, 0.0).endswith("is not seen to be misled less")
    assert "above all the place" in harden_reader.conclude(found(0.3, 0.0))


def test_the_page_says_what_was_found(smoke):
    folder, _, summary = smoke
    text = (folder / "report.html").read_text()
    assert summary["conclusion"] in text.replace("&nbsp;", " ")
    assert "In the paper BiDAF, trained anew, went from 34.8 to 70.4 F1" in text
    assert json.loads((folder / "summary.json").read_text())["dataset"] == "facts"


def test_a_resumed_run_ends_with_the_same_bytes(smoke, tmp_path):
    folder, *_ = smoke
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    sorted((again / "units").glob("taught*"))[0].unlink()
    harden_reader.main(change(harden_reader.PRESETS["smoke"], resume=str(again)))
    assert (again / "records.csv").read_bytes() == (folder / "records.csv").read_bytes()


@pytest.mark.slow
def test_squad_with_few_questions(data_dir, tmp_path):
    changes = {"questions": 60, "matchers": 1, "train_steps": 60, "retrain_steps": 5}
    config = change(harden_reader.PRESETS["squad"], out=str(tmp_path / "run"), data_dir=data_dir)
    right = harden_reader.main(change(config, **changes))["retrained"][harden_reader.SAME]
    assert right["last"]["mean"] < right["unchanged"]["mean"] > 0.5  # chance is about one in five
