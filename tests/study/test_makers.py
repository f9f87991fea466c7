"""Every way to make images keeps to the contract of makers, controls included."""

import dataclasses

import jax
import numpy as np
import pytest

import fooljax as fj
from fooljax import study
from fooljax.study import MAKERS, Making, Material
from fooljax.study.evolved import evolve
from fooljax.study.making import of_few_classes

SHAPE, CLASSES = (8, 8, 1), 4
MAKING = Making(
    *(5, 3, 8),
    ascent_steps=4,
    epsilon=0.2,
    pgd_steps=3,
    queries=30,
    universal_steps=2,
    pixels=3,
)
ENCODINGS = fj.encodings.CATALOG
NOT_OF_PICTURES = {name for name, one in ENCODINGS.items() if "pictures" not in one.takes}
# attacks are tested by their own catalog; these stand for them
CHECKED = [name for name in MAKERS if name not in (*fj.attacks.CATALOG, *NOT_OF_PICTURES)]
CHECKED += ["fgsm", "standard", "deepfool"]
SLOW = ("cppn", "standard", "ascent_blur", "ascent_flat")
SEEN = ("near_noise", "grey_universal")  # show what the network takes them for
PARAMS = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CHECKED]


@pytest.fixture(scope="module")
def networks():
    build = lambda seed: fj.models.build("softmax", jax.random.key(seed), SHAPE, CLASSES)
    return build(1), build(2)


@pytest.fixture(scope="module")
def material():
    images = np.asarray(jax.random.uniform(jax.random.key(3), (30, *SHAPE)))
    train = fj.data.from_arrays(images, np.arange(30) % CLASSES)
    return Material(fj.data.as_float(train.images[:5]), train.labels[:5], train, np.arange(5))


@pytest.mark.parametrize("name", PARAMS)
def test_images_and_labels(name, networks, material):
    maker = MAKERS[name]
    make = maker.build(MAKING, SHAPE)
    made, again = (make(jax.random.key(0), networks[0], material) for _ in range(2))
    np.testing.assert_array_equal(made.images, again.images)
    images, labels = np.asarray(made.images), np.asarray(made.labels)
    assert images.shape == (len(labels), *SHAPE) and images.min() >= 0.0 and images.max() <= 1.0
    assert np.all((labels >= 0) & (labels < CLASSES))
    if maker.kind == "perturbed":
        np.testing.assert_array_equal(labels, material.labels)
        if name != "deepfool":
            change = images - np.asarray(material.images)
            assert np.abs(change).max() <= MAKING.epsilon + 1e-6
    elif not maker.control and name not in SEEN:
        np.testing.assert_array_equal(labels, np.arange(CLASSES))
    if maker.fools:
        assert made.cost.shape == labels.shape and np.all(made.cost > 0.0)
    assert maker.words and maker.words in maker.about


@pytest.mark.parametrize("name", [name for name in MAKERS if MAKERS[name].control])
def test_controls_do_not_look_at_the_network(name, networks, material):
    make = MAKERS[name].build(MAKING, SHAPE)
    one, other = (make(jax.random.key(0), network, material).images for network in networks)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", sorted(NOT_OF_PICTURES))
def test_what_makes_no_pictures_says_so(name):
    with pytest.raises(ValueError, match=r"--generators: .*\(8, 8, 1\)"):
        study.build("--generators", {name: MAKERS[name]}, MAKING, SHAPE)


def test_small_steps_from_faint_noise():
    """Of a sound: from a hundredth of full scale, at most 0.001 of the waveform a step."""
    key_noise, key_climb = jax.random.split(jax.random.key(6))
    shape = (400, 1)
    weights = jax.random.normal(jax.random.key(1), (400, CLASSES))
    apply = lambda params, sounds: sounds.reshape(len(sounds), -1) @ params
    network = fj.types.Classifier(weights, apply, shape, CLASSES)
    begun = MAKERS["quiet_noise"].build(MAKING, shape)(key_noise, network, None).images
    heard = 2.0 * np.asarray(begun) - 1.0
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.01, rel=0.1)
    made = MAKERS["quiet_signs"].build(MAKING, shape)(key_climb, network, None)
    assert np.sqrt(np.mean((2.0 * np.asarray(made.images) - 1.0) ** 2)) < 0.015
    sure = study.confidences(network, made.images, made.labels)
    assert sure.mean() > study.confidences(network, begun[:CLASSES], made.labels).mean()


