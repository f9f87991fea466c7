"""CLD3, the language detector of Chrome: 109 languages from the letters of a text."""

import dataclasses
import os
from importlib import resources

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int32

from fooljax.models import cld3_grams
from fooljax.models.classifier import from_flax
from fooljax.models.cld3_spans import HANI, Letters, letters, utf8_length
from fooljax.models.cld3_squeeze import squeeze
from fooljax.models.weights import load_weights
from fooljax.types import Classifier, Logits, Tokens

_LINES = resources.files(__package__).joinpath("cld3_languages.txt").read_text().splitlines()
#: Codes of the languages as the detector answers them, in the order of its classes.
LANGUAGES = tuple(line.split(" ", 1)[0] for line in _LINES)
#: Their names in English.
NAMES = tuple(line.split(" ", 1)[1] for line in _LINES)

LENGTH = 40  # characters, unless others are asked for
_CODES = 0x110000  # code points that there are
_MOST_BYTES = 1000
_KOREAN = 102  # a script of the text of its own, though Hangul is among HANI
_HANGUL = (
    (0x1100, 0x11FF),
    (0x3130, 0x318F),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xFFA0, 0xFFDC),
)
# Script by block, for the share of each; letters of no block count by their bytes in UTF-8.
_BLOCKS = {
    5: (0x370, 0x3FF),
    6: (0x400, 0x4FF),
    7: (0x590, 0x5FF),
    8: (0x600, 0x6FF),
    9: (0x1100, 0x11FF),
    10: (0x3041, 0x309F),
    11: (0x30A0, 0x30FF),
}
_SCRIPTS = 12


def load_cld3(path: str | os.PathLike, length: int = LENGTH) -> Classifier:
    """Load the detector: texts of Unicode code points to 109 languages.

    Args:
        path: a safetensors file with its weights.
        length: of the texts that are searched, in characters; it reads others as well.

    Returns:
        A classifier of ids ``[b, length]`` into `LANGUAGES`. An id has no vector of its own,
        so no gradient is offered.

    Raises:
        ValueError: if the file cannot be read or holds another network.

    Example:
        >>> import jax
        >>> import fooljax as fj
        >>> from fooljax.models.cld3 import CLD3
        >>> drawn = fj.models.init_flax(jax.random.key(0), CLD3(109), (40,), 109)
        >>> fj.models.save_weights("cld3.safetensors", drawn)  # stands for the published weights
        >>> detector = fj.models.load_cld3("cld3.safetensors")
        >>> detector.num_classes, detector.input_shape  # languages; characters, as code points
        (109, (40,))
        >>> fj.media.Texts().encode("Guten Morgen", 40)[:5].tolist()
        [71, 117, 116, 101, 110]
    """
    module = CLD3(len(LANGUAGES))
    blank = jax.ShapeDtypeStruct((1, length), jnp.int32)
    params = jax.eval_shape(module.init, jax.random.key(0), blank)["params"]
    classifier = load_weights(path, from_flax(module, params, (length,), len(LANGUAGES)))
    return dataclasses.replace(classifier, tokens=Tokens(_CODES))


class CLD3(nn.Module):
    """A feed-forward network over hashed character n-grams; 218,149 weights.

    Everything that the published detector does to a text is inside: lower case, letters and
    marks only, runs of anything else as one space, words between ``^`` and ``$``, spans of
    one script, stretches of 48 bytes that repeat themselves dropped, five samples of a text
    of more than ``most_bytes``. So strings of any code points may be given, and 0 ends one.

    Attributes:
        outputs: number of logits, 109 in the published file.
        most_bytes: of the cleaned text in UTF-8, as the second argument of the detector's
            ``NNetLanguageIdentifier``.

    Source:
        google/cld3 (Apache-2.0); Botha et al., 2017, arXiv:1708.00214 (the architecture).
    """

    outputs: int
    most_bytes: int = _MOST_BYTES

    @nn.compact
    def __call__(self, ids: Int32[Array, "b n"]) -> Logits:
        """Return logits ``[b, outputs]`` of code points."""
        ids = ids.astype(jnp.int32)
        found = letters(ids)
        kept = squeeze(found, self.most_bytes)
        table = lambda name, rows, width: _Table(rows, width, name=f"embedding.{name}")()
        tables = {
            1: table("unigrams", 100, 16),
            2: table("bigrams", 1000, 16),
            3: table("trigrams", 5000, 16),
            4: table("quadgrams", 5000, 16),
        }
        grams = cld3_grams.means(kept, tables)
        shares = _shares(kept.codes) @ table("relevant_scripts", _SCRIPTS, 8)
        script = table("text_script", _KOREAN + 1, 8)[_script(found, kept.there)]
        x = jnp.concatenate([grams[2], grams[4], shares, script, grams[3], grams[1]], axis=1)
        x = nn.relu(nn.Dense(208, name="hidden")(x))
        return nn.Dense(self.outputs, name="classifier")(x)


class _Table(nn.Module):
    """Rows of an embedding, stored the other way round as linear layers are."""

    rows: int
    width: int

    @nn.compact
    def __call__(self) -> Float[Array, "rows width"]:
        """Return the rows."""
        init = nn.initializers.normal(0.1)
        return self.param("kernel", init, (self.width, self.rows), jnp.float32).T


def _shares(codes: Int32[Array, "b n"]) -> Float[Array, "b scripts"]:
    """Return the share of each relevant script among the letters."""
    script = utf8_length(codes)
    ascii_letter = ((codes | 0x20) >= ord("a")) & ((codes | 0x20) <= ord("z"))
    for number, (first, last) in _BLOCKS.items():
        script = jnp.where((codes >= first) & (codes <= last), number, script)
    counted = (codes >= 0x80) | ascii_letter
    hot = counted[..., None] & (script[..., None] == jnp.arange(_SCRIPTS)[None, None])
    count = jnp.sum(hot, axis=1)
    return count / jnp.maximum(jnp.sum(count, axis=1, keepdims=True), 1)


def _script(found: Letters, there: Array) -> Int32[Array, " b"]:
    """Return the script of the first span, Korean apart from Chinese and Japanese."""
    rows = jnp.arange(len(there))
    first = jnp.argmax(there, axis=1)
    script = jnp.where(jnp.any(there, axis=1), found.script[rows, first], 0)
    same = there & (found.span == found.span[rows, first][:, None])
    hangul = jnp.zeros_like(there)
    for low, high in _HANGUL:
        hangul = hangul | ((found.codes >= low) & (found.codes <= high))
    more = jnp.sum(same & hangul, axis=1) > jnp.sum(same & ~hangul, axis=1)
    return jnp.where((script == HANI) & more, _KOREAN, script)
