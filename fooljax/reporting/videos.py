"""Videos on a page: a sheet of their frames as a picture, and moving pictures."""

import base64
import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from fooljax.reporting.html import Html, Text, join

_ACROSS = 4  # frames side by side on a sheet
_SIDE = 128  # wanted side of a moving picture, in pixels


def sheet(video: Float[np.ndarray, "t h w c"]) -> Float[np.ndarray, "h2 w2 c"]:
    """Put frames of a video side by side, in the order of reading.

    Sixteen at even distances, or nine, four or one of shorter videos.

    Args:
        video: ``[t, h, w, c]`` in [0, 1].
    """
    frames = np.asarray(video)
    across = min(_ACROSS, int(np.sqrt(len(frames))))
    chosen = frames[np.linspace(0, len(frames) - 1, across**2).round().astype(int)]
    rows = chosen.reshape(across, across, *frames.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)


def moving(video: Float[np.ndarray, "t h w c"], rate: float, caption: Text = "") -> Html:
    """Show a moving picture; its sheet of frames to those who prefer less motion.

    Args:
        video: ``[t, h, w, c]`` in [0, 1], ``c`` 1 or 3.
        rate: frames a second.
        caption: what is seen.
    """
    frames = [_enlarged(frame) for frame in np.asarray(video)]
    animated = _encoded(frames, rate)
    still = _encoded([_enlarged(sheet(video))], rate)
    return join(
        Html('<figure class="video"><picture>'),
        Html(f'<source media="(prefers-reduced-motion: reduce)" srcset="{still}">'),
        Html(f'<img alt="a video of {len(frames)} frames" src="{animated}"></picture>'),
        Html("<figcaption>"),
        caption,
        Html("</figcaption></figure>\n"),
    )


def _enlarged(frame: np.ndarray) -> Image.Image:
    pixels: UInt8[np.ndarray, "h w 3"] = np.broadcast_to(
        np.round(255 * np.asarray(frame, np.float64)).astype(np.uint8), (*frame.shape[:2], 3)
    )
    factor = max(1, round(_SIDE / max(frame.shape[:2])))
    return Image.fromarray(np.repeat(np.repeat(pixels, factor, axis=0), factor, axis=1))


def _encoded(frames: list[Image.Image], rate: float) -> str:
    """Return an (animated) PNG as an address of its own bytes."""
    first, *rest = frames
    buffer = io.BytesIO()
    animation = {"save_all": True, "append_images": rest, "duration": 1000.0 / rate, "loop": 0}
    first.save(buffer, format="PNG", **(animation if rest else {}))
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
