"""Pictures of one colored shape each, and questions about them: made here, nothing to download.

They follow easy-VQA: the same questions, asked as often, of pictures as large.
"""

import itertools

import numpy as np
from jaxtyping import Float, Int, UInt8

from fooljax import checks
from fooljax.data.questions import Asked, QuestionSet, from_asked

COLORS = {
    "black": (0, 0, 0),
    "blue": (0, 0, 255),
    "brown": (165, 42, 42),
    "gray": (128, 128, 128),
    "green": (0, 255, 0),
    "red": (255, 0, 0),
    "teal": (0, 128, 128),
    "yellow": (255, 255, 0),
}
SHAPES = ("circle", "rectangle", "triangle")
#: What a picture can show, ``(shape, color)``, in the order of their numbers.
FACTS = tuple(itertools.product(SHAPES, COLORS))
ANSWERS = (*COLORS, "no", *SHAPES, "yes")
PIXELS = 64

_AFFIRMED = (
    "is there a {}?",
    "is there a {} in the image?",
    "does the image contain a {}?",
    "is a {} present?",
)
_NEGATED = (
    "is there not a {}?",
    "is there not a {} in the image?",
    "does the image not contain a {}?",
    "is no {} present?",
)
_COLOR = ("what color is the {}?", "what is the color of the {}?")
_SHAPE = (
    "what shape is in the image?",
    "what shape is present?",
    "what shape does the image contain?",
)
_WHICH = "what is the {} shape?"
_ASKED = {True: 1.0 / 12.0, False: 1.0 / 3.0}  # how often, of yes-or-no questions and of others
_SIZE = (10, 32)  # of a shape, in pixels
_GROUND = (230, 255)
_AT_ONCE = 100  # pictures, so that what is computed stays in the cache


def true_answers(shape: str, color: str) -> dict[str, str]:
    """Answer every question that makes sense about a picture of one colored shape.

    Args:
        shape: one of `SHAPES`.
        color: one of `COLORS`.

    Returns:
        The true answer by question; "what color is the circle?" is asked of circles only.

    Source:
        Zhou, 2019, easy-VQA 1.0 (the questions).
    """
    found: dict[str, str] = {}
    for noun in (*SHAPES, *(f"{other} shape" for other in COLORS)):
        there = noun in (shape, f"{color} shape")
        found |= {one.format(noun): "yes" if there else "no" for one in _AFFIRMED}
        found |= {one.format(noun): "no" if there else "yes" for one in _NEGATED}
    found |= {one.format(noun): color for one in _COLOR for noun in ("shape", shape)}
    found |= dict.fromkeys((*_SHAPE, _WHICH.format(color)), shape)
    return found


def truth_table(
    questions: tuple[str, ...], answers: tuple[str, ...]
) -> Int[np.ndarray, "facts q"] | None:
    """Return the true answer to every question about every picture of `FACTS`.

    Args:
        questions: texts.
        answers: names of the answers.

    Returns:
        Numbers of answers, -1 where a question makes no sense; None if any question is
        not one of these, so that nobody knows.

    Example:
        >>> from fooljax import data
        >>> asked = data.synthetic(train=10, test=5)
        >>> data.truth_table(asked.questions, asked.answers).shape[1] == len(asked.questions)
        True
    """
    every = [true_answers(*fact) for fact in FACTS]
    if set(questions) - set().union(*every) or set().union(*(one.values() for one in every)) - set(
        answers
    ):
        return None
    number = {answer: place for place, answer in enumerate(answers)}
    return np.array([[number.get(one.get(q, ""), -1) for q in questions] for one in every])


def synthetic(train: int = 4000, test: int = 1000, seed: int = 0) -> QuestionSet:
    """Draw pictures of one colored shape each, and ask about them as easy-VQA does.

    A shape is 10 to 32 pixels large and lies anywhere in the picture, on a ground of a
    light color. A third of the questions that name their answers are asked of a picture,
    a twelfth of those that are answered by yes or no.

    Args:
        train: pictures to learn from.
        test: pictures to be tested on.
        seed: decides all of them.

    Raises:
        ValueError: if a number is not positive, or the seed is negative.

    Source:
        Zhou, 2019, easy-VQA 1.0: its 107 questions and 13 answers; sizes, grounds and how
        often a question is asked are measured on it. The pictures are not its own.

    Example:
        >>> from fooljax import data
        >>> asked = data.synthetic(train=10, test=5)
        >>> len(asked.test.images)
        5
    """
    train, test = checks.count("train", train), checks.count("test", test)
    random = np.random.default_rng(checks.count("seed", seed, 0))
    every = [true_answers(*fact) for fact in FACTS]
    questions = tuple(sorted(set().union(*every)))
    truth = truth_table(questions, ANSWERS)
    assert truth is not None
    often = np.array([_ASKED[one.split()[0] != "what"] for one in questions])

    def half(count: int) -> Asked:
        facts = random.integers(len(FACTS), size=count)
        asked = (random.random((count, len(questions))) < often) & (truth[facts] >= 0)
        picture, question = np.nonzero(asked)
        parts = np.array_split(facts, -(-count // _AT_ONCE))
        images = np.concatenate([paint(random, part) for part in parts])
        return Asked(images, picture, question, truth[facts[picture], question])

    return from_asked(half(train), half(test), questions, ANSWERS)


def paint(
    random: np.random.Generator, facts: Int[np.ndarray, " n"]
) -> UInt8[np.ndarray, "n h w c"]:
    """Draw a picture of each fact, a shape of random size and place on a random ground.

    Args:
        random: decides sizes, places and grounds.
        facts: numbers into `FACTS`.
    """
    count = len(facts)
    width, height = random.uniform(*_SIZE, size=(2, count)) / 2.0
    kind = facts // len(COLORS)
    height = np.where(kind == SHAPES.index("circle"), width, height)
    height = np.where(kind == SHAPES.index("triangle"), width * np.sqrt(3.0) / 2.0, height)
    x, y = random.uniform(size=(2, count))
    x, y = (half + place * (PIXELS - 2.0 * half) for half, place in ((width, x), (height, y)))
    ground = random.integers(_GROUND[0], _GROUND[1] + 1, size=(count, 1, 1, 3)).astype(np.float32)
    ink = np.array(list(COLORS.values()), np.float32)[facts % len(COLORS)][:, None, None]
    sizes = (one.astype(np.float32)[:, None, None] for one in (width, height, x, y))
    cover = _inside(kind, *sizes)[..., None]
    return np.round(ground + cover * (ink - ground)).astype(np.uint8)


def _inside(
    kind: Int[np.ndarray, " n"],
    width: Float[np.ndarray, "n 1 1"],
    height: Float[np.ndarray, "n 1 1"],
    x: Float[np.ndarray, "n 1 1"],
    y: Float[np.ndarray, "n 1 1"],
) -> Float[np.ndarray, "n h w"]:
    """Return how much of each pixel a shape covers: its distance from the edge, cut off."""
    places = np.arange(PIXELS, dtype=np.float32) + 0.5
    across, down = places - x, places[:, None] - y
    side = (across**2 + down**2) ** 0.5
    steep = np.hypot(2.0 * height, width)  # a triangle stands on a side as long as it is wide
    slope = ((down + height) * width - np.abs(across) * 2.0 * height) / steep
    depth = {
        "circle": width - side,
        "rectangle": np.minimum(width - np.abs(across), height - np.abs(down)),
        "triangle": np.minimum(slope, height - down),
    }
    which = [(kind == SHAPES.index(name))[:, None, None] for name in depth]
    return np.clip(np.select(which, list(depth.values())) + 0.5, 0.0, 1.0)
