"""Data sets that need no download: they come with a package, or are generated."""

from collections.abc import Callable

from fooljax.data.dataset import Splits
from fooljax.data.digits import read_digits
from fooljax.data.languages import read_languages
from fooljax.data.moving_digits import read_moving_digits
from fooljax.data.opinions import read_opinions
from fooljax.data.tones import read_tones

#: By name; pictures take the size that is asked for, other media have their own.
EMBEDDED: dict[str, Callable[[tuple[int, int] | None], Splits]] = {
    "digits": read_digits,
    "moving_digits": lambda size: read_moving_digits(),
    "languages": lambda size: read_languages(),
    "opinions": lambda size: read_opinions(),
    "tones": lambda size: read_tones(),
}