def test_images_of_nobody_are_what_they_are_called(networks, material):
    clean = np.asarray(material.images)

    def make(name):
        made = MAKERS[name].build(MAKING, SHAPE)(jax.random.key(1), networks[0], material)
        return np.asarray(made.images)

    np.testing.assert_allclose(make("inverted") + clean, 1.0, rtol=1e-6)
    np.testing.assert_array_equal(make("quarter_turn")[3], np.rot90(clean[3]))
    for name in ("scrambled", "permuted"):
        found = make(name)
        same = np.sort(found.reshape(5, -1)), np.sort(clean.reshape(5, -1))
        np.testing.assert_array_equal(*same)
        assert (found != clean).any(axis=(1, 2, 3)).all()
    tiles = lambda image: {
        image[i : i + 2, j : j + 2].tobytes() for i in range(0, 8, 2) for j in range(0, 8, 2)
    }
    assert tiles(make("scrambled")[0]) == tiles(clean[0])
    corners = {clean[i, :4, :4].tobytes() for i in range(5)}
    assert {one[:4, :4].tobytes() for one in make("mosaic")} == corners
    blurred = make("blurred")
    assert blurred.min(axis=(1, 2, 3)).max() == 0.0 and blurred.max(axis=(1, 2, 3)).min() == 1.0
    rough = lambda images: np.abs(np.diff(images, axis=1)).mean()
    assert rough(blurred) < 0.5 * rough(make("noise"))


def test_what_it_cost_until_the_network_was_sure(networks, material):
    """By the answers of the network: who is sure in the end has a cost, who is not has none."""
    many = dataclasses.replace(MAKING, ascent_steps=30, generations=30, children=30)
    steep = jax.tree.map(lambda leaf: 20.0 * leaf, networks[0])
    for name in ("direct", "signs"):
        make = MAKERS[name].build(many, SHAPE)
        made = make(jax.random.key(0), steep, material)
        sure = study.confidences(steep, made.images, made.labels) > study.SURE
        np.testing.assert_array_equal(np.isfinite(made.cost), sure)
        most = 2 * 30 + 1 if name == "signs" else 30 * 31
        assert sure.any() and np.all(made.cost[sure] <= most)


def test_made_several_times(networks, material):
    make = MAKERS["near_noise"].build(MAKING, SHAPE)
    one = make(jax.random.fold_in(jax.random.key(4), 1), networks[0], material)
    both = study.repeated(make, 2)(jax.random.key(4), networks[0], material)
    assert len(both.labels) == len(both.images) == len(both.cost) == 2 * len(one.labels)
    np.testing.assert_array_equal(both.images[len(one.labels) :], one.images)
    assert not np.array_equal(both.images[0], both.images[len(one.labels)])
    still = study.repeated(MAKERS["noise"].build(MAKING, SHAPE), 2)
    assert still(jax.random.key(4), networks[0], material).cost is None


FOR_PICTURES = ("ascent_blur", "ascent_flat", "quarter_turn")
NOT_OF_SOUNDS = {name for name, one in ENCODINGS.items() if "sounds" not in one.takes}


@pytest.mark.parametrize("name", study.FOOLING)
def test_inputs_of_any_rank(name):
    """Sounds, too, unless a maker is for pictures and says so."""
    if name in NOT_OF_SOUNDS:
        with pytest.raises(ValueError, match=r"--generators: .*\(12, 1\)"):
            study.build("--generators", {name: MAKERS[name]}, MAKING, (12, 1))
        return
    if name == "scrambled":
        with pytest.raises(ValueError, match=r"scrambled needs a length that 16 divides"):
            study.build("--generators", {name: MAKERS[name]}, MAKING, (12, 1))
        return
    if name in FOR_PICTURES:
        with pytest.raises(ValueError, match=r"--generators: .*pictures.*\(12, 1\)"):
            study.build("--generators", {name: MAKERS[name]}, MAKING, (12, 1))
        return
    apply = lambda params, inputs: inputs.reshape(len(inputs), -1) @ params
    weights = jax.random.normal(jax.random.key(1), (12, CLASSES))
    network = fj.types.Classifier(weights, apply, (12, 1), CLASSES)
    sounds = np.asarray(jax.random.uniform(jax.random.key(3), (30, 12, 1)))
    train = fj.data.Dataset(sounds, np.arange(30, dtype=np.int32) % CLASSES, tuple("abcd"))
    make = MAKERS[name].build(MAKING, (12, 1))
    made = make(jax.random.key(0), network, study.take(train, train, np.arange(5)))
    assert made.images.shape == (len(made.labels), 12, 1)


IMPOSSIBLE = {
    "quarter_turn": ((8, 6, 1), "--outliers: quarter_turn needs square images"),
    "scrambled": ((8, 6, 1), "--outliers: scrambled needs a height and width that 4 divides"),
    "sparse": ((1, 2, 1), "--pixels must be at most 2, those of an image, got 3"),
}


@pytest.mark.parametrize(
    ("name", "shape", "message"), [(n, *both) for n, both in IMPOSSIBLE.items()]
)
def test_shapes_that_do_not_suit_are_refused(name, shape, message):
    with pytest.raises(ValueError, match=message):
        study.build("--outliers", {name: MAKERS[name]}, MAKING, shape)


