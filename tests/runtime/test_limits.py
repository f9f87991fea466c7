"""Settings say their own limits; one function checks them all."""

import math
from dataclasses import dataclass, field
from typing import Literal

import pytest

from fooljax.runtime import limits
from fooljax.runtime.limits import Batch, Confidence, Count, Pieces, Pixels, Rate, Seed, Share


@dataclass(frozen=True)
class Inner:
    image_size: tuple[Pixels, Pixels] | None = None


@dataclass(frozen=True)
class Config:
    inner: Inner = field(default_factory=Inner)
    pgd_steps: Count = 1
    children: Batch = 100_000
    networks: tuple[Pieces, ...] = ()
    seed: Seed = 2**32 - 1
    tau: Confidence | None = 0.5
    share: Share = 1.0
    rate: Rate = 0.0
    genes: Literal["float32", "uint8"] = "uint8"
    names: tuple[str, ...] = ("a",)
    debug: bool = False


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(Inner((1, 16_384)), networks=(1, 10_000), tau=None, share=1),
        Config(pgd_steps=10**9, rate=1),
    ],
)
def test_what_lies_inside(config):
    limits.check(config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(pgd_steps=0), "--pgd-steps must be at least 1, got 0"),
        (Config(pgd_steps=1.5), "--pgd-steps must be a whole number, got 1.5"),
        (Config(pgd_steps=True), "--pgd-steps must be a whole number, got True"),
        (Config(pgd_steps=10**10), "--pgd-steps must be at most 1,000,000,000, got 10,000,000,000"),
        (Config(children=10**6), "--children must be at most 100,000, got 1,000,000; they are in"),
        (Config(networks=(3, -1)), "--networks must be at least 1, got -1"),
        (Config(networks=3), "--networks must be a list of values, got 3"),
        (Config(seed=-1), "--seed must be at least 0, got -1"),
        (Config(seed=2**32), "--seed must be below 4,294,967,296, got 4,294,967,296"),
        (Config(tau=1.0), r"--tau must be in \(0, 1\), got 1.0"),
        (Config(tau=math.nan), r"--tau must be in \(0, 1\), got nan"),
        (Config(tau="0.5"), "--tau must be a number, got '0.5'"),
        (Config(share=0.0), r"--share must be in \(0, 1\], got 0.0"),
        (Config(rate=-0.1), r"--rate must be in \[0, 1\], got -0.1"),
        (Config(genes="int8"), "--genes must be float32 or uint8, got 'int8'"),
        (Config(names=("a", 1)), "--names must be a text, got 1"),
        (Config(debug=1), "--debug must be true or false, got 1"),
        (Config(Inner((28, 0))), "--image-size must be at least 1, got 0"),
        (Config(Inner((28,))), "--image-size must be 2 values, got 1"),
    ],
)
def test_what_lies_outside_is_named(config, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        limits.check(config)
