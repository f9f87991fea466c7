"""Several networks for the same data, of other architectures and other starting weights."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fooljax.study.prepared import Prepared, prepare
from fooljax.study.victim import Victim, is_published
from fooljax.study.victim_data import find_data, renamed

if TYPE_CHECKING:
    from fooljax.data import Splits, Streams


def prepare_several(
    victim: Victim,
    folder: Path,
    models: Sequence[str],
    seeds: int = 1,
    whole: bool = False,
    fits: Callable[[tuple[int, ...], int], object] = lambda shape, num_classes: None,
) -> dict[str, Prepared]:
    """Prepare every architecture with several starting weights; they share the pictures.

    Args:
        victim: the settings; the training seed of the first network of each
            architecture is theirs, the next ones count up.
        folder: run directory; keeps the trained networks unless the settings name
            another place, each in a folder of its own.
        models: as ``victim.model``.
        seeds: networks of each architecture.
        whole: as for ``prepare``.
        fits: as for ``prepare``.

    Returns:
        The networks by name: ``lenet``, or ``lenet 1``, ``lenet 2``, ... where there
        are several.

    Raises:
        ValueError, OSError: for anything wrong with the flags or files, naming the
            flag.
    """
    from fooljax.models import PRETRAINED

    if len(set(models)) < len(models):
        raise ValueError(f"--models: each architecture once, got {' '.join(models)}")
    published = [
        model in PRETRAINED or is_published(dataclasses.replace(victim, model=model))
        for model in models
    ]
    if victim.weights is not None and len(models) * seeds > 1 and not all(published):
        raise ValueError(
            f"--weights {victim.weights!r}: these networks are trained here; leave --weights out "
            "(published networks with a data set that they know take a folder of weights, and a "
            "single network its own)"
        )
    if seeds > 1 and any(published):
        raise ValueError("--network-seeds: published networks have but one set of weights; give 1")
    loaded: dict[tuple, Splits | Streams | None] = {}

    def find(one: Victim, folder: Path) -> "Splits | Streams | None":
        size = (one.image_size, one.sample_rate, one.seconds)
        if size not in loaded:
            loaded[size] = find_data(one, folder)
        return loaded[size]

    networks = {}
    for model in models:
        for index in range(seeds):
            name = model if seeds == 1 else f"{model} {index + 1}"
            one = one_of_several(victim, folder, name, index, model=model)
            with renamed("--model", "--models" if models != (victim.model,) else "--model"):
                networks[name] = prepare(one, folder, fits, whole, find)
    return networks


def one_of_several(
    victim: Victim, folder: Path, name: str, number: int = 0, **changes: Any
) -> Victim:
    """Return the settings of one of several networks, which is kept in a folder of its own.

    Args:
        victim: the settings of all.
        folder: run directory; keeps the networks unless the settings name another place.
        name: of the network.
        number: is added to the training seed.
        changes: further settings of this network, such as ``model``.

    Example:
        >>> from pathlib import Path
        >>> from fooljax import study
        >>> one = study.one_of_several(study.Victim(), Path("run"), "mlp 2", number=1, model="mlp")
        >>> one.model, one.train_seed, Path(one.classifier).name
        ('mlp', 1, 'mlp-2')
    """
    place = Path(victim.classifier) if victim.classifier else folder / "networks"
    return dataclasses.replace(
        victim,
        train_seed=victim.train_seed + number,
        classifier=str(place / name.replace(" ", "-").replace("/", "-")),
        **changes,
    )
