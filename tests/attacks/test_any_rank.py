"""Sounds and videos: an attack that looks at no neighbors does the same to them as to pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from attack_cases import CASES, COUNT, LEAVE, SHAPE, make_params, two_layers

import fooljax as fj
from fooljax.attacks.regularization import regularize
from fooljax.types import Classifier

SHAPES = {"sound": (36, 1), "video": (2, 3, 6, 1), "numbers": (36,)}
#: What knows which pixels are neighbors.
OF_PICTURES = ("ascent blur", "ascent sparse", "ascent total variation adam")
OF_PICTURES += ("blur", "spatial", "spatial draws")
OF_SHAPE = ("ascent fourier", "ascent cppn random start")
SQUARES = ("square", "square l2")
ALIKE = [name for name in CASES if name not in (*OF_PICTURES, *OF_SHAPE, *SQUARES)]


QUICK = [(name, SHAPES["sound"]) for name in ("pgd l1 random start", "deepfool l2", "lbfgs")]
QUICK += [(name, SHAPES["video"]) for name in ("hop skip jump", "ddn")]


def network(shape):
    return Classifier(make_params(0), two_layers, shape, 4)


def images(shape):
    return jax.random.uniform(jax.random.key(1), (COUNT, *SHAPE)).reshape(COUNT, *shape)


def attack(name, shape):
    case, key = CASES[name], jax.random.key(2)
    return fj.attacks.run(case.attack, key, network(shape), images(shape), case.goal)


ONE_OF_ALL = [
    pytest.param(shape, id=name, marks=[] if name == "sound" else pytest.mark.slow)
    for name, shape in SHAPES.items()
]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param(name, shape, marks=[] if (name, shape) in QUICK else pytest.mark.slow)
        for name in ALIKE
        for shape in (SHAPES["sound"], SHAPES["video"])
    ],
)
def test_the_same_numbers_in_another_order_of_axes(name, shape):
    picture, other = attack(name, SHAPE), attack(name, shape)
    np.testing.assert_allclose(
        other.images.reshape(picture.images.shape), picture.images, atol=2e-5
    )
    np.testing.assert_array_equal(other.success, picture.success)
    np.testing.assert_array_equal(other.gradients, picture.gradients)


@pytest.mark.parametrize("name", SQUARES)
@pytest.mark.parametrize("shape", [SHAPES["sound"], SHAPES["video"]])
def test_squares_are_spans_of_a_sound(name, shape):
    found, begun = attack(name, shape), images(shape)
    change = np.abs(np.asarray(found.images - begun)).reshape(COUNT, -1)
    size = change.max(axis=1) if name == "square" else np.linalg.norm(change, axis=1)
    radius = 0.09 if name == "square" else 0.3
    assert found.images.shape == begun.shape and size.max() <= radius + 1e-5
    before = np.asarray(fj.attacks.score(network(shape), begun, CASES[name].goal, begun).margin)
    known = ~np.isnan(before)  # the network breaks at one of them
    assert known.sum() == COUNT - 1 and np.all(found.margin[known] >= before[known] - 1e-6)


@pytest.mark.parametrize("name", OF_PICTURES)
def test_what_needs_pictures_says_so(name):
    with pytest.raises(ValueError, match=r"for pictures \(h, w, c\), got inputs \(36, 1\)"):
        attack(name, SHAPES["sound"])


@pytest.mark.parametrize("space", [fj.attacks.spaces.fourier, fj.attacks.spaces.phases])
def test_spaces_of_waves_are_for_pictures(space):
    with pytest.raises(ValueError, match=r"is for pictures \(h, w, c\), got inputs \(36, 1\)"):
        space(SHAPES["sound"])


@pytest.mark.parametrize(
    "shape", [SHAPES["sound"], pytest.param(SHAPES["video"], marks=pytest.mark.slow)]
)
def test_cppns_of_sounds_and_videos_are_climbed(shape):
    """In the space of their weights; what comes out is what the best weights paint."""
    space = fj.attacks.spaces.cppn(shape, 20, 30, mutations=2)
    climb, key = fj.attacks.ascent(3, space=space), jax.random.key(2)
    goal = fj.attacks.reach(jnp.array([0, 1, 2, 3, 1]))
    found = fj.attacks.run(climb, key, network(shape), images(shape), goal)
    assert found.images.shape == (COUNT, *shape)
    assert float(found.images.min()) >= 0.0 and float(found.images.max()) <= 1.0
    assert np.all(found.gradients == 3)


def test_signs_step_by_a_thousandth_of_a_waveform():
    """The largest step of 2 is 0.001 of [0, 1], which is 0.002 of the waveform."""
    climb = fj.attacks.ASCENTS["signs"].build(SHAPES["sound"], 2, 0.0)
    begun = 0.4 + 0.1 * images(SHAPES["sound"])  # the network breaks on bright ones
    goal = fj.attacks.reach(jnp.array([0, 1, 2, 3, 1]))
    key = jax.random.key(2)
    found = fj.attacks.run(climb, key, network(SHAPES["sound"]), begun, goal)
    change = np.abs(np.asarray(found.images) - np.asarray(begun)).max(axis=(1, 2))
    assert np.all(change <= 0.001 + 1e-6) and change.max() > 0.0009
    assert np.all(
        found.confidence > fj.attacks.score(network(SHAPES["sound"]), begun, goal, begun).confidence
    )


@pytest.mark.slow
def test_quiet_noise_is_every_word_after_ten_steps(data_dir, key):
    network = fj.models.load_pretrained("ds_cnn_s", f"{data_dir}/models")
    noise = 0.5 + 0.005 * jax.random.normal(key, (12, 16_000, 1))  # of rms 0.01 as a waveform
    climb = fj.attacks.ASCENTS["signs"].build((16_000, 1), 10, 0.0)
    found = fj.attacks.run(climb, key, network, noise, fj.attacks.reach(jnp.arange(12)))
    assert np.all(found.confidence > 0.99)


@pytest.mark.filterwarnings("ignore:no answer")  # the network breaks on bright images
@pytest.mark.parametrize("shape", ONE_OF_ALL)
def test_the_rest_of_the_core(shape):
    key = lambda: jax.random.key(3)
    net, begun = network(shape), images(shape)
    fj.models.validate(net)
    picture = network(SHAPE)
    same = lambda make: np.testing.assert_allclose(
        make(net)(begun), make(picture)(images(SHAPE)), atol=1e-5
    )
    same(lambda one: fj.defenses.ensemble([one, one]))
    same(lambda one: fj.defenses.majority_vote([one, one]))
    same(lambda one: fj.defenses.quantize(one, 4))
    same(lambda one: fj.defenses.noisy(key(), one, 0.1))
    own, other = (
        fj.defenses.certify(key(), one, some, 0.2, selection=8, samples=32)
        for one, some in ((net, begun), (picture, images(SHAPE)))
    )
    np.testing.assert_array_equal(own.radii, other.radii)
    found = fj.attacks.run_universal(
        fj.attacks.universal_sgd(0.1), key(), net, begun, steps=2, batch_size=COUNT
    )
    assert found.perturbation.shape == shape
    asked = fj.attacks.standard(key(), net, begun, LEAVE, 0.01, steps=3, queries=4)
    assert asked.result.images.shape == begun.shape


@pytest.mark.parametrize("shape", ONE_OF_ALL)
def test_evolution_of_what_is_no_picture(shape):
    key = lambda: jax.random.key(4)
    search = lambda shape: fj.evolution.map_elites(fj.encodings.direct(shape, levels=None), 12)
    elites = []
    for one in (shape, SHAPE):
        state, _ = fj.evolution.start(key(), search(one), network(one))
        state, _ = fj.evolution.advance(key(), search(one), network(one), state, 3)
        images = fj.evolution.express_elites(fj.encodings.direct(one), state.archive)
        assert images.shape == (4, *one)
        elites.append(np.asarray(state.archive.confidence))
    np.testing.assert_allclose(elites[0], elites[1], atol=1e-5)


def test_a_flax_network_of_sounds():
    import flax.linen as nn

    class Net(nn.Module):
        @nn.compact
        def __call__(self, sounds):
            return nn.Dense(3)(nn.relu(nn.Conv(4, (5,))(sounds)).mean(axis=1))

    net = fj.models.init_flax(jax.random.key(0), Net(), (50, 1), 3)
    sounds = jnp.full((2, 50, 1), 0.5)
    found = fj.attacks.run(
        fj.attacks.pgd(0.1, steps=3),
        jax.random.key(1),
        net,
        sounds,
        fj.attacks.leave(jnp.array([0, 1])),
    )
    assert found.images.shape == sounds.shape


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_few_numbers_are_changed_where_there_are_no_channels(shape):
    """Numbers without channels are a pixel each; of a picture's one channel it is the same."""
    picture, other = attack("sparse", SHAPE), attack("sparse", shape)
    np.testing.assert_allclose(other.images.reshape(picture.images.shape), picture.images)
    assert (np.asarray(other.images != images(shape)).reshape(COUNT, -1).sum(axis=1) <= 4).all()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_least_numbers_are_dropped_whatever_the_rank(shape):
    random = np.random.default_rng(0)
    change, slope = (np.float32(random.normal(size=(COUNT, *SHAPE))) for _ in range(2))
    count = jax.numpy.zeros(COUNT, int)
    for name in ("small_norm", "small_benefit", "small_influence"):
        rule = fj.attacks.Regularization(**{name: 30.0})
        expected = regularize(change, slope, count, rule)
        given = (one.reshape(COUNT, *shape) for one in (change, slope))
        found = regularize(*given, count, rule)
        np.testing.assert_array_equal(found, expected.reshape(found.shape))
        assert 0.25 < np.mean(found == 0.0) < 0.35
