"""A network with two inputs, and the classifiers that are in it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import attacks, data, encodings, evolution, models, training

SHAPE, WORDS, LENGTH, ANSWERS = (12, 10, 3), 8, 4, 5
QUESTIONS = np.array([[2, 3, 4, 5], [6, 7, 0, 0], [0, 0, 0, 0]], np.int32)


def build(seed=0, pooled=True, length=LENGTH):
    module = models.VQANet(
        ANSWERS, WORDS, pooled, channels=(3, 4, 5), units=6, width=4, hidden=(8, 7)
    )
    return models.init_vqa(jax.random.key(seed), module, SHAPE, length), module


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (3, *SHAPE), np.uint8)


@pytest.mark.parametrize("pooled", [True, False])
def test_all_doors_lead_to_the_same_network(pictures, pooled):
    network, module = build(pooled=pooled)
    floats = jnp.asarray(pictures) / 255.0
    pairs = [(i, j) for i in range(3) for j in range(3)]
    every = models.answer_all(network, pictures, QUESTIONS, pairs).reshape(3, 3, -1)
    for j, question in enumerate(QUESTIONS):
        variables = {"params": network.params}
        truth = module.apply(variables, floats, jnp.tile(question, (3, 1)))
        close = lambda found, truth=truth: np.testing.assert_allclose(found, truth, atol=1e-5)
        close(models.asked(network, question)(floats))
        rows = np.concatenate([np.arange(3)[:, None], np.tile(question, (3, 1))], axis=1)
        close(models.about(network, pictures)(rows))
        close([models.shown(network, one)(question[None])[0] for one in pictures])
        close(every[:, j])


def test_padding_says_nothing(pictures):
    short, module = build()
    long = models.init_vqa(jax.random.key(0), module, SHAPE, 6)._replace(params=short.params)
    floats = jnp.asarray(pictures) / 255.0
    one = models.asked(short, QUESTIONS[0])(floats)
    two = models.asked(long, [*QUESTIONS[0], 0, 0])(floats)
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_the_unknown_word_says_nothing_wherever_it_stands(pictures):
    network, _ = build()
    texts = [[6, 7, 0, 0], [1, 6, 7, 0], [6, 1, 7, 0], [6, 1, 1, 7], [6, 2, 7, 0]]
    without, *unknown, other = models.answer_each(network, pictures, texts).swapaxes(0, 1)
    for found in unknown:
        np.testing.assert_allclose(found, without, atol=1e-6)
    assert not np.allclose(other, without, atol=1e-3)


def test_answers_do_not_depend_on_the_batch(pictures):
    network, _ = build()
    pairs = [(i, j) for i in range(3) for j in range(3)] * 3
    whole = models.answer_all(network, pictures, QUESTIONS, pairs)
    parts = models.answer_all(network, pictures, QUESTIONS, pairs, batch_size=4)
    np.testing.assert_allclose(whole, parts, atol=1e-6)


def test_another_question_picture_or_network_compiles_nothing(pictures):
    forward = jax.jit(lambda classifier, inputs: classifier(inputs))
    floats = jnp.asarray(pictures) / 255.0
    for seed in (0, 1):
        network, _ = build(seed)
        for question in QUESTIONS:
            forward(models.asked(network, question), floats)
    assert forward._cache_size() == 1
    for picture in pictures:
        forward(models.shown(network, picture), QUESTIONS)
    assert forward._cache_size() == 2


def test_gradients_reach_pictures_and_words(pictures):
    """Along a straight line the gradient adds up to the difference of the logits."""
    network, _ = build()
    classifier = models.shown(network, pictures[0])
    vectors = classifier.tokens.embed(classifier.params, QUESTIONS[:1])
    assert np.array_equal(classifier.tokens.table(classifier.params)[QUESTIONS[0]], vectors[0])
    answer = lambda v: classifier.tokens.apply_embedded(classifier.params, v)[0, 2]
    assert answer(vectors) == pytest.approx(float(classifier(QUESTIONS[:1])[0, 2]), abs=1e-6)
    way = jax.random.normal(jax.random.key(1), vectors.shape)
    slope = jnp.vdot(jax.grad(answer)(vectors), way)
    step = 1e-2 * way
    assert float(slope) == pytest.approx(
        float(answer(vectors + step) - answer(vectors - step)) / 2e-2, abs=2e-3
    )


def test_attacks_and_searches_run_on_it_unchanged(pictures, key):
    network, _ = build()
    classifier = models.asked(network, QUESTIONS[0])
    key_attack, key_search, key_ascent = jax.random.split(key, 3)
    floats = jnp.asarray(pictures) / 255.0
    answers = jnp.argmax(classifier(floats), axis=1)
    before = jax.nn.softmax(classifier(floats))[jnp.arange(3), answers]
    found = attacks.pgd(0.1, step_size=0.03, steps=5)(
        key_attack, classifier, floats, attacks.leave(answers)
    )
    assert float(jnp.max(jnp.abs(found.images - floats))) <= 0.1 + 1e-6
    after = jax.nn.softmax(classifier(found.images))[jnp.arange(3), answers]
    assert np.all(after < before)
    search = evolution.map_elites(encodings.direct(SHAPE), 8)
    state, first = evolution.start(key_search, search, classifier)
    state, _ = evolution.advance(key_search, search, classifier, state, 5)
    assert state.archive.confidence.shape == (ANSWERS,)
    assert np.all(state.archive.confidence >= first.confidence)
    goal = attacks.reach(jnp.arange(3))
    climbed = attacks.ascent(10)(key_ascent, classifier, floats, goal)
    assert climbed.images.shape == floats.shape


def test_the_one_training_loop_learns_from_questions():
    """Is it dark? From twelve pictures, and the pictures stay as they are."""
    random = np.random.default_rng(0)
    shades = np.repeat([40, 215], 6)
    images = np.repeat(shades, np.prod(SHAPE)).reshape(12, *SHAPE) + random.integers(
        -30, 30, (12, *SHAPE)
    )
    asked = data.Asked(images.astype(np.uint8), np.arange(12), np.zeros(12, int), shades // 215)
    asked = data.from_asked(asked, asked, ["is it dark?"], ["yes", "no"])
    module = models.VQANet(2, len(asked.words), channels=(3, 4, 5), units=6, width=4, hidden=(8, 7))
    network = models.init_vqa(jax.random.key(2), module, SHAPE, asked.ids.shape[1])
    rows = np.concatenate([asked.train.picture[:, None], asked.ids[asked.train.question]], axis=1)
    questions = data.Dataset(jnp.asarray(rows), jnp.asarray(asked.train.answer), asked.answers)
    start = models.about(network, asked.train.images)
    recipe = training.quick(60, 12, 1e-2)
    fit, losses = training.fit(jax.random.key(3), start, questions, **recipe._asdict())
    assert training.evaluate(fit, questions) == 1.0 and losses[-1] < 0.3 * losses[0]
    assert np.array_equal(fit.params["pictures"], asked.train.images)
    learned = network._replace(params=fit.params["params"])
    dark = models.asked(learned, asked.ids[0])
    assert np.array_equal(np.argmax(dark(jnp.zeros((1, *SHAPE))), axis=1), [0])


REFUSED = {
    r"question must be 4 numbers of words, 0 after the last, got \(3,\)": (
        lambda network, images: models.asked(network, [1, 2, 3])
    ),
    r"question must be numbers in \[0, 8\), got 8": (
        lambda network, images: models.asked(network, [1, 8, 0, 0])
    ),
    "question must be whole numbers within int32, got 0.5": (
        lambda network, images: models.asked(network, [0.5, 1, 0, 0])
    ),
    r"picture must be \[n, h, w, c\] with \(h, w, c\) = \(12, 10, 3\), got \(1, 11, 10, 3\)": (
        lambda network, images: models.shown(network, images[0, 1:])
    ),
    r"picture must be in \[0, 1\], got numbers from": (
        lambda network, images: models.shown(network, images[0] * np.float32(2.0))
    ),
    r"images must be \[n, h, w, c\] with .* got \(3, 12, 10, 1\)": (
        lambda network, images: models.about(network, images[..., :1])
    ),
    r"pairs must be \[s, 2\], numbers below \(3, 3\)": (
        lambda network, images: models.answer_all(network, images, QUESTIONS, [[3, 0]])
    ),
    r"input_shape must be \(h, w, c\) of 8 pixels at least, got \(4, 4, 3\)": (
        lambda network, images: models.init_vqa(
            jax.random.key(0), models.VQANet(2, 3), (4, 4, 3), 2
        )
    ),
    "length must be at least 1, got 0": (
        lambda network, images: models.init_vqa(jax.random.key(0), models.VQANet(2, 3), SHAPE, 0)
    ),
}


@pytest.mark.parametrize(("message", "call"), REFUSED.items(), ids=REFUSED.keys())
def test_what_does_not_fit_is_refused(pictures, message, call):
    network, _ = build()
    with pytest.raises(ValueError, match=message):
        call(network, pictures)
