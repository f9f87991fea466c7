"""Peers: verdicts and page from made-up rows, twins that answer alike, pairs that run."""

import copy
import json
import math
from pathlib import Path

import jax
import numpy as np
import pytest

import fooljax as fj
from benchmarks.peers import __main__ as command
from benchmarks.peers import attacks_torch, causes, clock, networks, page, verdicts
from benchmarks.peers.pairs import Pair, Side, Victim

KEY = jax.random.key(0)


def side(seconds, found, cold=2.0):
    """What a side took and found, one repeat each."""
    warm = [{"wall_s": one, "cpu_s": 2.0 * one} for one in seconds]
    return {"cold": {"wall_s": cold, "cpu_s": cold}, "warm": warm, "found": found}


def row(name, ours, theirs, **more):
    return {
        "question": "attacks",
        "name": name,
        "network": "lenet",
        "package": "peer",
        "version": "1.0",
        "work": "ten steps",
        "load_1_minute": 0.5,
        "fooljax": ours,
        "peer": theirs,
        **more,
    }


def hits(*shares):
    return [{"success": one, "forward passes": 12.0, "gradients": 10.0} for one in shares]


AHEAD = row("peer A", side([1.0, 1.1], hits(0.9, 0.9)), side([3.0, 2.2], hits(0.9, 0.9)))
SLOWER = row("peer B", side([3.0, 3.0], hits(0.9, 0.8)), side([1.5, 2.0], hits(0.8, 0.9)))
WEAKER = row("peer C", side([1.0, 1.0], hits(0.7, 0.7)), side([2.0, 2.0], hits(0.9, 0.8)))


@pytest.fixture
def document():
    rows = {f"lenet: {one['name']}": copy.deepcopy(one) for one in (AHEAD, SLOWER, WEAKER)}
    plain = {key: value for key, value in AHEAD.items() if key not in ("fooljax", "peer")}
    rows["lenet: peer D"] = {**plain, "name": "peer D", "skipped": "peer is not installed"}
    rows["lenet: peer E"] = {**plain, "name": "peer E", "error": "TypeError: not a number"}
    machine = {"processor": "a processor", "cpus": 2, "backend": "cpu", "python": "3.11"}
    machine |= {"fooljax": "0.1", "packages": {"jax": "0.10", "torch": None}}
    config = {"repeats": 2, "images": 100, "weights": None, "data_dir": None}
    return {"config": config, "environment": machine, "rows": rows}


def test_whoever_is_faster_in_every_repeat_is_ahead():
    verdict = verdicts.verdict(AHEAD)
    assert verdict.wall == pytest.approx((2.5, 2.0, 3.0))
    assert str(verdict) == "**ahead**, faster: 2.50 x"
    assert str(verdicts.verdict(SLOWER)).startswith("slower: 1.71 x; more processor time: 1.71 x")
    mixed = row("peer", side([1.0, 1.0], hits(0.5, 0.5)), side([1.2, 0.9], hits(0.5, 0.5)))
    assert str(verdicts.verdict(mixed)) == "as fast"


def test_strength_counts_beyond_the_noise_only():
    assert verdicts.verdict(SLOWER).weaker == []  # 0.85 both
    close = row("peer", side([1.0], hits(0.8996)), side([1.0], hits(0.9)))
    assert verdicts.verdict(close).kinds == set()
    assert verdicts.verdict(WEAKER).weaker == ["success 0.7 against 0.85"]
    assert str(verdicts.verdict(WEAKER)) == "weaker: success 0.7 against 0.85; faster: 2.00 x"
    noisy = row("peer", side([1.0] * 2, hits(0.7, 0.9)), side([1.0] * 2, hits(0.85, 0.86)))
    assert verdicts.verdict(noisy).weaker == []


def test_a_smaller_distance_is_stronger_and_none_is_infinitely_far():
    near, far = ([{"median L2": distance}] for distance in (1.0, 1.2))
    nowhere = verdicts.finite([{"median L2": math.inf}])
    assert json.dumps(nowhere) == '[{"median L2": null}]'
    assert verdicts.verdict(row("peer", side([1.0], near), side([1.0], far))).kinds == {"stronger"}
    assert verdicts.verdict(row("peer", side([1.0], far), side([1.0], near))).kinds == {"weaker"}
    lost = verdicts.verdict(row("peer", side([1.0], nowhere), side([1.0], far)))
    assert lost.weaker == ["median L2 none against 1.2"]
    same = verdicts.verdict(row("peer", side([1.0], nowhere), side([1.0], nowhere)))
    assert same.kinds == set()


