"""What other networks say of finished images that were made for one."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import analysis, models
from fooljax.data import as_input
from fooljax.models import PRETRAINED
from fooljax.reporting import Html, table
from fooljax.study.classifiers import Networks, network
from fooljax.study.prepared import Prepared, prepare
from fooljax.study.run import Run, Settings
from fooljax.study.settings import choose
from fooljax.study.victim import is_published
from fooljax.study.wording import share, sure
from fooljax.types import Classifier

TAU = 0.9  # from here on a network counts as sure
_AT_ONCE = 25


def network_and_others(run: Run[Settings], flag: str, others: Sequence[str]) -> Networks:
    """Prepare the network that ``--model`` names, and others that know the same pictures.

    Args:
        run: keeps the trained networks.
        flag: that names the others, with its dashes.
        others: architectures, as ``--model`` takes them; one like the first has other
            starting weights.

    Raises:
        ValueError, OSError: as `prepare_others`.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> victim = study.Victim(model="softmax", train_steps=20)
        >>> settings = SimpleNamespace(victim=victim, run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> list(study.network_and_others(run, "--compared", ("softmax", "mlp")).each)
        ['softmax', 'softmax, other weights', 'mlp']
    """
    known = {**models.NETWORKS, **models.PRETRAINED}
    choose(flag, [name for name in others if ":" not in name], known)
    model = run.config.victim.model
    first = network(run)
    prepared = prepare_others(run, flag, others, first.classifier)
    again = lambda name: f"{name}, other weights" if name == model else name
    each = {model: first, **{again(name): one for name, one in prepared.items()}}
    return Networks(each, (model, *others))


def prepare_others(
    run: Run[Settings], flag: str, models: Sequence[str], classifier: Classifier
) -> dict[str, Prepared]:
    """Prepare networks to show images to, from other starting weights where trained.

    Args:
        run: keeps the trained networks.
        flag: that names the networks, with its dashes.
        models: architectures, as ``--model`` takes them.
        classifier: the network that the images are made for.

    Raises:
        ValueError, OSError: if one cannot be had, or is for other images or classes.

    Example:
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from fooljax import study
        >>> victim = study.Victim(model="softmax", train_steps=20)
        >>> settings = SimpleNamespace(victim=victim, run=study.RunFlags())
        >>> run = study.Run("mine", settings, Path())  # or that of study.opened
        >>> own = study.network(run).classifier
        >>> others = study.prepare_others(run, "--others", ("mlp",), own)
        >>> others["mlp"].origin
        'mlp trained on digits (quick, 20 steps)'
    """
    networks, settings, folder = {}, run.config.victim, run.folder
    for model in models:
        place = folder / "shown_to" / model.replace("/", "-")
        one = dataclasses.replace(
            settings,
            model=model,
            train_seed=settings.train_seed + 1,
            classifier=str(place),
        )
        if is_published(one):
            height, width, _ = classifier.input_shape
            one = dataclasses.replace(one, image_size=(height, width))
        elif model not in PRETRAINED:  # is trained here, or brings its own
            one = dataclasses.replace(one, weights=None, view="center")
        try:
            network = prepare(one, folder, lambda shape, num_classes: None, whole=True)
        except (ValueError, OSError) as error:
            raise ValueError(f"{flag} {model}: {error}") from error
        has = (tuple(network.classifier.input_shape), network.classifier.num_classes)
        wanted = (tuple(classifier.input_shape), classifier.num_classes)
        if has != wanted:
            raise ValueError(
                f"{flag} {model}: takes images {has[0]} of {has[1]} classes, but images "
                f"{wanted[0]} of {wanted[1]} classes are evolved; leave it out"
            )
        networks[model] = network._replace(splits=None, streams=None)
    return networks


def show_others(images: np.ndarray, networks: Mapping[str, Prepared]) -> dict[str, dict[str, Any]]:
    """Show the champions of every niche to networks that they were not made for.

    Args:
        images: ``[repeats, k, h, w, c]``, float32 in [0, 1] or uint8.
        networks: by name, for the same classes.

    Returns:
        For every network, with a number for each repeat: ``same_label`` (share whose
        label is the niche's class), ``sure_label`` (and its confidence at least `TAU`),
        ``any_label_sure`` (any class, as confident) and ``median_confidence`` in the
        niche's class; and ``clean_accuracy``.

    Example:
        >>> import jax
        >>> import numpy as np
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (8, 8, 1), 3)
        >>> prepared = study.Prepared(network, ("cat", "dog", "bird"), 0.9, "drawn at random")
        >>> images = np.zeros((2, 3, 8, 8, 1), np.float32)  # [runs, classes, ...]
        >>> told = study.show_others(images, {"another": prepared})["another"]
        >>> told["clean_accuracy"], len(told["same_label"])  # a share for each run
        (0.9, 2)
    """
    return {
        name: {"clean_accuracy": network.accuracy, **_says(images, network)}
        for name, network in networks.items()
    }


def table_of_others(found: Mapping[str, Mapping[str, Any]]) -> Html:
    """Write what other networks take images for; from `show_others`.

    Example:
        >>> from fooljax import study
        >>> parts = ("same_label", "sure_label", "any_label_sure", "median_confidence")
        >>> told = {"clean_accuracy": 0.9, **dict.fromkeys(parts, [0.2, 0.4])}
        >>> "another" in study.table_of_others({"another": told}).markup  # means over the runs
        True
    """
    titles = {
        "same_label": "Say the same class",
        "sure_label": f"and are at least {sure(TAU)} sure",
        "any_label_sure": f"At least {sure(TAU)} sure of any class",
        "median_confidence": "Confidence in the same class (median)",
    }
    rows = [
        (
            name,
            share(one["clean_accuracy"]),
            *(share(float(np.mean(one[part]))) for part in titles),
        )
        for name, one in found.items()
    ]
    return table(("Network", "Real test images right", *titles.values()), rows)


def _says(images: np.ndarray, network: Prepared) -> dict[str, list[float]]:
    classifier = network.classifier
    apply = jax.jit(classifier.apply)
    found: dict[str, list[float]] = {}
    for repeat in images:
        parts = [
            apply(classifier.params, as_input(repeat[i : i + _AT_ONCE]))
            for i in range(0, len(repeat), _AT_ONCE)
        ]
        verdicts = analysis.judge_fooling(
            jnp.concatenate(parts)[None],
            jnp.arange(len(repeat), dtype=jnp.int32),
            classifier.num_classes,
            TAU,
        )
        shares = analysis.shares(verdicts)
        numbers = {
            "same_label": shares.same_label[0],
            "sure_label": shares.sure_label[0],
            "any_label_sure": shares.any_label[0],
            "median_confidence": np.median(np.asarray(verdicts.confidence)),
        }
        for name, number in numbers.items():
            found.setdefault(name, []).append(float(number))
    return found
