import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from fooljax import analysis

SHAPE, CLASSES = (12, 10, 1), 8
random = np.random.default_rng(0)
TEMPLATES = np.float32(random.normal(0.0, 0.1, (CLASSES, *SHAPE)))
TEMPLATES -= TEMPLATES.mean(axis=0)
IMAGES = np.float32(random.uniform(size=(24, *SHAPE)))
LABELS = np.arange(24) % CLASSES
key = jax.random.key


def ask(images, labels=LABELS, sigma=1.5, templates=TEMPLATES, seed=0, permutations=199):
    return analysis.resemblance(images, labels, templates, sigma, key(seed), permutations)


def correlations(images, templates, sigma):
    """The rule with scipy's blur and numpy's correlation, a pair at a time."""
    soft = lambda image: scipy.ndimage.gaussian_filter(np.float64(image), (sigma, sigma, 0))
    centered = [soft(image - images.mean(axis=0)).ravel() for image in images]
    patterns = [soft(one).ravel() for one in templates]
    return np.array([[np.corrcoef(a, b)[0, 1] for b in patterns] for a in centered])


@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_is_the_correlation_of_blurred_pixels(sigma):
    found, expected = ask(IMAGES, sigma=sigma), correlations(IMAGES, TEMPLATES, sigma)
    own = expected[np.arange(24), LABELS]
    np.testing.assert_allclose(found.own, own, atol=1e-5)
    others = (expected.sum(axis=1) - own) / (CLASSES - 1)
    np.testing.assert_allclose(found.others, others, atol=1e-5)
    np.testing.assert_array_equal(found.named, expected.argmax(axis=1))


def test_templates_are_class_means_less_what_all_share():
    found = analysis.templates(IMAGES, LABELS, CLASSES)
    means = np.stack([IMAGES[label == LABELS].mean(axis=0) for label in range(CLASSES)])
    np.testing.assert_allclose(found, means - means.mean(axis=0), atol=1e-6)
    few = np.repeat(np.arange(CLASSES), [1, 2, 3, 4, 5, 6, 1, 2])  # large classes weigh no more
    assert abs(analysis.templates(IMAGES, few, CLASSES).sum(axis=0)).max() < 1e-5
    as_bytes = np.uint8(255 * IMAGES)
    exact = analysis.templates(np.float32(as_bytes / 255.0), LABELS, CLASSES)
    np.testing.assert_allclose(analysis.templates(as_bytes, LABELS, CLASSES), exact, atol=1e-6)


def test_a_template_is_like_itself_on_any_ground():
    ground = np.float32(0.5 + 0.2 * np.sin(np.arange(12))[:, None, None])
    images = np.clip(ground + TEMPLATES, 0, 1)  # nothing is clipped
    found = ask(images, np.arange(CLASSES))
    np.testing.assert_allclose(found.own, 1.0, atol=1e-4)
    np.testing.assert_array_equal(found.named, np.arange(CLASSES))
    assert found.p_value == pytest.approx(1 / 200)


def test_noise_is_like_nothing():
    images = np.float32(np.random.default_rng(1).uniform(size=(200, *SHAPE)))
    found = ask(images, np.arange(200) % CLASSES, sigma=0.0)
    assert abs(np.mean(found.own)) < 4 / np.sqrt(200 * np.prod(SHAPE))
    assert np.max(abs(found.own)) < 5 / np.sqrt(np.prod(SHAPE))
    plain = np.full((4, *SHAPE), 0.3, np.float32)
    np.testing.assert_array_equal(ask(plain, np.arange(4)).own, 0.0)


