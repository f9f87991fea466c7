"""Adaptive multilevel splitting: probabilities far too small to be met by drawing at random.

A crowd of particles is drawn. Those of the lower half are replaced by copies of the others,
all move a little without falling below the level that is left behind, and so on: each
level is about half as probable as the one before. Latents are standard normal, so a move
``z' = sqrt(1 - s^2) z + s noise`` leaves their distribution alone, and is taken whenever
it stays above the level: no density is ever computed, whatever the number of dimensions.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from fooljax import backend, interrupts
from fooljax.analysis import crowds as programs
from fooljax.analysis.crowds import Crowds, Particles, Settings
from fooljax.types import Classifier, RandomKey

_FIRST_STEP = 0.9  # nearly a new draw
_WINDOW = 20  # levels that say how fast a crowd climbs


class Course(NamedTuple):
    """How the crowds went; ``c`` goals, ``g`` crowds, ``l`` levels, on the host.

    Attributes:
        log_p: ``[c, g]``, natural logarithm of the share of images with a score of at least
            the goal; minus infinity where no particle got there.
        evaluations: ``[c, g]``, images shown to the network until then.
        levels: ``[l, g]``, the scores left behind; NaN once a crowd has ended.
        level_log_p: ``[l, g]``, logarithm of the share of images above each.
        acceptance: ``[g]``, mean over the levels.
        samples: ``[c, g, m, *shape]``, latents drawn from what reaches the goal.
        held: ``[c, g]``, how many of the ``m`` there are.
    """

    log_p: Float[np.ndarray, "c g"]
    evaluations: Int[np.ndarray, "c g"]
    levels: Float[np.ndarray, "l g"]
    level_log_p: Float[np.ndarray, "l g"]
    acceptance: Float[np.ndarray, " g"]
    samples: Float[np.ndarray, "c g m ..."]
    held: Int[np.ndarray, "c g"]


def split(
    settings: Settings,
    key: RandomKey,
    classifier: Classifier,
    runs: Int[np.ndarray, " g"],
    labels: Int[np.ndarray, " g"],
    goals: Float[np.ndarray, " c"],
    *,
    batch_size: int,
    least_log_p: float,
    samples: int,
    to_depth: bool = False,
    on_level: Callable[[int, int], None] | None = None,
) -> Course:
    """Let every crowd climb until it has reached all goals, or cannot go on.

    No particle of one class ever helps another: it is a fair draw given its own class's level
    only. A crowd of which no particle is above the level ends with a share of 0, which
    keeps the mean over runs right.

    Args:
        settings: of the method.
        key: the random numbers of a particle follow from this, its crowd's run and class, its
            own number, level and move, so nothing depends on what else is computed where.
        classifier: the network.
        runs: of each crowd.
        labels: of each crowd.
        goals: scores to reach, ascending.
        batch_size: images shown to the network at a time, on each device.
        least_log_p: natural logarithm of the share below which a crowd gives up; also when
            twice its pace over the last levels would not take it to the last goal above it.
        samples: most draws to keep for each goal and crowd.
        to_depth: go on to that share however far the last goal is, for the levels.
        on_level: called with the number of the level and of the crowds still climbing.

    Source:
        Cerou and Guyader, 2007, Stochastic Analysis and Applications 25; Brehier et al., 2016,
        Annals of Applied Probability 26 (unbiased, also with ties); Tit, Furon and Rousset,
        2021, NeurIPS (networks, and the move).
    """
    count, most = len(labels), settings.particles
    everybody, crowds = _start(settings, key, classifier, runs, labels, batch_size)
    course = _blank(settings, len(goals), count, samples)
    log_share, climbing, spent = np.zeros(count), np.ones(count, bool), most
    reached = np.zeros((len(goals), count), bool)
    levels, accepted = list[np.ndarray](), list[np.ndarray]()
    while climbing.any():
        interrupts.check()
        number = len(levels)
        chosen = programs.select(settings, key, number, crowds, everybody.scores, everybody.taken)
        level, alive, acceptance = map(np.asarray, jax.device_get(chosen[:3]))
        accepted.append(np.where(climbing & (number > 0), acceptance, np.nan))
        course.evaluations[climbing & ~reached] = spent
        there = climbing & ~reached & (level >= goals[:, None])
        _keep(settings, course, there, goals, log_share, everybody)
        reached |= there
        climbing = climbing & ~reached.all(axis=0)
        with np.errstate(divide="ignore"):
            log_share = np.where(climbing, log_share + np.log(alive / most), log_share)
        levels.append(np.where(climbing & (alive > 0), [level, log_share], np.nan))
        climbing = climbing & (log_share > least_log_p)
        if not to_depth:
            climbing = climbing & _within_reach(levels, goals[-1], least_log_p)
        if on_level is not None:
            on_level(number, int(np.sum(climbing)))
        everybody = programs.resample(everybody, chosen.parents)
        crowds = crowds._replace(level=chosen.level, step=chosen.step)
        everybody = _move_all(
            settings, key, classifier, crowds, number + 1, everybody, climbing, batch_size
        )
        spent += most * settings.moves
    curve, shares = np.stack(levels), np.stack(accepted)
    known = ~np.isnan(shares)
    total = np.sum(np.where(known, shares, 0.0), axis=0)
    return course._replace(
        levels=curve[:, 0],
        level_log_p=curve[:, 1],
        acceptance=total / np.maximum(known.sum(axis=0), 1),
    )


def _within_reach(
    levels: list[np.ndarray], goal: float, least_log_p: float
) -> Bool[np.ndarray, " g"]:
    """Tell whether the goal would be met above the least share at twice the pace of late.

    Towards a highest score that lies below the goal every level gains less than the one
    before, for ever; at such a pace a crowd would climb to the least share in vain.
    """
    if len(levels) <= _WINDOW:
        return np.ones(levels[0].shape[1], bool)
    (before, share_before), (now, share_now) = levels[-1 - _WINDOW], levels[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        pace = 2.0 * (now - before) / (share_before - share_now)
        hopeless = share_now - (goal - now) / pace < least_log_p
    return ~hopeless


def _start(
    settings: Settings,
    key: RandomKey,
    classifier: Classifier,
    runs: Int[np.ndarray, " g"],
    labels: Int[np.ndarray, " g"],
    batch_size: int,
) -> tuple[Particles, Crowds]:
    """Draw all particles of all crowds."""
    count = len(labels)
    crowds = Crowds(
        run=jnp.asarray(runs, jnp.int32),
        label=jnp.asarray(labels, jnp.int32),
        level=jnp.full(count, -jnp.inf, jnp.float32),
        step=jnp.full(count, _FIRST_STEP, jnp.float32),
    )
    many = count * settings.particles
    everybody = Particles(
        latents=jnp.zeros((many, *settings.measure.shape), jnp.float32),
        scores=jnp.full(many, -jnp.inf, jnp.float32),
        taken=jnp.zeros(many, jnp.int32),
    )
    for rows in _batches(settings, np.ones(count, bool), batch_size):
        some = programs.draw(settings, key, classifier, crowds, rows)
        everybody = programs.put(everybody, rows, some)
    return everybody, crowds


def _move_all(
    settings: Settings,
    key: RandomKey,
    classifier: Classifier,
    crowds: Crowds,
    number: int,
    everybody: Particles,
    climbing: Bool[np.ndarray, " g"],
    batch_size: int,
) -> Particles:
    """Move the particles of all crowds that climb; on a CPU a move is a program of its own."""
    at_once = 1 if backend.on_cpu() else settings.moves
    for rows in _batches(settings, climbing, batch_size):
        some = programs.take(settings, everybody, rows)
        for first in range(0, settings.moves, at_once):
            moment = (np.int32(number), np.int32(first))
            some = programs.move(settings, at_once, key, classifier, crowds, moment, rows, some)
        everybody = programs.put(everybody, rows, some)
    return everybody


def _batches(
    settings: Settings, climbing: Bool[np.ndarray, " g"], batch_size: int
) -> list[Int[np.ndarray, " b"]]:
    """Return the indices of the particles that climb, in equal batches filled up with none."""
    most = settings.particles
    devices = 1 if settings.mesh is None else settings.mesh.size
    rows = (np.flatnonzero(climbing)[:, None] * most + np.arange(most)).ravel()
    together = batch_size * devices
    filled = np.full(-(-len(rows) // together) * together, len(climbing) * most)
    filled[: len(rows)] = rows
    return list(filled.astype(np.int32).reshape(-1, together))


def _blank(settings: Settings, goals: int, count: int, samples: int) -> Course:
    shape, nothing = (goals, count), np.zeros((0, count))
    return Course(
        log_p=np.full(shape, -np.inf),
        evaluations=np.zeros(shape, np.int64),
        levels=nothing,
        level_log_p=nothing,
        acceptance=np.zeros(count),
        samples=np.zeros((*shape, samples, *settings.measure.shape), np.float32),
        held=np.zeros(shape, np.int64),
    )


def _keep(
    settings: Settings,
    course: Course,
    there: Bool[np.ndarray, "c g"],
    goals: Float[np.ndarray, " c"],
    log_share: Float[np.ndarray, " g"],
    everybody: Particles,
) -> None:
    """Write the shares and some particles of crowds that are there into the arrays of a course."""
    if not there.any():
        return
    most, samples = settings.particles, course.samples.shape[2]
    scores = np.asarray(everybody.scores).reshape(-1, most)
    for c, g in np.argwhere(there):
        inside = np.flatnonzero(scores[g] >= goals[c])
        course.log_p[c, g] = log_share[g] + math.log(len(inside) / most)
        some = inside[:samples]
        course.samples[c, g, : len(some)] = np.asarray(everybody.latents[g * most + some])
        course.held[c, g] = len(some)
