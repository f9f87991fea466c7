"""Networks that listen: published answers, gradients at the edges, and how YAMNet is read."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fooljax import attacks, models
from fooljax.data.classes import ESC10
from fooljax.models import (
    KEYWORD_NETWORKS,
    PRETRAINED,
    SoundCNN,
    YAMNet,
    audioset_names,
    from_flax,
    load_pretrained,
)
from fooljax.models.sound_weights import ESC10_GROUPS
from fooljax.types import Classifier

# Numbers of the published files; YAMNet's with its front end.
SIZES = {
    "ds_cnn_l": 410_700,
    "ds_cnn_s": 22_604,
    "cnn_l": 476_206,
    "dnn_l": 495_744,
    "yamnet": 3_746_393,
}
ERRORS = {"ds_cnn_l": 34, "ds_cnn_s": 59, "cnn_l": 72, "dnn_l": 92}  # of 600
LISTENERS = {**KEYWORD_NETWORKS, "sound_cnn": SoundCNN, "yamnet": YAMNet}


def template(name):
    samples, classes = (15_600, 521) if name == "yamnet" else (16_000, 12)
    module = LISTENERS[name](classes)
    sounds = jax.ShapeDtypeStruct((1, samples, 1), jnp.float32)
    params = jax.eval_shape(module.init, jax.random.key(0), sounds)["params"]
    return from_flax(module, params, (samples, 1), classes)


def published(name, data_dir):
    folder = Path(data_dir) / "models"
    if not (folder / PRETRAINED[name].file).is_file():
        pytest.skip(f"the data folder has no {PRETRAINED[name].file}")
    return load_pretrained(name, folder)


def clips(data_dir, file):
    held = np.load(Path(data_dir) / "audio" / file, allow_pickle=False)
    return ((held["audio"] / 32768.0 + 1.0) / 2.0).astype(np.float32)[..., None], held["labels"]


def reference(data_dir, name):
    path = Path(data_dir) / "models" / "reference_audio.npz"
    return np.load(path, allow_pickle=False)[name]


@pytest.mark.parametrize("name", SIZES)
def test_published_sizes(name):
    assert sum(leaf.size for leaf in jax.tree.leaves(template(name).params)) == SIZES[name]


@pytest.mark.parametrize("name", ERRORS)
def test_logits_of_real_words(name, data_dir):
    """Twelve clips, one of each class, as TensorFlow computed them."""
    network = published(name, data_dir)
    sounds, _ = clips(data_dir, "speech_commands_600.npz")
    expected = reference(data_dir, f"{name}_logits_all600")[::50]
    found = jax.jit(network.apply)(network.params, sounds[::50])
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ERRORS)
def test_errors_on_six_hundred_words(name, data_dir):
    network = published(name, data_dir)
    sounds, labels = clips(data_dir, "speech_commands_600.npz")
    read = jax.jit(lambda network, sounds: network(sounds))
    logits = np.concatenate([read(network, part) for part in np.split(sounds, 10)])
    np.testing.assert_allclose(logits, reference(data_dir, f"{name}_logits_all600"), atol=1e-3)
    assert np.sum(logits.argmax(axis=1) != labels) == ERRORS[name]


EDGES = {
    "silence": lambda wave: 0.0 * wave,
    "lowest": lambda wave: 0.0 * wave - 1.0,
    "highest": lambda wave: 0.0 * wave + 1.0,
    "square wave": jnp.sign,
    "clipped": lambda wave: jnp.clip(10.0 * wave, -1.0, 1.0),
    "hardly there": lambda wave: 1e-7 * wave,
    "one click": lambda wave: wave.at[:, 1:].set(0.0),
    "half silent": lambda wave: wave.at[:, 5000:].set(0.0),
}


@pytest.mark.parametrize(
    "name", ["ds_cnn_s", "dnn_l", "sound_cnn", pytest.param("yamnet", marks=pytest.mark.slow)]
)
def test_gradients_are_finite_everywhere(name, key):
    """Logarithms and roots of nothing give no NaN, and no infinity."""
    key_wave, key_init = jax.random.split(key)
    samples = 15_600 if name == "yamnet" else 16_000
    network = models.init_flax(key_init, LISTENERS[name](5), (samples, 1), 5)
    wave = 0.3 * jax.random.normal(key_wave, (1, samples))
    waves = jnp.concatenate([edge(wave) for edge in EDGES.values()])
    sounds = (waves[..., None] + 1.0) / 2.0
    loss = lambda sounds: jnp.sum(jax.nn.log_softmax(network(sounds))[:, 1])
    value, gradient = jax.jit(jax.value_and_grad(loss))(sounds)
    assert np.isfinite(value)
    for edge, row in zip(EDGES, np.asarray(gradient), strict=True):
        assert np.isfinite(row).all(), edge
    assert np.abs(gradient[-1]).max() > 0.0
    assert np.all(gradient[0] == 0.0)  # below the floor nothing changes


@pytest.mark.parametrize("name", [*SIZES, "sound_cnn"])
def test_pictures_are_refused(name, key):
    with pytest.raises(ValueError, match="sounds of one channel"):
        jax.eval_shape(LISTENERS[name](5).init, key, jnp.zeros((1, 28, 28, 1)))
    with pytest.raises(ValueError, match="samples, got 300"):
        jax.eval_shape(LISTENERS[name](5).init, key, jnp.zeros((1, 300, 1)))


def test_half_precision_listens_too(key):
    key_init, key_sounds = jax.random.split(key)
    network = models.init_flax(key_init, KEYWORD_NETWORKS["ds_cnn_s"](5), (4000, 1), 5)
    sounds = jax.random.uniform(key_sounds, (1, 4000, 1))
    expected, found = network(sounds), models.in_bfloat16(network)(sounds)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, expected, atol=0.1 * float(jnp.abs(expected).max()))


# YAMNet's 521 scores, each read by itself, or by a softmax over all.


def answering(read):
    """A YAMNet of three classes whose logits are ``read(sounds)``, ``[b, 3]``."""
    apply = lambda params, sounds: jnp.pad(read(sounds), ((0, 0), (0, 1)))
    return Classifier((), apply, (15_600, 1), 3)


def statistics(sounds):
    """Three numbers of a sound, as logits."""
    moments = [jnp.mean(sounds, axis=(1, 2)), jnp.max(sounds, axis=(1, 2)), sounds[:, 7, 0]]
    return 4.0 * jnp.stack(moments, axis=1) - 2.0


def test_softmax_never_exceeds_the_published_score(key):
    logits = 4.0 * jax.random.normal(key, (200, 3))
    answered = answering(lambda _: logits)(None)
    confidence = jax.nn.softmax(answered)[:, :3]
    scores = models.presence(answered)
    np.testing.assert_allclose(scores, 1.0 / (1.0 + np.exp(-np.asarray(logits))), rtol=1e-5)
    assert np.all(confidence <= scores + 1e-6)
    # "none of these" leads exactly where no score exceeds a half
    np.testing.assert_array_equal(answered.argmax(1) == 3, np.all(scores < 0.5, axis=1))


def test_softmax_is_the_score_where_nothing_else_is_heard():
    answered = answering(lambda _: jnp.array([[2.0, -40.0, -40.0]]))(None)
    assert jax.nn.softmax(answered)[0, 0] == pytest.approx(1.0 / (1.0 + np.exp(-2.0)), abs=1e-6)


def test_one_sound_has_the_score_as_its_softmax(key):
    small, sounds = answering(statistics), jax.random.uniform(key, (2, 15_600, 1))
    scores = models.presence(small(sounds))
    for label in range(3):
        asked = models.one_sound(small, label)
        assert asked.num_classes == 2
        np.testing.assert_allclose(jax.nn.softmax(asked(sounds))[:, 0], scores[:, label], atol=1e-6)
    with pytest.raises(ValueError, match=r"label must be in \[0, 3\), got 3"):
        models.one_sound(small, 3)


def test_one_of_groups_is_the_best_of_its_kinds(key):
    small, sounds = answering(statistics), jax.random.uniform(key, (2, 15_600, 1))
    scores = models.presence(small(sounds))
    grouped = models.grouped(small, ((0, 2), (1,)))
    assert grouped.num_classes == 2
    expected = jnp.stack([jnp.maximum(scores[:, 0], scores[:, 2]), scores[:, 1]], axis=1)
    np.testing.assert_allclose(models.presence(grouped(sounds)), expected, atol=1e-6)
    forced = models.grouped(small, ((0, 2), (1,)), rejecting=False)
    np.testing.assert_array_equal(forced(sounds), grouped(sounds)[:, :2])
    for wrong in ((), ((0,), ()), ((0,), (3,))):
        with pytest.raises(ValueError, match="groups must be"):
            models.grouped(small, wrong)


def test_longer_clips_are_the_mean_over_windows(key):
    small = answering(statistics)
    clip = jax.random.uniform(key, (1, 15_600 + 2 * 5000 + 70, 1))
    windows = [small(clip[:, start : start + 15_600]) for start in (0, 5000, 10_000)]
    expected = np.mean([models.presence(logits) for logits in windows], axis=0)
    np.testing.assert_allclose(models.presence_in_clips(small, clip, 5000), expected, atol=1e-6)
    with pytest.raises(ValueError, match="at least 15600 samples, got 100"):
        models.presence_in_clips(small, clip[:, :100])


def test_names_of_kinds_of_sound():
    names = audioset_names()
    assert len(names) == len(set(names)) == 521
    assert (names[0], names[1], names[520]) == (
        "Speech",
        "Child speech, kid speaking",
        "Field recording",
    )
    assert {kind for kinds in ESC10_GROUPS.values() for kind in kinds.split("|")} <= set(names)
    assert tuple(ESC10_GROUPS) == ESC10


def test_scores_of_real_sounds(data_dir):
    network = published("yamnet", data_dir)
    sounds, _ = clips(data_dir, "esc10_40.npz")
    found = jax.jit(lambda network, sounds: models.presence(network(sounds)))
    expected = reference(data_dir, "yamnet_scores_first_frame")
    np.testing.assert_allclose(found(network, sounds[::10, :15_600]), expected[::10], atol=1e-4)


@pytest.mark.slow
def test_what_yamnet_hears_in_forty_clips(data_dir):
    """Every published score; 38 of the clips have their class among the best of ten groups."""
    network = published("yamnet", data_dir)
    sounds, labels = clips(data_dir, "esc10_40.npz")
    found = jax.jit(lambda network, sounds: models.presence(network(sounds)))
    expected = reference(data_dir, "yamnet_scores_first_frame")
    np.testing.assert_allclose(found(network, sounds[:, :15_600]), expected, atol=1e-4)
    scores = np.asarray(jax.jit(models.presence_in_clips)(network, sounds))
    np.testing.assert_allclose(scores, reference(data_dir, "yamnet_clip_scores"), atol=1e-4)
    names = audioset_names()
    meant = [[names.index(kind) for kind in ESC10_GROUPS[name].split("|")] for name in ESC10]
    best = [scores[:, kinds].max(axis=1) for kinds in meant]
    assert np.sum(np.argmax(best, axis=0) == labels) >= 37


@pytest.mark.slow
def test_what_is_climbed_is_the_published_score(data_dir, key):
    """From hardly audible noise, by steps of 0.001 of full scale."""
    network = published("yamnet", data_dir)
    targets = jnp.array([0, 132, 500], jnp.int32)
    sounds = 0.5 + 0.005 * jax.random.normal(key, (3, 15_600, 1))
    score = lambda sounds: models.presence(network(sounds))[jnp.arange(3), targets]
    climb = attacks.pgd(1.0, 0.0005, steps=20)
    found = attacks.run(climb, key, network, sounds, attacks.reach(targets))
    assert np.all(score(sounds) < 0.2) and np.all(found.confidence > 0.5)
    np.testing.assert_allclose(found.confidence, score(found.images), atol=1e-5)
