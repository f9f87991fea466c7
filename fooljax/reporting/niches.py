"""A page to browse all niches: search, sort, and the lineage of every champion.

The page is small because its pictures lie beside it, in ``niches/``: the large
ones as ``0012.png``, the thumbnails together on a few sheets, since a thousand
small files or a page of tens of megabytes would be slow to open. It needs no
server; who moves the page moves the folder with it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from fooljax.reporting.checks import as_images, as_probabilities, check_count
from fooljax.reporting.document import document
from fooljax.reporting.drawing import save
from fooljax.reporting.wording import certainty

if TYPE_CHECKING:
    from fooljax.evolution.lineage import Tree

_THUMBNAIL = 64  # pixels
_EFFORT = 3  # of compression: three times as fast as usual, and 20 % larger
_CONTENT = """<div class="controls" role="search">
<label>Class name <input type="search" id="search" autocomplete="off" spellcheck="false"></label>
<label>Sort by <select id="sort"><option value="index">class number</option>
<option value="confidence">confidence</option><option value="name">name</option>
<option value="born">generation of birth</option></select></label>
<label><input type="checkbox" id="reverse"> reversed</label>
<output id="count"></output>
</div>
<noscript><p>This page needs its script; it loads nothing from elsewhere.</p></noscript>
<ul id="niches" class="niches"></ul>
<dialog id="detail" aria-labelledby="name">
<div class="moves"><button type="button" id="before">← previous</button>
<button type="button" id="after">next →</button>
<button type="button" id="close" autofocus>close</button></div>
<h2 id="name"></h2>
<p id="facts"></p>
<img id="large" alt="">
<p id="known"></p>
<ol id="line" class="line"></ol>
<details id="all"><summary>All images of this line</summary>
<div class="scroll" tabindex="0"><table><thead><tr><th scope="col">Generation</th>
<th scope="col">Best image so far for</th><th scope="col">Confidence in it</th></tr></thead>
<tbody id="members"></tbody></table></div></details>
</dialog>
"""


def niche_page(
    path: str | os.PathLike[str],
    images: ArrayLike,
    confidences: ArrayLike,
    class_names: Sequence[str],
    tree: "Tree",
    tree_confidences: ArrayLike,
    snapshots: Mapping[int, ArrayLike],
    *,
    title: str = "Every class and its image",
    lead: str = "",
) -> Path:
    """Write a page of all champions of one run, with their ancestors, and its pictures.

    The page keeps what it shows in its address: ``#q=dog&sort=confidence&niche=12``.

    Args:
        path: the HTML file to write; pictures go to the folder ``niches`` beside it.
        images: ``[classes, h, w, c]`` in [0, 1] or 8-bit, ``c`` 1 or 3.
        confidences: ``[classes]`` in [0, 1].
        class_names: one name for each class.
        tree: the champions' ancestors.
        tree_confidences: for each image of the tree, its confidence in the class
            whose niche it took.
        snapshots: by generation, the champions at its end ``[classes, h, w, c]``.
        title: the page's title.
        lead: an opening paragraph under the title.

    Returns:
        The path written.

    Raises:
        ValueError: if shapes disagree, or an input is empty, NaN or out of range.

    Example:
        >>> import numpy as np
        >>> from fooljax import reporting
        >>> from fooljax.evolution.lineage import Tree
        >>> images, none = np.random.default_rng(0).random((2, 8, 8, 1)), np.array([-1, -1])
        >>> zero, both, sure = np.array([0, 0]), np.array([0, 1]), [0.9, 0.8]
        >>> tree = Tree(zero, both, none, zero + 5, both)  # two images that were there at once
        >>> reporting.niche_page("all.html", images, sure, ["a", "b"], tree, sure, {}).name
        'all.html'
    """
    from fooljax.data.resize import shrink  # its package loads JAX

    path = Path(path)
    pixels = as_images(images, ("classes", "h", "w", "c"))
    certain = as_probabilities(confidences, ("classes",))
    check_count("confidences", certain, len(pixels))  # type: ignore[arg-type]
    check_count("class_names", class_names, len(pixels))
    check_count("tree.champion", tree.champion, len(pixels))  # type: ignore[arg-type]
    early = np.asarray(tree_confidences, np.float64)
    check_count("tree_confidences", early, len(tree.niche))  # type: ignore[arg-type]

    folder = path.with_name("niches")
    folder.mkdir(exist_ok=True)
    for niche, picture in enumerate(pixels):
        save(Image.fromarray(picture), folder / f"{niche:04d}.png", effort=_EFFORT)
    small = shrink(pixels, _THUMBNAIL)
    sheets = [_sheet(folder / "champions.png", small)]
    sheet, place = np.full(len(tree.niche), -1), np.full(len(tree.niche), -1)
    held = tree.champion >= 0
    sheet[tree.champion[held]], place[tree.champion[held]] = 0, np.flatnonzero(held)
    for generation, champions in sorted(snapshots.items()):
        there = (tree.generation <= generation) & (generation <= tree.until) & (sheet < 0)
        if there.any():
            chosen = np.asarray(champions)[tree.niche[there]]
            pictures = shrink(as_images(chosen, ("images", "h", "w", "c")), _THUMBNAIL)
            sheet[there], place[there] = len(sheets), np.arange(len(pictures))
            sheets.append(_sheet(folder / f"generation-{generation:08d}.png", pictures))
    data = {
        "folder": folder.name,
        "names": [str(name) for name in class_names],
        "confidence": [float(value) for value in certain],
        "sure": [
            certainty(value) if node >= 0 else "no image"
            for value, node in zip(certain, tree.champion, strict=True)
        ],
        "champion": tree.champion.tolist(),
        "sheets": sheets,
        "nodes": {
            "generation": tree.generation.tolist(),
            "niche": tree.niche.tolist(),
            "parent": tree.parent.tolist(),
            "sure": [certainty(value) for value in early],
            "sheet": sheet.tolist(),
            "place": place.tolist(),
        },
    }
    return document(
        path,
        title,
        f'{_CONTENT}<script type="application/json" id="data">{_inert(data)}</script>\n',
        lead,
        styles=("page.css", "niches.css"),
        scripts=("niches.js",),
        pictures="'self' file:",
    )


def _sheet(path: Path, pictures: NDArray[np.uint8]) -> dict[str, Any]:
    """Put pictures ``[n, h, w, 3]`` on one sheet, about as wide as it is high.

    Each has its outermost pixels once more around it: a browser that puts the sheet at a fraction
    of a pixel would show a line of the neighbor.
    """
    count, height, width, _ = pictures.shape
    columns = max(1, round((count * height / width) ** 0.5))
    rows = -(-count // columns)
    around = ((0, rows * columns - count), (0, 0), (0, 0), (0, 0))
    cells = np.pad(np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge"), around)
    grid = cells.reshape(rows, columns, height + 2, width + 2, 3).swapaxes(1, 2)
    whole = grid.reshape(rows * (height + 2), columns * (width + 2), 3)
    save(Image.fromarray(whole), path, effort=_EFFORT)
    return {
        "file": f"{path.parent.name}/{path.name}",
        "columns": columns,
        "rows": rows,
        "width": width,
        "height": height,
    }


def _inert(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
