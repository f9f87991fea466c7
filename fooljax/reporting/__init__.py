"""Pictures and pages: galleries, curves, heat maps, lineages and the HTML report.

Every function takes numpy arrays or plain values and writes one file, all at
once; only ``show`` draws for a notebook instead. A report is made of blocks
(``section``, ``tiles``, ``table``, ``figure``, ...) that ``page`` puts into one
self-contained file.
"""

from fooljax.reporting.charts import curves, heatmap
from fooljax.reporting.document import page
from fooljax.reporting.enlarging import enlarge
from fooljax.reporting.galleries import gallery, grid
from fooljax.reporting.html import (
    Html,
    code,
    details,
    figure,
    join,
    link,
    paragraph,
    section,
    strong,
    table,
    tiles,
)
from fooljax.reporting.lineages import lineage
from fooljax.reporting.matrices import matrix
from fooljax.reporting.niches import niche_page
from fooljax.reporting.overlays import in_color, overlay
from fooljax.reporting.plots import lines
from fooljax.reporting.rulers import ruler
from fooljax.reporting.showing import show
from fooljax.reporting.slices import slices
from fooljax.reporting.wording import percent

__all__ = [
    "Html",
    "code",
    "curves",
    "details",
    "enlarge",
    "figure",
    "gallery",
    "grid",
    "heatmap",
    "in_color",
    "join",
    "lineage",
    "lines",
    "link",
    "matrix",
    "niche_page",
    "overlay",
    "page",
    "paragraph",
    "percent",
    "ruler",
    "section",
    "show",
    "slices",
    "strong",
    "table",
    "tiles",
]
