import csv
import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from experiments import ask
from experiments.ask import measure, numbers, page
from fooljax import data, study
from fooljax.study import Victim, change


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke preset, run as a user would: its folder, settings and summary."""
    folder = tmp_path_factory.mktemp("ask") / "run"
    config = change(ask.PRESETS["smoke"], out=str(folder))
    return folder, config, ask.main(config)


@pytest.fixture(scope="module")
def asked():
    return data.load_questions("synthetic")


def read(folder):
    with (folder / "records.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_the_words_of_a_guesser_are_worth_what_counting_says(asked):
    """Count answers by the beginning of the question, one question after another."""
    guessed = numbers.guesses(asked)
    train, test = asked.train, asked.test
    for share, answers, seeing in zip(measure.SHARES, *guessed[:2], strict=True):
        start = lambda q, share=share: (
            asked.questions[q].rstrip("?").split()[: int(share * len(asked.questions[q].split()))]
        )
        counts = defaultdict(Counter)
        for question, answer in zip(train.question, train.answer, strict=True):
            counts[tuple(start(question))][answer] += 1
        best = [counts[tuple(start(question))] for question in test.question]
        most = [max(count.values()) for count in best]
        assert [count[answer] for count, answer in zip(best, answers, strict=True)] == most
        right = np.mean(answers == test.answer)
        assert seeing >= right - 0.01  # who sees knows more; both learn from few examples
    assert np.all(guessed.seeing_up >= guessed.seeing - 0.01) and guessed.seeing_up[-1] == 1.0
    assert seeing == 1.0 and right == pytest.approx(0.66, abs=0.01)


def test_records_are_what_networks_answered(smoke, asked):
    folder, _, summary = smoke
    records = read(folder)
    parts = Counter(record["part"] for record in records)
    assert parts["words"] == 2 * 5 and parts["stubborn"] == 2 * len(numbers.LEVELS)
    of = lambda **keys: [r for r in records if all(r[k] == v for k, v in keys.items())]
    for name in ("pooled 1", "pooled 2"):
        whole = of(part="words", network=name, share="1.0")[0]
        assert float(whole["same"]) == float(whole["seeing_right"]) == 1.0
        accuracy = summary["networks"][name]["accuracy"]
        assert float(whole["right"]) == pytest.approx(accuracy, abs=1e-3)  # rounding of ties
    commonest = of(part="blind", shown=numbers.COMMONEST)
    assert {record["right"] for record in commonest} == {whole["blind_right"]}
    by_question = defaultdict(list)
    for question, answer in zip(asked.test.question, asked.test.answer, strict=True):
        by_question[question].append(answer)
    most = [Counter(one).most_common(1)[0][1] / len(one) for one in by_question.values()]
    for record in of(part="stubborn"):
        level = float(record["level"])
        assert float(record["truth"]) == pytest.approx(np.mean(np.array(most) >= level - 1e-9))


def test_page(smoke):
    folder, _, summary = smoke
    assert all(summary[table] for table in ("words", "stubborn", "blind", "dropped"))
    assert "NaN" not in (folder / "summary.json").read_text()
    text = (folder / "report.html").read_text()
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert pictures == [
        *("examples.png", "stubborn.png", "words_right.png", "words_same.png"),
    ]
    assert text.count("data:image/png;base64,") == len(pictures)
    assert "python -m experiments.ask --train-steps 40 --models pooled" in text
    assert "nan" not in re.sub(r"base64,[^\"]*", "", text)


IMPOSSIBLE = {
    "--dataset: unknown 'mnist'; there are synthetic, easy_vqa and files": {"dataset": "mnist"},
    r"--dataset: nope\.npz: there is no such file": {"dataset": "nope.npz"},
    "--models: unknown 'lenet'; There are pooled, flat": {"models": ("lenet",)},
    "--weights: networks that answer questions are trained here": {"weights": "x.safetensors"},
    "--image-size: networks that answer questions are trained here": {"image_size": (32, 32)},
    "--recipe: .*; leave --recipe out": {"recipe": "trades"},
    "--train-epsilon: networks that answer questions are trained here": {
        "victim": Victim(dataset="synthetic", train_epsilon=0.1)
    },
    "--network-seeds must be at least 1, got 0": {"network_seeds": 0},
}


@pytest.mark.parametrize(("message", "changes"), IMPOSSIBLE.items(), ids=IMPOSSIBLE.keys())
def test_impossible_settings_leave_nothing_behind(tmp_path, message, changes):
    config = change(ask.PRESETS["smoke"], out=str(tmp_path / "deep" / "run"))
    with pytest.raises(ValueError, match=message):
        ask.main(change(config, **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_network_concludes_less_than_the_words_allow(data_dir, tmp_path):
    """On easy-VQA: right on 85 % and more, and no jumping to conclusions."""
    config = change(
        ask.Config(),
        dataset="easy_vqa",
        data_dir=data_dir,
        models=("pooled",),
        network_seeds=1,
        out=str(tmp_path / "run"),
    )
    summary = ask.main(config)
    assert summary["networks"]["pooled"]["accuracy"] >= 0.85
    rows = {(row["who"], row["share"]): row for row in summary["words"]}
    assert rows[numbers.BLIND, 1.0]["right"]["mean"] == 6_475 / 9_673
    allowed = rows[numbers.SEEING, 0.5]["same"]["mean"]
    assert allowed == pytest.approx(0.861, abs=1e-3)
    assert 0.4 < rows["pooled", 0.5]["same"]["mean"] < allowed


TITLES = {"pictures jump": (0.9, 0.91), "do not jump": (0.34, 0.35), "listen": (0.4, 0.8)}


@pytest.mark.parametrize(("words", "shares"), TITLES.items(), ids=TITLES.keys())
def test_the_title_follows_from_the_numbers(words, shares):
    """Two networks, and somebody who can be right on 60 % after half of the words."""
    records = [
        {"who": who, "share": 0.5, "repeat": repeat, "same": share}
        for who, some in (("pooled", shares), (numbers.SEEING, (0.6, 0.6)))
        for repeat, share in enumerate(some)
    ]
    tables = {"words": study.summarize(records, ("who", "share"), ["same"])}
    found = page.Found(ask.PRESETS["smoke"], None, study.Results(()), tables)
    assert words in page.title(found)
    assert [level for level, _ in page.allowed(found)] == [study.share(0.6)]


def test_what_is_known_from_training_is_counted(asked):
    known = asked._replace(train=asked.train._replace(question=asked.test.question))
    count = len(np.unique(asked.test.question))
    assert f"all {count} questions of the test are" in page.familiar(known)
    assert "every pairing of a shape with a color" in page.familiar(known)
    others = asked.test.question[asked.test.question != asked.test.question[0]]
    fewer = asked._replace(train=asked.train._replace(question=others))
    assert f"{count - 1} of {count} questions of the test" in page.familiar(fewer)
    strange = known._replace(questions=tuple(f"what is {i}?" for i in range(len(asked.questions))))
    assert "color" not in page.familiar(strange)  # of one's own nobody knows what is to be seen