def test_the_page_names_every_deficit_and_what_was_not_measured(document, monkeypatch):
    monkeypatch.setitem(causes.CAUSES, ("peer B", "lenet", "slower"), "the reason")
    monkeypatch.setitem(causes.CAUSES, ("peer A", "lenet", "slower"), "no reason")
    text = page.to_markdown(document, "rows.json")
    assert "Of 3 rows fooljax is ahead in time at equal or better strength in 1" in text
    assert "behind in 2:" in text
    assert "- peer C, LeNet: weaker: success 0.7 against 0.85; faster: 2.00 x" in text
    assert "- Not measured: peer D, LeNet: peer is not installed" in text
    assert "- Not measured: peer E, LeNet: raised TypeError: not a number" in text
    assert "success 0.85 (0.8 to 0.9); 12 and 10 passes" in text
    assert "jax 0.10." in text and "torch" not in text.split("How to read")[0].split("jax 0.10")[1]
    assert "| the reason |" in text and "no reason" not in text
    cells = [line.count(" | ") for line in text.splitlines() if line.startswith("| peer")]
    assert cells == [8] * 4  # one head and three rows


def test_a_row_says_where_it_was_measured_if_most_were_not(document):
    document["rows"]["lenet: peer B"]["processor"] = "another processor"
    text = page.to_markdown(document, "rows.json")
    assert "a processor unless a row says otherwise, 2 cores" in text
    assert [line[:8] for line in text.splitlines() if "(another processor)" in line] == ["| peer B"]


def test_the_page_of_the_site_is_made_of_the_rows_kept_with_it():
    root = Path(__file__).parent.parent.parent
    source = "benchmarks/peers/measured.json"
    text = page.to_markdown(json.loads((root / source).read_text()), source)
    assert (root / "docs" / "peers_measured.md").read_text(encoding="utf-8") == text


def test_what_is_measured_is_kept_and_errors_are_measured_again(document, tmp_path, monkeypatch):
    asked = []

    def measured(pair, victim, repeats):
        asked.append(pair.name)
        return {**AHEAD, "name": pair.name, "network": ""}

    pairs = [
        Pair("attacks", name, "numpy", "numpy", "work", lambda victim: None, bare=True)
        for name in ("peer A", "peer E", "peer F")
    ]
    monkeypatch.setattr(clock, "measured", measured)
    monkeypatch.setattr(command, "_asked", lambda config: pairs)
    victims = {"lenet": lambda: None, "adversarial": lambda: None}
    monkeypatch.setattr(command, "_victims", lambda config: victims)
    out, paper = tmp_path / "rows.json", tmp_path / "page.md"
    config = command.Config(out=str(out), page=str(paper), repeats=2)
    first = command._begun(config)
    first["environment"]["processor"] = "an older processor"
    known = {"peer A": copy.deepcopy(AHEAD), "peer E": document["rows"]["lenet: peer E"]}
    out.write_text(json.dumps(first | {"rows": known}))
    found = command.measure(config)
    assert asked == ["peer E", "peer F"]  # once, for pairs without a network
    assert json.loads(out.read_text()) == json.loads(json.dumps(found))
    assert found["rows"]["peer A"]["processor"] == "an older processor"
    assert "Of 3 rows" in paper.read_text()
    with pytest.raises(ValueError, match=r"repeats 2 \(now 3\); give another file"):
        command.measure(command.Config(out=str(out), repeats=3))


def test_impossible_settings():
    with pytest.raises(ValueError, match="repeats must be positive, got 0"):
        command.Config(repeats=0)
    with pytest.raises(ValueError, match="--only nobody fits no question and no pair of"):
        command._asked(command.Config(only=("nobody",)))


def test_pairs_have_names_of_their_own():
    pairs = command._asked(command.Config())
    assert len({pair.name for pair in pairs}) == len(pairs)
    assert {pair.question for pair in pairs} == set(page.QUESTIONS)
    some = command._asked(command.Config(only=("art", "certification")))
    assert {pair.name for pair in some} >= {"ART PGD", "PyTorch randomized smoothing"}
    names, networks, kinds = map(set, zip(*causes.CAUSES, strict=True))
    assert names <= {pair.name for pair in pairs}
    assert networks <= {"lenet", "adversarial", ""} and kinds <= {"slower", "weaker", "stronger"}


