"""What pages say of questions about pictures, and of the networks that answer them."""

from collections.abc import Iterator, Mapping

import numpy as np

from fooljax import data, reporting
from fooljax.data import QuestionSet
from fooljax.metrics import Interval
from fooljax.study.answerers import ANSWERERS
from fooljax.study.page import Block, Figure
from fooljax.study.pictures import images
from fooljax.study.victim import Victim
from fooljax.study.wording import spell

#: Pictures that a page begins with.
SHOWN = 6


def tell_answerers(
    victim: Victim, found: QuestionSet, right: Mapping[str, Interval], seeds: int
) -> Iterator[Block]:
    """Say what networks that answer questions learned from, and how many are right.

    Args:
        victim: names the questions.
        found: the questions.
        right: share of right answers to the test questions, by architecture.
        seeds: networks of each architecture.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> asked = fj.data.synthetic(train=4, test=8)
        >>> right = {"pooled": study.exactly(0.8)}
        >>> victim = study.Victim(dataset="synthetic")
        >>> first, _ = study.tell_answerers(victim, asked, right, seeds=2)
        >>> first.partition(" (")[0]
        'Networks learned from 35 questions about 4 pictures'
    """
    are = f"are {seeds}, from other starting weights; intervals are over these"
    are = are if seeds > 1 else "is one, so that no interval is known"
    made = ", drawn and asked here as easy-VQA does" if victim.dataset == "synthetic" else ""
    yield (
        f"Networks learned from {len(found.train.answer):,} questions about "
        f"{len(found.train.images):,} pictures ({victim.dataset}{made}) and "
        f"were asked {len(found.test.answer):,} other ones about "
        f"{len(found.test.images):,} other pictures. There are {len(found.questions)} different "
        f"questions and {len(found.answers)} answers. A network reads the words one after "
        "another, sees the picture through three convolutions, and concludes from both. Of each "
        f"kind below there {are}."
    )
    rows = [(model, f"it {ANSWERERS[model]}", spell(share)) for model, share in right.items()]
    yield reporting.table(("Network", "How it sees", "Right answers"), rows)


def show_questions(found: QuestionSet, name: str, said: np.ndarray, seed: int) -> Figure:
    """Show test pictures with a question, and what a network answers.

    Args:
        found: the questions.
        name: of the network.
        said: ``[s]``, number of its answer to each question of the test.
        seed: decides which question is shown with a picture.

    Example:
        >>> import fooljax as fj
        >>> from fooljax import study
        >>> asked = fj.data.synthetic(train=4, test=8)
        >>> block = study.show_questions(asked, "pooled 1", asked.test.answer, seed=0)  # all right
        >>> block.name, block.draw("asked.png").name
        ('examples', 'asked.png')
    """
    test, random = found.test, np.random.default_rng(seed)
    rows = [
        random.choice(np.flatnonzero(test.picture == i)) for i in np.unique(test.picture)[:SHOWN]
    ]
    words = lambda row: (
        f"{found.questions[test.question[row]]}\n{found.answers[said[row]]}"
        + ("" if said[row] == test.answer[row] else " (wrong)")
    )
    caption = (
        f"Test pictures, one of the questions asked of each, and the answer of {name}. Not "
        "selected: the first pictures of the set, and a question drawn at random."
    )
    shown = data.as_float(test.images[test.picture[rows]])
    return images("examples", [shown], [[words(row) for row in rows]], caption)