def test_shapes_that_cannot_be_painted_are_refused_with_the_flag():
    makers = {name: MAKERS[name] for name in ("noise", "cppn")}
    with pytest.raises(ValueError, match=r"--generators: .*1 or 3\), got \(8, 8, 2\)"):
        study.build("--generators", makers, MAKING, (8, 8, 2))
    assert list(study.build("--generators", makers, MAKING, SHAPE)) == list(makers)


def test_what_is_fooled_by_hand():
    """Two networks, three images made to show class 1, the last column rejects."""
    logits = np.array(
        [[[0.0, 9.0, 1.0], [9.0, 0.0, 1.0], [0.0, 9.0, 1.0]], [[0.0, 1.0, 9.0]] * 3], np.float32
    )
    own, other = study.judge(MAKERS["cppn"], logits, 0, np.full(3, 1, np.int32), 2, 0.9)
    assert own["fooled"] == own["same_label"] == own["sure_label"] == pytest.approx(2 / 3)
    assert other["fooled"] == other["any_label"] == 0.0
    own, other = study.judge(MAKERS["pgd"], logits, 0, np.zeros(3, np.int32), 2, 0.9)
    assert own["fooled"] == own["any_label"] == pytest.approx(2 / 3) and other["fooled"] == 0.0


def test_evolutions_are_independent_and_those_of_one(networks):
    encoding = fj.encodings.CATALOG["direct"].build(SHAPE, fj.media.Pictures())
    classes = np.array([3, 0])
    found = study.evolve_repeats(jax.random.key(0), networks[0], encoding, 8, 3, 2, classes)
    assert found.images.shape == (2, 2, *SHAPE) and found.history.shape == (2, 2, 4)
    assert not np.array_equal(found.images[0], found.images[1])
    for repeat, one in enumerate(jax.random.split(jax.random.key(0), 2)):
        alone, history = evolve(one, networks[0], encoding, 8, 3)
        np.testing.assert_allclose(found.history[repeat], history.T[classes], atol=1e-5)
        np.testing.assert_allclose(found.images[repeat], alone[classes], atol=1e-6)
        sure = fj.metrics.probabilities(study.logits(networks[0], found.images[repeat]))
        np.testing.assert_allclose(
            found.confidence[repeat], np.asarray(sure)[[0, 1], classes], atol=1e-5
        )
    assert np.all(np.diff(found.history, axis=2) >= 0.0)  # elites are kept


def test_weights_go_into_a_cell_and_come_back(networks):
    arrays = {name: np.asarray(one) for name, one in study.weights_of(networks[0]).items()}
    back = study.with_weights(networks[1], arrays)
    same = lambda one, other: np.testing.assert_array_equal(one, other)
    jax.tree.map(same, back.params, networks[0].params)


def test_a_few_classes_drawn_at_random_are_what_is_made_for(networks, material):
    """The labels are those of the network itself, which still has all its columns to answer by."""
    few = of_few_classes(
        MAKERS["ascent"].build(dataclasses.replace(MAKING, ascent_steps=40), SHAPE), 2
    )
    found = [few(jax.random.key(seed), networks[0], material) for seed in range(4)]
    drawn = {tuple(np.asarray(made.labels).tolist()) for made in found}
    assert len(drawn) > 1 and all(len(set(labels)) == 2 for labels in drawn)
    for made in found:
        assert made.images.shape == (2, *SHAPE)
        answers = np.asarray(networks[0](made.images)).argmax(axis=1)
        np.testing.assert_array_equal(answers, made.labels)


def test_classes_that_are_asked_for_and_all_of_them(networks, material):
    make = MAKERS["direct"].build(dataclasses.replace(MAKING, generations=3), SHAPE)
    key, classes = jax.random.key(0), np.array([1, 3])
    made = study.of_classes(make, classes)(key, networks[0], material)
    np.testing.assert_array_equal(made.labels, classes)
    sure = study.confidences(networks[0], made.images, made.labels)
    np.testing.assert_allclose(made.history[-1], sure, rtol=1e-3)  # among all four columns
    whole, same = make(key, networks[0], material), study.of_classes(make, np.arange(CLASSES))
    np.testing.assert_array_equal(same(key, networks[0], material).images, whole.images)


def test_classes_are_drawn_once_for_a_seed():
    drawn = [study.draw_classes("--classes", seed, 5, 40) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert len(set(drawn[0])) == 5 and np.all(np.diff(drawn[0]) > 0)
    assert not np.array_equal(drawn[0], drawn[2])
    np.testing.assert_array_equal(study.draw_classes("--classes", 0, None, 4), np.arange(4))
    with pytest.raises(ValueError, match="--classes must be at most 4, got 5"):
        study.draw_classes("--classes", 0, 5, 4)
