import numpy as np
import pytest

from fooljax.analysis import choose_diverse


def slow(features, confidences, families, count, level):
    """The rule in plain words, one candidate at a time."""
    ranked = sorted(range(len(features)), key=lambda i: -confidences[i])
    certain = [i for i in ranked if confidences[i] >= level]
    pool = ranked[: max(2 * count, len(certain))]
    chosen, unrelated = [pool[0]], 1
    while len(chosen) < count:
        gap = {i: min(np.linalg.norm(features[i] - features[j]) for j in chosen) for i in pool}
        free = [i for i in pool if gap[i] > 1e-6]
        strangers = [i for i in free if families[i] not in {families[j] for j in chosen}]
        if not free:
            break
        unrelated += bool(strangers)
        chosen.append(max(strangers or free, key=gap.get))
    return chosen, unrelated


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("families", "level"), [(30, 0.5), (4, 0.5), (1, 0.99), (30, 0.99)])
def test_is_the_rule(seed, families, level):
    random = np.random.default_rng(seed)
    features = random.random((30, 3))
    features[20:] = features[:10]  # equal images
    confidences = random.permutation(30) / 30.0
    kin = random.integers(0, families, 30)
    chosen, unrelated = choose_diverse(features, confidences, kin, 8, level)
    assert (list(chosen), unrelated) == slow(features, confidences, kin, 8, level)
    assert unrelated == len(set(kin[chosen]))


def test_equal_images_are_shown_once():
    features = np.repeat(np.eye(3), 4, axis=0)
    chosen, _ = choose_diverse(features, np.linspace(0.9, 1.0, 12), np.arange(12), 6, 0.5)
    assert sorted(chosen // 4) == [0, 1, 2]


def test_needs_something_to_choose():
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        choose_diverse(np.zeros((2, 1)), np.ones(2), np.arange(2), 0, 0.5)
