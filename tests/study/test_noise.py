"""Images made for nobody: kinds, sizes, and keys of their own."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from fooljax import study
from fooljax.study import RunFlags, Victim


@dataclass(frozen=True)
class Config:
    victim: Victim = field(default_factory=Victim)
    run: RunFlags = field(default_factory=RunFlags)


def gather(folder, names, **flags):
    run = study.Run("test", Config(run=RunFlags(**flags)), folder)
    noise = study.noises(run.config.run.seed, (6, 5, 1), 400)
    return noise | study.load_others(run, "--others", names, (6, 5, 1), 400)


def test_noise_is_what_it_is_called(tmp_path):
    found = gather(tmp_path, ())
    assert list(found) == ["uniform noise", "Gaussian noise"]
    for one in found.values():
        assert one.shape == (400, 6, 5, 1) and one.dtype == np.uint8
    uniform, grey = (one / 255 for one in found.values())
    assert abs(uniform.mean() - 0.5) < 0.02 and abs(uniform.std() - 12**-0.5) < 0.01
    # mean and deviation of a normal variable cut off at two standard deviations on both sides
    assert abs(grey.mean() - 0.5) < 0.02 and abs(grey.std() - 0.25 * 0.96) < 0.01


def test_other_kinds_leave_the_noise_as_it_is(tmp_path):
    (tmp_path / "more").mkdir()
    less, more = gather(tmp_path, ()), gather(tmp_path / "more", ("photographs",))
    assert list(more) == [*less, "photographs"]
    for kind, images in less.items():
        np.testing.assert_array_equal(images, more[kind])
    (tmp_path / "other").mkdir()
    other = gather(tmp_path / "other", (), seed=1)
    assert (other["uniform noise"] != less["uniform noise"]).any()


def test_what_cannot_be_had_is_refused_by_the_flag(tmp_path):
    with pytest.raises(ValueError, match="--others: no data set is called"):
        gather(tmp_path, ("nothing",))


def test_bytes_are_rounded():
    assert study.as_bytes(np.array([0.0, 0.001, 0.003, 1.0])).tolist() == [0, 0, 1, 255]