@pytest.mark.parametrize("sigma", [0.0, 1.0, 2.0])
def test_a_template_under_noise_has_the_known_correlation(sigma):
    """After a blur B: the template's length over that of template and noise together."""
    count, deviation = 400, 0.2
    noise = np.random.default_rng(2).normal(0.0, deviation, (count, *SHAPE))
    labels = np.arange(count) % CLASSES
    smooth = 0.3 * scipy.ndimage.gaussian_filter(TEMPLATES, (0, 1, 1, 0))
    smooth -= smooth.mean(axis=0)
    images = np.float32(0.5 + smooth[labels] + noise)
    images = (images - images.min()) / np.ptp(images)  # correlation does not see the scale
    blur = lambda size: scipy.ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0)
    if not sigma:
        blur = np.eye
    matrix = np.kron(blur(SHAPE[0]), blur(SHAPE[1]))
    matrix = matrix - matrix.mean(axis=0)  # pixels less their mean
    signal = np.linalg.norm(smooth.reshape(CLASSES, -1) @ matrix.T, axis=1) ** 2
    energy = deviation**2 * (1 - 1 / count) * np.sum(matrix**2)
    expected = np.sqrt(signal / (signal + energy))
    found = np.asarray(ask(images, labels, sigma, smooth).own)
    for label in range(CLASSES):
        own = found[labels == label]
        assert own.mean() == pytest.approx(expected[label], abs=4 * own.std() / np.sqrt(len(own)))


def test_the_p_value_is_that_of_all_permutations():
    some = TEMPLATES[:4]
    images = np.float32(0.5 + 0.2 * some[[0, 1, 2, 3, 0, 1]] + 0.2 * IMAGES[:6] - 0.1)
    labels = np.array([0, 1, 3, 2, 0, 1])
    alike = correlations(images, some, 1.5)
    total = lambda names: sum(alike[i, names[label]] for i, label in enumerate(labels))
    every = [total(names) for names in itertools.permutations(range(4))]
    expected = np.mean(np.array(every) >= total(range(4)) - 1e-9)
    found = float(ask(images, labels, templates=some, permutations=20_000).p_value)
    assert 0.01 < expected < 0.99 and found == pytest.approx(expected, abs=0.015)


def test_the_p_value_is_even_on_noise():
    """Twenty runs of a class count as one finding: their noise is drawn once for all."""
    found = []
    for seed in range(150):
        one = np.random.default_rng(seed).uniform(0.2, 0.8, (CLASSES, *SHAPE))
        twenty = np.repeat(one, 20, axis=0) + np.random.default_rng(seed).normal(
            0.0, 0.01, (20 * CLASSES, *SHAPE)
        )
        labels = np.repeat(np.arange(CLASSES), 20)
        found.append(float(ask(np.float32(twenty), labels, seed=seed).p_value))
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01


def test_blurred_is_scipys_blur():
    found = analysis.blurred(IMAGES, 1.5)
    expected = scipy.ndimage.gaussian_filter(IMAGES, (0, 1.5, 1.5, 0))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(analysis.blurred(IMAGES, 0), IMAGES)
    assert analysis.blurred(jnp.ones((1, *SHAPE)), 3.0).max() <= 1.0


REFUSED = {
    "labels must name every class, got none of class 7": lambda: analysis.templates(
        IMAGES, LABELS % 7, CLASSES
    ),
    "num_classes must be at least 2, got 1": lambda: analysis.templates(IMAGES, LABELS, 1),
    "sigma must not be negative, got -1": lambda: ask(IMAGES, sigma=-1),
    "only pictures .* are blurred": lambda: analysis.blurred(IMAGES[..., 0], 1.0),
    r"classes must be in \[0, 8\), got 8": lambda: ask(IMAGES, LABELS + 1),
    "images must be two or more, got 1": lambda: ask(IMAGES[:1], LABELS[:1]),
    "images must be .* got .24, 11": lambda: ask(np.zeros((24, 11, 10, 1), np.float32)),
    r"templates must be \[k, h, w, c\]": lambda: ask(IMAGES, templates=TEMPLATES[:1]),
    "permutations must be at least 1, got 0": lambda: ask(IMAGES, permutations=0),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_is_refused(message):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()