def test_missing_and_failing_peers_are_rows():
    def broken(victim):
        raise TypeError("not a number\nat all")

    pair = Pair("attacks", "peer", "no-such-package", "no_such_module", "work", broken, bare=True)
    assert clock.measured(pair, None, 1)["skipped"] == "no-such-package is not installed"
    row = clock.measured(pair._replace(module="json"), None, 1)
    assert row["error"] == "TypeError: not a number"


def test_both_sides_get_the_same_repeats_in_turn(monkeypatch):
    monkeypatch.setattr(clock, "_AT_LEAST_S", 0.0)
    seen = []

    def of(name):
        work = lambda repeat: seen.append((name, repeat)) or np.float32(repeat)
        return Side(work, lambda result: {"success": float(result)})

    sides = lambda victim: (of("ours"), of("theirs"))
    pair = Pair("attacks", "peer", "numpy", "json", "work", sides, bare=True)
    row = clock.measured(pair, None, 3)
    assert seen[4:] == [
        ("ours", 1), ("theirs", 1), ("theirs", 2), ("ours", 2), ("ours", 3), ("theirs", 3)
    ]  # fmt: skip
    assert [one["success"] for one in row["peer"]["found"]] == [1.0, 2.0, 3.0]
    assert len(row["fooljax"]["warm"]) == 3


@pytest.fixture(scope="module")
def victim():
    """The small network as it starts, and noise."""
    classifier = fj.models.init_flax(KEY, networks.SmallLeNet(), (28, 28, 1), 10)
    images = np.random.default_rng(0).uniform(size=(6, 28, 28, 1)).astype(np.float32)
    labels = networks.answers(classifier, images).astype(np.int32)
    known = fj.data.load("digits").train
    return Victim("adversarial", classifier, images, labels, images, known, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet", "small"])
def test_the_twin_answers_alike(name, victim):
    pytest.importorskip("torch", reason="PyTorch is what the twin is made in")
    classifier = victim.classifier
    if name == "lenet":
        classifier = fj.models.build("lenet", jax.random.key(1), (28, 28, 1), 10)
    logits = networks.twin(classifier)(networks.as_tensor(victim.images))
    expected = np.asarray(classifier(victim.images))
    np.testing.assert_allclose(logits.numpy(), expected, atol=1e-5)
    np.testing.assert_array_equal(
        networks.as_images(networks.as_tensor(victim.images)), victim.images
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["torchattacks PGD", "PyTorch randomized smoothing"])
def test_a_pair_runs(name, victim, monkeypatch):
    pytest.importorskip("torch", reason="the peer is one of PyTorch's")
    monkeypatch.setattr(clock, "_AT_LEAST_S", 0.0)
    (pair,) = command._asked(command.Config(only=(name,)))
    pytest.importorskip(pair.module, reason="the peer")
    with jax.debug_key_reuse(False):
        row = clock.measured(pair, victim, 1)
    assert "error" not in row
    assert verdicts.verdict(row).wall.median > 0.0
    if pair.question == "attacks":
        assert row["peer"]["found"][0]["forward passes"] == attacks_torch.STEPS
        assert row["peer"]["found"][0]["gradients"] == attacks_torch.STEPS


@pytest.mark.slow
def test_judges_count_what_is_within_the_rules_only(victim):
    from benchmarks.peers.attack_sides import judged

    wrong = victim._replace(labels=(victim.labels + 1) % 10)  # the images themselves succeed
    assert judged(wrong, victim.images, "ball") == {"success": 1.0}
    assert judged(victim, victim.images, "ball") == {"success": 0.0}
    assert judged(victim, victim.images, "l2") == {"success": 0.0, "median L2": math.inf}
    outside = victim.images.copy()
    outside[0, 0, 0, 0] = 1.5
    outside[1, 0, 0, 0] = (victim.images[1, 0, 0, 0] + 0.5) % 1.0  # out of the ball
    assert judged(wrong, outside, "ball")["success"] == pytest.approx(4 / 6)
    assert judged(wrong, outside, "l2")["success"] == pytest.approx(5 / 6)
