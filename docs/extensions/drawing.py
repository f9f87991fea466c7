"""Pictures of the gallery look like those of pages."""

import os
from typing import Any

import matplotlib


def as_on_pages(conf: dict[str, Any], example: str) -> None:
    """Forget what an example has set; the gallery calls this around each of them."""
    matplotlib.rcdefaults()
    matplotlib.rc_file(os.environ["MATPLOTLIBRC"])
    matplotlib.use("agg")
