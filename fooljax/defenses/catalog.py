"""All changes of an input before a network sees it, by name: add yours here.

An entry takes how strong it is to be, in a unit of its own. Experiments, flags and pages
know whom this table knows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from fooljax import checks
from fooljax.defenses.preprocess import gaussian_blur, jpeg, median_filter, quantize
from fooljax.defenses.randomized import expectation, noisy, resize_and_pad
from fooljax.defenses.sounds import low_pass, mu_law, resample, time_shift
from fooljax.types import Classifier, RandomKey

#: What is not looked at as a picture, or listened to: every number is changed by itself.
CONTINUOUS = ("pictures", "sounds", "videos")


class Entry(NamedTuple):
    """A change of every input that can be asked for by name.

    Attributes:
        draw: ``(key, classifier, strength) -> classifier``; one draw of it, if it is
            random. What is not random ignores the key.
        random: whether each key is another function of the image.
        words: what it does, and the unit of its strength.
        source: who published it as a defense.
        takes: kinds of media that it is for.
    """

    draw: Callable[[RandomKey, Classifier, float], Classifier]
    random: bool
    words: str
    source: str
    takes: tuple[str, ...] = CONTINUOUS

    @property
    def about(self) -> str:
        """What it does and who published it."""
        return f"{self.words} ({self.source})" if self.source else self.words

    def defend(
        self, key: RandomKey, classifier: Classifier, strength: float, draws: int
    ) -> Classifier:
        """Change every image before a network sees it.

        Args:
            key: decides what is random.
            classifier: the network.
            strength: in the entry's own unit.
            draws: whose mean probability is the answer, if it is random.

        Raises:
            ValueError: if ``strength`` is impossible, or ``draws`` is not positive.
        """
        if not self.random:
            return self.draw(key, classifier, strength)
        once = lambda one, network: self.draw(one, network, strength)
        return expectation(key, once, classifier, draws)


def own_defense(name: str, made: Any) -> Entry:
    """Return an entry for a defense that is in no catalog.

    Args:
        name: of the function, for pages.
        made: an entry, or a function ``(classifier, strength) -> Classifier``.

    Raises:
        ValueError: if it is something else.

    Example:
        >>> from fooljax import defenses
        >>> darker = lambda classifier, strength: defenses.tempered(classifier, strength)
        >>> defenses.own_defense("darker", darker).random
        False
    """
    if isinstance(made, Entry):
        return made
    signature = "(classifier, strength) -> Classifier, or a defenses.Entry"
    defend = checks.own(name, made, signature, Classifier)
    return Entry(_fixed(defend), False, f"a defense of your own, {name}", "")


_SQUEEZING = "Xu et al., 2018, arXiv:1704.01155"
_QUANTIZING = "Yang et al., 2019, arXiv:1809.10875"


def _fixed(defend: Callable[[Classifier, float], Classifier]) -> Callable[..., Classifier]:
    return lambda key, classifier, strength: defend(classifier, strength)


def _counted(defend: Callable[[Classifier, int], Classifier]) -> Callable[..., Classifier]:
    """A whole number may come as a float, as flags give it; others are left for complaint."""
    whole = lambda strength: int(strength) if float(strength).is_integer() else strength
    return lambda key, classifier, strength: defend(classifier, whole(strength))


CATALOG: dict[str, Entry] = {
    "blur": Entry(
        _fixed(gaussian_blur),
        False,
        "blur by a Gaussian of so many pixels",
        _SQUEEZING,
        ("pictures",),
    ),
    "median": Entry(
        _counted(median_filter),
        False,
        "every pixel replaced by the median of a window of that side",
        _SQUEEZING,
        ("pictures",),
    ),
    "levels": Entry(
        _counted(quantize), False, "every pixel rounded to one of so many values", _SQUEEZING
    ),
    "jpeg": Entry(
        _fixed(jpeg),
        False,
        "what JPEG's quantization at that quality leaves",
        "Guo et al., 2018, arXiv:1711.00117",
        ("pictures",),
    ),
    "resize": Entry(
        resize_and_pad,
        True,
        "shrunk at random, to that share at the least, at a random place",
        "Xie et al., 2018, arXiv:1711.01991",
        ("pictures",),
    ),
    "noise": Entry(
        noisy,
        True,
        "randomized smoothing: Gaussian noise of that standard deviation, many times, and the "
        "mean of the answers",
        "Cohen et al., 2019, arXiv:1902.02918",
    ),
    "low-pass": Entry(
        _fixed(low_pass),
        False,
        "sounds without what is above that share of the highest frequency",
        "Rajaratnam et al., 2018, arXiv:1809.04397",
        ("sounds",),
    ),
    "mu-law": Entry(
        _counted(mu_law),
        False,
        "every sample of a sound rounded to so many bits, as telephones do",
        _QUANTIZING,
        ("sounds",),
    ),
    "resample": Entry(
        _counted(resample),
        False,
        "one of so many samples of a sound kept, the others filled in",
        _QUANTIZING,
        ("sounds",),
    ),
    "shift": Entry(
        time_shift,
        True,
        "sounds earlier or later at random, by up to that share of their length",
        "Xie et al., 2018, arXiv:1711.01991",
        ("sounds",),
    ),
}
