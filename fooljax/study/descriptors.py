"""From flags that name descriptors to cells of looks, and to what they are measured with."""

from collections.abc import Callable, Sequence

from fooljax.evolution import DESCRIPTORS, Cells, Descriptor, cvt, grid, with_references
from fooljax.study.prepared import Prepared
from fooljax.study.settings import choose
from fooljax.types import Classifier

_MOST_NICHES = 10_000  # whose images a page can hold
_REFERENCES = 1_000  # training images that distances are measured to


#: How the looks of a class may be divided, by name.
ARCHIVES: dict[str, Callable[[Sequence[Descriptor], int], Cells]] = {"grid": grid, "cvt": cvt}
_FEWER = {"grid": "name fewer, or take fewer steps (--grid)", "cvt": "take fewer (--cells)"}


def read_grid(
    flag: str, words: Sequence[str], cells: int, num_classes: int, archive: str = "grid"
) -> Cells | None:
    """Make cells of what a flag names, ``NAME`` or ``NAME:LOW:HIGH``; None without any.

    Args:
        flag: that names descriptors, with its dashes.
        words: what it says.
        cells: along each of a grid, in all of a tessellation.
        num_classes: that have such cells each.
        archive: of ``ARCHIVES``.

    Raises:
        ValueError: naming the flag.
    """
    descriptors = []
    for word in words:
        name, *ends = word.split(":")
        choose(flag, [name if name in DESCRIPTORS else word], DESCRIPTORS)
        one = DESCRIPTORS[name]
        if ends:
            try:
                low, high = map(float, ends)
            except ValueError:
                raise ValueError(
                    f"{flag}: a range is NAME:LOW:HIGH, as {name}:{one.low:g}:{one.high:g}, got "
                    f"{word}"
                ) from None
            one = one._replace(low=low, high=high)
        descriptors.append(one)
    if not descriptors:
        return None
    if len({word.split(":")[0] for word in words}) < len(words):
        raise ValueError(f"{flag}: each descriptor once, got {' '.join(words)}")
    looks = cells ** len(descriptors) if archive == "grid" else cells
    if looks * num_classes > _MOST_NICHES:
        raise ValueError(
            f"{flag}: {looks:,} looks of {num_classes:,} classes are more than "
            f"{_MOST_NICHES:,} images; {_FEWER[archive]}"
        )
    try:
        return ARCHIVES[archive](descriptors, cells)
    except ValueError as error:
        raise ValueError(f"{flag}: {str(error).removeprefix('descriptors: ')}") from error


def carry_references(flag: str, words: Sequence[str], network: Prepared) -> Classifier:
    """Return a network, with training images beside it where a descriptor needs them.

    Raises:
        ValueError: if it needs them and there are none, naming the flag.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> network = fj.models.build("softmax", jax.random.key(0), (28, 28, 1), 10)
        >>> prepared = study.given(network, lambda shape, num_classes: None)
        >>> study.carry_references("--descriptors", ["brightness"], prepared) is network
        True
        >>> digits = prepared._replace(splits=fj.data.load("digits"))
        >>> study.carry_references("--descriptors", ["nearest"], digits) is network
        False
    """
    if "nearest" not in (word.split(":")[0] for word in words):
        return network.classifier
    if network.splits is None:
        raise ValueError(f"{flag} nearest needs training images in memory; give a --dataset")
    return with_references(network.classifier, network.splits.train.images[:_REFERENCES])
