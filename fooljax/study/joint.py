"""Attacks on several networks that answer as one, and what they cost.

Each returns ``images [n, h, w, c]``, what the whole says of them, ``own [n, k]``, and arrays
of its own. Fooling images are one for each class, in the order of the classes.
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jaxtyping import Array, Float, Int, Int32
from numpy.typing import ArrayLike

from fooljax import attacks, defenses, encodings, metrics, training
from fooljax.media import Pictures
from fooljax.study.ensembles import Joint
from fooljax.study.evolved import evolve
from fooljax.study.outputs import logits
from fooljax.study.sets import NetworkSet, as_one
from fooljax.study.units import Arrays
from fooljax.types import Classifier, Images, RandomKey

#: What `judge_whole` measures.
JOINT_MEASURES = ("cost", "fooled", "confidence", "named", "accuracy", "rejected", "pgd")
_EVEN_ODDS = 0.5

Found = Mapping[str, ArrayLike]


def evolve_for(key: RandomKey, whole: Classifier, joint: Joint, encoding: str) -> Found:
    """Evolve an image for every class; ``history [t, k]`` is the confidence over time.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> whole = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> joint = study.Joint(children=8, generations=5)
        >>> found = study.evolve_for(jax.random.key(1), whole, joint, "direct")
        >>> found["images"].shape, found["history"].shape
        ((3, 8, 8, 1), (6, 3))
    """
    space = encodings.CATALOG[encoding].build(whole.input_shape, Pictures())
    images, history = evolve(key, whole, space, joint.children, joint.generations)
    return {"history": history, "images": images, "own": logits(whole, images)}


def climb(key: RandomKey, whole: Classifier, joint: Joint) -> Found:
    """Follow the gradient from noise; ``trace [k, t] > 0`` where the whole is certain.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> whole = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> found = study.climb(jax.random.key(1), whole, study.Joint(steps=20, step_size=0.05))
        >>> np.asarray(found["own"]).argmax(axis=1).tolist()  # an image for each class
        [0, 1, 2]
    """
    noise, targets = noise_and_targets(key, whole)
    goal = attacks.confident(attacks.reach(targets), joint.tau)
    found = attacks.run(_ascent(joint, joint.steps), key, whole, noise, goal, trace=True)
    images = found.images
    return {"trace": np.asarray(found.trace), "images": images, "own": logits(whole, images)}


def climb_by(
    key: RandomKey,
    members: Sequence[Classifier],
    joint: Joint,
    real: NetworkSet,
    objective: str = "log_probabilities",
) -> Found:
    """Follow the gradient of another mean than the one by which the whole answers.

    From noise, and from real images: ``pgd_success [n]``.

    Args:
        key: decides the noise.
        members: answer by the mean of their probabilities.
        joint: the settings.
        real: the set of the members, with real images.
        objective: what is followed, of `ANSWERS`; the mean log-probability unless given,
            which sees members that are still far away, too.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> build = lambda seed: fj.models.build("softmax", jax.random.key(seed), (8, 8, 1), 3)
        >>> members = build(0), build(1)
        >>> images = jax.random.uniform(jax.random.key(2), (4, 8, 8, 1))
        >>> labels = jnp.argmax(study.as_one(members)(images), axis=1).astype("int32")
        >>> real = study.NetworkSet(("one", "two"), members, images, labels, images)
        >>> found = study.climb_by(jax.random.key(3), members, study.Joint(steps=4), real)
        >>> found["images"].shape, found["pgd_success"].shape
        ((3, 8, 8, 1), (4,))
    """
    followed = defenses.with_gradient_of(as_one(members), as_one(members, objective).apply)
    leave = attacks.leave(real.labels)
    pgd = attacks.run(_pgd(joint), key, followed, real.images, leave)
    return {**climb(key, followed, joint), "pgd_success": pgd.success}


def take_turns(
    key: RandomKey, members: Sequence[Classifier], joint: Joint, real: NetworkSet, rounds: int
) -> Found:
    """Attack one member after the other, from noise and from real images.

    ``before [m, k]`` and ``after [r, m, m, k]`` are log-odds of the class to be shown, and
    ``pgd_success [n]`` says which real images the whole misjudges.

    Args:
        key: decides the noise.
        members: answer by the mean of their probabilities.
        joint: the settings; steps are shared among the rounds.
        real: the set of the members, with real images.
        rounds: turns that each member has.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> build = lambda seed: fj.models.build("softmax", jax.random.key(seed), (8, 8, 1), 3)
        >>> members = build(0), build(1)
        >>> images = jax.random.uniform(jax.random.key(2), (4, 8, 8, 1))
        >>> labels = jnp.argmax(study.as_one(members)(images), axis=1).astype("int32")
        >>> real = study.NetworkSet(("one", "two"), members, images, labels, images)
        >>> joint = study.Joint(steps=4)
        >>> found = study.take_turns(jax.random.key(3), members, joint, real, rounds=2)
        >>> found["after"].shape  # [rounds, members, members, classes]
        (2, 2, 2, 3)
    """
    whole = as_one(members)
    noise, targets = noise_and_targets(key, whole)
    # asked for even odds, a margin is the log-odds: they never exceed the lead
    goal = attacks.confident(attacks.reach(targets), _EVEN_ODDS)
    ascent = _ascent(joint, joint.steps // rounds)
    found = attacks.in_turn(ascent, key, members, noise, goal, rounds=rounds)
    leave, pgd = attacks.leave(real.labels), _pgd(joint, rounds)
    changed = attacks.in_turn(pgd, key, members, real.images, leave, rounds=rounds)
    fooled = attacks.score(whole, real.images, leave, changed.images).success
    each = {"before": found.before, "after": found.after, "pgd_success": fooled}
    return {**each, "images": found.images, "own": logits(whole, found.images)}


def perturb(key: RandomKey, whole: Classifier, joint: Joint, real: NetworkSet) -> Found:
    """Change real images inside a ball (PGD); ``success [n]`` says which are misjudged.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> whole = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (4, 8, 8, 1))
        >>> labels = jnp.argmax(whole(images), axis=1).astype("int32")
        >>> real = study.NetworkSet(("one",), (whole,), images, labels, images)
        >>> found = study.perturb(jax.random.key(2), whole, study.Joint(epsilon=0.3), real)
        >>> found["success"].tolist()
        [True, True, True, True]
    """
    leave = attacks.leave(real.labels)
    pgd = attacks.run(_pgd(joint), key, whole, real.images, leave)
    return {"success": pgd.success, "images": pgd.images, "own": logits(whole, pgd.images)}


def find_nearest(key: RandomKey, whole: Classifier, real: NetworkSet, steps: int) -> Found:
    """Look for the nearest misjudged images (DDN); ``l2 [n]``, infinite if there is none.

    And ask about all unchanged test images, ``clean [N]``.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> whole = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> images = jax.random.uniform(jax.random.key(1), (4, 8, 8, 1))
        >>> labels = jnp.argmax(whole(images), axis=1).astype("int32")
        >>> real = study.NetworkSet(("one",), (whole,), images, labels, images)
        >>> found = study.find_nearest(jax.random.key(2), whole, real, steps=20)
        >>> bool(np.isfinite(found["l2"]).all()), bool((found["l2"] < 2.0).all())
        (True, True)
    """
    leave = attacks.leave(real.labels)
    near = attacks.run(attacks.ddn(steps), key, whole, real.images, leave)
    clean = training.predict(whole, real.test)
    return {"clean": clean, "l2": np.where(near.success, near.l2, np.inf)}


def judge_whole(
    joint: Joint, arrays: Arrays, labels: Int[np.ndarray, " N"], num_classes: int
) -> dict[str, float | None]:
    """Measure what an attack did to a whole; what it was not about is None.

    The cost is that until half of the classes are certain, in images shown or steps; of
    changed images it is the median distance. Infinite if the attack did not get there.

    Args:
        joint: the settings.
        arrays: what the attack found, as a function of this module returns it.
        labels: of all test images.
        num_classes: columns beyond reject.

    Returns:
        By name of `JOINT_MEASURES`: the cost; the share of targets, or of real images,
        that ended as the attack wanted; median confidence in the target; share of targets
        that the whole names; of unchanged test images the shares right and rejected; share
        of real images that PGD by the same gradient made misjudged.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> found = {"own": np.array([[9.0, 0.0], [1.0, 0.0]])}  # logits: for class 0 and 1
        >>> found["history"] = np.array([[0.4, 0.2], [0.999, 0.3]])
        >>> told = study.judge_whole(study.Joint(children=10), found, np.array([0]), num_classes=2)
        >>> told["fooled"], told["named"]
        (0.5, 0.5)
    """
    numbers: dict[str, float | None] = dict.fromkeys(JOINT_MEASURES)
    if "l2" in arrays:
        clean = arrays["clean"]
        return numbers | {
            "cost": float(np.median(arrays["l2"])),
            "fooled": float(np.mean(arrays["success"])),
            "accuracy": float(np.mean(clean == labels)),
            "rejected": float(np.mean(clean >= num_classes)),
        }
    sure = confidence_in_targets(arrays)
    numbers["cost"] = _cost(joint, arrays)
    numbers["fooled"] = float(np.mean(sure >= joint.tau))
    numbers["confidence"] = float(np.median(sure))
    numbers["named"] = float(np.mean(arrays["own"].argmax(axis=1) == np.arange(len(sure))))
    if "pgd_success" in arrays:
        numbers["pgd"] = float(np.mean(arrays["pgd_success"]))
    return numbers


def confidence_in_targets(arrays: Arrays) -> Float[np.ndarray, " k"]:
    """Return how sure the whole is of the class that each fooling image is to show.

    Example:
        >>> import numpy as np
        >>> from fooljax import study
        >>> logits = np.log([[0.9, 0.1], [0.7, 0.3]])  # of images for class 0 and 1
        >>> study.confidence_in_targets({"own": logits}).round(2).tolist()
        [0.9, 0.3]
    """
    shares = scipy.special.softmax(arrays["own"].astype(np.float64), axis=1)
    return np.diagonal(shares).copy()


def noise_and_targets(key: RandomKey, classifier: Classifier) -> tuple[Images, Int32[Array, " k"]]:
    """Return an image of noise for every class, and the classes.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> noise, targets = study.noise_and_targets(jax.random.key(1), network)
        >>> noise.shape, targets.tolist()
        ((3, 8, 8, 1), [0, 1, 2])
    """
    targets = jnp.arange(classifier.num_classes, dtype=jnp.int32)
    key_noise = jax.random.fold_in(key, len(targets))  # the attacks fold in the targets
    shape = (len(targets), *classifier.input_shape)
    return jax.random.uniform(key_noise, shape, dtype=jnp.float32), targets


def _cost(joint: Joint, arrays: Arrays) -> float:
    if "trace" in arrays:
        certain = arrays["trace"].T > 0.0
        steps = np.maximum(np.arange(len(certain)), 1)
        return float(np.median(metrics.evaluations_to_reach(certain, steps, 1.0)))
    if "history" in arrays:
        history = arrays["history"]
        shown = joint.children * np.arange(1, len(history) + 1)
        return float(np.median(metrics.evaluations_to_reach(history, shown, joint.tau)))
    return float("nan")


def _ascent(joint: Joint, steps: int) -> attacks.Attack:
    """Adam follows a gradient's direction, whatever the size of the logits."""
    return attacks.ascent(steps, rule="adam", step_size=joint.step_size)


def _pgd(joint: Joint, rounds: int = 1) -> attacks.Attack:
    step_size, steps = 2.5 * joint.epsilon / joint.pgd_steps, joint.pgd_steps // rounds
    return attacks.pgd(joint.epsilon, step_size, max(1, steps), loss=attacks.margin)
