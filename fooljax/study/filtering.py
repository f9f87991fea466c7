"""Defenses that change every image, each at a strength, from words such as ``blur=1``."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fooljax import defenses
from fooljax.runtime.limits import Positive, complain
from fooljax.study.settings import choose
from fooljax.study.victim_data import blame
from fooljax.types import Classifier, Images, Logits, Params, RandomKey

#: The filter that changes nothing.
BARE = "bare"


class Filter(NamedTuple):
    """A change of every image before a network sees it.

    Attributes:
        kind: name in the catalog.
        strength: in the unit of the entry.
        entry: of the catalog.
    """

    kind: str
    strength: float
    entry: defenses.Entry

    @property
    def name(self) -> str:
        """Kind and strength."""
        return self.kind if self.kind == BARE else f"{self.kind} {self.strength:g}"

    def protect(self, key: RandomKey, classifier: Classifier, draws: int) -> Classifier:
        """Return the network behind it; what is random answers by its mean over draws."""
        return self.entry.defend(key, classifier, self.strength, draws)

    def view(self, images: Images | np.ndarray) -> np.ndarray:
        """Return what a network sees of images, one draw of it, cut off at 0 and 1."""
        seen = np.asarray(self._show(images.shape[1:])(jnp.asarray(images)))
        return np.clip(seen.reshape(images.shape), 0.0, 1.0)

    def refuse(self, flag: str, shape: tuple[int, ...]) -> None:
        """Refuse images that it does not suit.

        Raises:
            ValueError: naming the flag and the strength.
        """
        with blame(f"{flag} {self.kind}={self.strength:g}"):
            self._show(shape)

    def _show(self, shape: tuple[int, ...]) -> Classifier:
        """Stand in for a network; it answers with what it sees."""
        eye = Classifier(None, _flat, shape, int(np.prod(shape)))
        return self.entry.draw(jax.random.key(0), eye, self.strength)


def filters(flag: str, words: Sequence[str]) -> dict[str, Filter]:
    """Read what is to be done to every image, and how much.

    Args:
        flag: that asked for it, with its dashes.
        words: an entry of the catalog and its strength each, such as ``blur=1``.

    Returns:
        Filters by name, the one that changes nothing first.

    Raises:
        ValueError: for what is unknown, impossible or named twice, with the remedy.

    Example:
        >>> from fooljax import study
        >>> found = study.filters("--filters", ["blur=1", "jpeg=30"])
        >>> [(name, one.kind, one.strength) for name, one in found.items()]
        [('bare', 'bare', 0.0), ('blur 1', 'blur', 1.0), ('jpeg 30', 'jpeg', 30.0)]
    """
    untouched = defenses.Entry(lambda key, classifier, strength: classifier, False, "", "")
    found = {BARE: Filter(BARE, 0.0, untouched)}
    for word in words:
        kind, _, number = word.partition("=")
        entry = choose(flag, [kind], defenses.CATALOG, defenses.own_defense)[kind]
        try:
            strength = float(number)
        except ValueError:
            raise ValueError(
                f"{flag} {word}: how much? Give a number, as in {kind}=1, got {number!r}"
            ) from None
        if complaint := complain(Positive, strength):
            raise ValueError(f"{flag} {word}: the number {complaint}")
        one = Filter(kind, strength, entry)
        if one.name in found:
            raise ValueError(f"{flag}: give each once, got {' '.join(words)}")
        found[one.name] = one
    return found


def _flat(params: Params, images: Images) -> Logits:
    return images.reshape(len(images), -1)
