"""What suits sounds and videos: settings, words, entries of catalogs, loudness."""

import base64
import re
from dataclasses import dataclass, field

import numpy as np
import pytest

import fooljax as fj
from experiments import ascend, perturb, transfer
from fooljax import study
from fooljax.media import Pictures, Sounds, Videos
from fooljax.study.heard import loudness


@dataclass(frozen=True)
class Inner:
    epsilon: float = 0.1
    steps: int = 5


@dataclass(frozen=True)
class Settings:
    inner: Inner = field(default_factory=Inner)
    names: tuple[str, ...] = ("direct",)


def test_what_was_asked_for_stays():
    others = {"inner": {"epsilon": 0.001, "steps": 50}, "names": ("partials",)}
    assert study.suit(Settings(), Settings(), others) == Settings(Inner(0.001, 50), ("partials",))
    asked = Settings(Inner(epsilon=0.2), ("waveform",))
    assert study.suit(asked, Settings(), others) == Settings(Inner(0.2, 50), ("waveform",))
    assert study.suit(asked, Settings(), {}) == asked


def test_words():
    assert study.words_for(Sounds(8_000)).plain == "silence"
    assert study.words_for(Videos()).numbers == "voxels"
    said = study.words_for(Pictures()).say("Of {a one}: {Numbers}, {number}s; {many}.")
    assert said == "Of an image: Pixels, pixels; images."
    assert study.words_for(Sounds()).say("{a one} of {numbers}") == "a sound of samples"
    assert study.how_shown(Pictures()) == ""
    assert "pitch" in study.how_shown(Sounds())


def test_sounds_have_no_photographs_and_no_other_side():
    names = ("photographs", "inverted", "quarter_turn", "mosaic", "mnist")
    assert study.suited_outsiders(names, Pictures()) == names
    assert study.suited_outsiders(names, Videos()) == ("inverted", "mosaic", "mnist")
    assert study.suited_outsiders(names, Sounds(8_000)) == ("mosaic", "mnist")


def test_texts_are_sent_to_their_experiments():
    with pytest.raises(ValueError, match=r"experiments\.reduce and experiments\.evolve"):
        study.refuse_texts((40,), study.NO_NUMBERS)
    for shape in ((8, 8, 1), (100, 1), (4, 8, 8, 1)):
        study.refuse_texts(shape, study.NO_NUMBERS)


def test_only_pictures():
    for shape in ((8, 8, 1), (4, 9, 3)):
        study.only_pictures(shape, 2, side=4)
    for shape in ((100, 1), (2, 8, 8, 1), (8, 8, 2), (8, 3, 1)):
        with pytest.raises(ValueError, match=r"--dataset, --model: pictures of 4 x 4 .*got \("):
            study.only_pictures(shape, side=4)
    study.only_pictures((1, 1, 1))
    with pytest.raises(ValueError, match="2 classes at least are needed, got 1"):
        study.only_pictures((8, 8, 1), 1)


def test_what_is_for_other_media_is_refused():
    ascents = fj.attacks.ASCENTS
    with pytest.raises(ValueError, match="--ascents: blur is for pictures, and the network takes"):
        study.refuse_unsuited("--ascents", ("none", "blur"), ascents, (100, 1))
    study.refuse_unsuited("--ascents", ("none", "blur"), ascents, (8, 8, 1))
    for entry in ascents.values():
        for kind, shape in (("sounds", (256, 1)), ("videos", (2, 8, 8, 1))):
            if kind in entry.takes:
                entry.build(shape, 2, 1.0)


def test_loudness_of_many_changes_at_once():
    """As of each by itself; a tenth of the amplitude is 20 decibels."""
    draw = np.random.default_rng(0)
    before = np.float32(0.5 + 0.4 * draw.uniform(-1, 1, (3, 200, 1)))
    after = np.stack([before + np.float32(share) * (before - 0.5) for share in (0.1, 0.01)])
    found = loudness(before, after)
    assert set(found) == set(study.LOUDNESS)
    for name, wanted in (("snr", [20.0, 40.0]), ("decibels", [-20.0, -40.0])):
        np.testing.assert_allclose(
            found[name], np.array(wanted)[:, None] + np.zeros((2, 3)), atol=0.1
        )


def test_a_table_of_levels():
    """A square wave of half of full scale: a change of 0.005 of it is 40 decibels below."""
    wave = np.where(np.arange(100) % 2 == 0, 0.75, 0.25)[None, :, None]
    table = str(study.table_of_levels(np.float32(wave), [0.0, 0.0025]))
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", table)
    assert cells == ["0.0025", "0.005", "40", "-40"] or cells[-3:] == ["0.005", "40", "-40"]


def test_before_after_and_the_change_alone():
    before = np.full((1, 100, 1), 0.5, np.float32)
    after = before.copy()
    after[0, ::2, 0] = 0.51
    html = str(study.compare(Sounds(8_000), before, after, [("was", "became")]))
    sounds = re.findall(r"base64,([A-Za-z0-9+/=]+)", html)
    assert len(sounds) == 3 and "only what was added" in html
    decoded = [np.frombuffer(base64.b64decode(one)[44:], "<i2") for one in sounds]
    assert not decoded[0].any()
    np.testing.assert_array_equal(decoded[1], decoded[2])  # silence was before
    videos = np.zeros((1, 2, 8, 8, 1), np.float32)
    shown = str(study.compare(Videos(), videos, videos, [("was", "became")]))
    assert "only what was added" not in shown


@pytest.mark.parametrize("experiment", [ascend.measure, perturb.measure, transfer])
def test_what_suits_other_media_are_settings(experiment):
    usual = experiment.Config()
    for others in experiment.OTHERS.values():
        assert study.suit(usual, usual, others) != usual
