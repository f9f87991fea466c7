"""The page of ``experiments.distract``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

import fooljax as fj
from fooljax import study
from fooljax.reporting.passages import LEGEND, passage
from fooljax.reporting.texts import written

from .measure import (
    ADDANY,
    ADDCOMMON,
    ADDONESENT,
    ADDSENT,
    MATCHER,
    MINILM,
    ORIGINAL,
    RANDOM,
    SEARCHES,
    STRANGER,
)
from .numbers import CONTROLS, PAPER, WAYS, Found, curve

ABOUT = {
    ORIGINAL: "the paragraph as it was",
    RANDOM: "control: common words at random",
    STRANGER: "control: a sentence of a paragraph about something else",
    ADDONESENT: "one sentence that is like the question, but about something else",
    ADDSENT: "the one of several such sentences that the reader likes best",
    ADDCOMMON: "common words, searched for against the reader",
    ADDANY: "the same, and the words of the question",
}
_EXAMPLES = 3
_WORDS = 5  # found sentences that are shown


def effect(found: Found, reader: str) -> bool:
    """Tell whether AddOneSent takes more right answers than a sentence from elsewhere."""
    lure, stranger = found.right(reader, ADDONESENT), found.right(reader, STRANGER)
    if np.isnan(lure.high) or np.isnan(stranger.low):
        return lure.mean < stranger.mean
    return lure.high < stranger.low


def title(found: Found) -> str:
    """Say what the numbers of the first reader say."""
    reader = found.readers[0]
    if not all(effect(found, one) for one in found.readers):
        return "A sentence beside the point: not seen to harm more than any other sentence"
    share = lambda added: study.share(found.right(reader, added).mean)
    return f"A sentence beside the point: right answers fall from {share(ORIGINAL)} to " + share(
        ADDONESENT
    )


def conclude(found: Found) -> str:
    """Say in a few sentences what the numbers say."""
    said = []
    for reader in found.readers:
        share = lambda added: study.share(found.right(reader, added).mean)  # noqa: B023
        said.append(
            f"{reader}: {share(ORIGINAL)} right; {share(STRANGER)} after a sentence from "
            f"elsewhere, {share(ADDONESENT)} after one that is like the question (AddOneSent), "
            f"{share(ADDSENT)} after the worst of several (AddSent), {share(ADDCOMMON)} after "
            f"common words searched for, {share(ADDANY)} after any words."
        )
    return " ".join(said)


def report(found: Found) -> Iterator[study.Opening | study.Block]:
    """Yield the page, block after block."""
    reader = found.readers[0]
    share = lambda added: study.share(found.right(reader, added).mean)
    yield study.Opening(
        title(found),
        "A network picks the sentence of a paragraph that answers a question. Then a sentence is "
        "added that has nothing to do with the question, and nobody who reads would be misled. "
        "Does the network still find the answer?",
        [
            (share(ORIGINAL), f"right before ({reader})"),
            (share(STRANGER), "with a sentence from elsewhere"),
            (share(ADDONESENT), "with one that is like the question"),
            (share(ADDANY), "with words searched for"),
            (study.duration(found.made.results.seconds), "of computing"),
        ],
    )
    yield study.Heading("What was done")
    yield from story(found)
    yield study.Heading("What it looks like")
    yield from examples(found)
    yield study.Heading("What came out")
    yield from outcome(found)
    yield study.Heading("Words that a search finds")
    yield from searches(found)


def story(found: Found) -> Iterator[study.Block]:
    """Say what was done."""
    config, task = found.config, found.task
    if config.reading.dataset == "squad":
        yield (
            f"{len(task.passages):,} questions of SQuAD about paragraphs of Wikipedia, and the "
            "sentences that Jia and Liang had people write for them: each says something like the "
            "answer about something else, in words of the question. Who adds it does not know "
            "the network. Paragraphs are split into sentences by marks and capitals; an answer is "
            "right if the chosen sentence holds the beginning of an answer that people gave. That "
            "is easier than SQuAD, which wants the words of the answer, and so not its F1."
        )
    else:
        yield (
            f"{len(task.passages):,} made-up questions about paragraphs on countries that do not "
            "exist. This task is synthetic: it shows the mechanism, not how common it is. The "
            "added sentences follow the recipe of AddSent: another country (and in every second "
            "sentence a word turned into its opposite), a made-up answer that is always the same. "
            "--preset squad asks real questions."
        )
    small = "one small network trained"
    if config.reading.matchers > 1:
        small = f"{config.reading.matchers} small networks trained from different starts"
    if MATCHER in found.readers:
        yield fj.reporting.paragraph(
            fj.reporting.strong(f"{MATCHER}: "),
            f"{small} on "
            f"{len(task.teaching):,} other questions, without anything added. Each word of the "
            "question is compared with the word of a sentence most like it; the network also sees "
            "where a sentence stands, from both ends of the paragraph.",
        )
    if MINILM in found.readers:
        yield fj.reporting.paragraph(
            fj.reporting.strong(f"{MINILM}: "),
            "all-MiniLM-L6-v2, published by others and not trained here (among its billion pairs "
            "of texts are questions of SQuAD's training set with their paragraphs). It turns "
            "question and sentences into points, and the one nearest to the question (by cosine, "
            "softmax at temperature 0.05) is the answer. It never sees where a sentence stands.",
        )
    yield fj.reporting.table(
        ("Added", "What it is", "Questions"),
        [(added, ABOUT[added], f"{found.questions(added):,}") for added in WAYS],
    )
    yield (
        f"A search ({ADDANY}, {ADDCOMMON}) begins with {config.length} random common words, visits "
        f"every word {study.often(config.epochs)}, tries {config.draws} common words there each "
        f"time (and for {ADDANY} those of the question), and keeps what makes the right sentence "
        "least probable. It ends when the network chooses a wrong sentence. Both kinds of network "
        "judge each sentence by itself, so all that a search can do is to make its own sentence "
        "more attractive."
    )


def examples(found: Found) -> Iterator[study.Block]:
    """Show the first questions that a network answered right before, and wrong after."""
    task, network = found.task, found.made.networks[0]
    chosen = lambda added: found.made.results.one(network=network.name, added=added)["chosen"]
    before = {one.name: at for one, at in zip(task.passages, chosen(ORIGINAL), strict=True)}
    plain = {one.name: one for one in task.passages}
    both = list(zip(task.addonesent, chosen(ADDONESENT), strict=True))
    was_right = lambda one: before[one.name] in plain[one.name].right
    turned = [(one, at) for one, at in both if was_right(one) and at == one.added]
    could = sum(was_right(one) for one, _ in both)
    yield (
        f"The first questions that {network.name} answered right, and after AddOneSent with the "
        f"added sentence, of {len(turned):,} such among {could:,} that it had right. How to read "
        f"it: {LEGEND}."
    )
    for one, at in turned[:_EXAMPLES]:
        original = plain[one.name]
        yield passage(
            one.question,
            original.sentences,
            right=original.right,
            chosen=int(before[one.name]),
        )
        yield passage("", one.sentences, right=one.right, added=one.added, chosen=int(at))
    kept = [(one, at) for one, at in both if was_right(one) and at in one.right]
    if kept:
        one, at = kept[0]
        inside = passage(
            one.question, one.sentences, right=one.right, added=one.added, chosen=int(at)
        )
        yield study.Folded("The first question that it still answered right", [inside])


def outcome(found: Found) -> Iterator[study.Block]:
    """Say what came out, beside what the paper has."""
    yield fj.reporting.paragraph(fj.reporting.strong(conclude(found)))
    columns = ("Added", *(f"Right, {reader}" for reader in found.readers))
    paper = ("F1 of Match-LSTM, paper", "F1 of BiDAF, paper")
    rows = []
    for added in WAYS:
        shares = [study.spell(found.right(reader, added)) for reader in found.readers]
        printed = [f"{f1:g}" for f1 in PAPER[added]] if added in PAPER else ["", ""]
        rows.append((added, *shares, *printed))
    yield fj.reporting.table(
        (*columns, *paper),
        rows,
        "Share of questions answered right, by what was added; in brackets 95 % intervals, of "
        "several networks over them, of a single one over the questions. A question counts as "
        "right if the answer is right whatever was added; one for which nobody wrote a sentence "
        "counts as it was. Beside it Table 2 of the paper: other networks, and another measure "
        "(F1 of the words of the answer), so compare the order, not the numbers.",
    )
    same = "; ".join(
        f"{study.spell(found.right(reader, ADDANY, 'before'))} before, and "
        f"{study.spell(found.right(reader, ADDANY, 'addsent'))} under {ADDSENT} ({reader})"
        for reader in found.readers
    )
    yield (
        f"The searches had {found.questions(ADDANY):,} of the questions, drawn at random. Right on "
        f"the same questions were {same}."
    )
    rows = [
        (
            added,
            *(study.spell(found.right(reader, added, "before")) for reader in found.readers),
            *(study.spell(found.right(reader, added, "taken")) for reader in found.readers),
        )
        for added in (*CONTROLS, ADDONESENT, ADDSENT, ADDCOMMON, ADDANY)
    ]
    titles = (
        "Added",
        *(f"Right before, {reader}" for reader in found.readers),
        *(f"Chose what was added, {reader}" for reader in found.readers),
    )
    caption = (
        "What the same questions were before, and how often the added sentence itself was chosen, "
        "of all paragraphs with one (AddSent: of all variants)"
    )
    yield study.Folded(
        "Before, and where answers went", [fj.reporting.table(titles, rows, caption)]
    )


def searches(found: Found) -> Iterator[study.Block]:
    """Show how far searches come, and what they find."""
    for reader in found.readers:
        yield study.lines(
            f"search_{reader}",
            curve(found, reader),
            "queries",
            "right",
            "added",
            f"Questions still answered right by {reader}, by paragraphs shown to it. Both lines "
            "begin with one sentence of random common words. Shaded: 95 % intervals over the "
            "networks, where there are several. A line ends where all its searches had ended.",
            x_label="paragraphs with other words that the network was shown, for each question",
            y_label="share of questions still right",
            shares=True,
            log_x=True,
        )
    for reader in found.readers:
        network = next(one for one in found.made.networks if one.reader == reader)
        rows = []
        for search in SEARCHES:
            cells = found.made.results.where(network=network.name, search=search)
            for row, sentence, right in itertools.islice(_found(cells), _WORDS):
                question = found.task.passages[row].question
                end = "still right" if right else "wrong"
                rows.append((search, written(question), written(sentence), end))
        header = ("Search", "Question", "Words added", "Answer")
        caption = f"The first questions of each search against {network.name}, not selected"
        yield fj.reporting.table(header, rows, caption)


def _found(cells: study.Results) -> Iterator[tuple[int, str, bool]]:
    """Yield what was searched: number of the question, the words, whether it is still right."""
    for _, arrays in cells.found:
        yield from zip(arrays["rows"], arrays["sentences"], arrays["right"][-1], strict=True)
