"""Videos on a page: a sheet of their frames as a picture, and moving pictures."""

import base64
import io
import re
from html import escape

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from fooljax.reporting.html import Html, Text, join

_ACROSS = 4  # frames side by side on a sheet
_FASTEST = 50.0  # frames a second that browsers show


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
    """Show a moving picture, which the reader can stop to see its frames side by side.

    Those who prefer less motion see the frames first, and so does paper. Frames are as large
    as they are, the page enlarges them, and each is shown for 20 ms at least: faster ones are
    slowed down by browsers.

    Args:
        video: ``[t, h, w, c]`` in [0, 1], ``c`` 1 or 3.
        rate: frames a second.
        caption: what is seen.
    """
    frames = [_picture(frame) for frame in np.asarray(video)]
    animated = _encoded(frames, min(rate, _FASTEST))
    still = _encoded([_picture(_parted(video))], rate)
    words = caption.markup if isinstance(caption, Html) else escape(caption)
    about = f"{len(frames)} frames{': ' if words else ''}{re.sub('<[^>]*>', '', words)}"
    return join(
        Html('<figure class="video">'),
        Html(f'<img class="moving" alt="a video of {about}" src="{animated}">'),
        Html(f'<img class="still" alt="{about}, side by side" src="{still}">'),
        Html('<label><input type="checkbox"> stop or play</label><figcaption>'),
        caption,
        Html("</figcaption></figure>\n"),
    )


def _parted(video: Float[np.ndarray, "t h w c"]) -> Float[np.ndarray, "h2 w2 c"]:
    """Return the sheet with a grey line around each frame."""
    framed = np.pad(np.asarray(video), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=0.5)
    return sheet(framed)


def _picture(frame: np.ndarray) -> Image.Image:
    pixels: UInt8[np.ndarray, "h w c"] = np.round(255 * np.asarray(frame, np.float64))
    pixels = pixels.astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _encoded(frames: list[Image.Image], rate: float) -> str:
    """Return an (animated) PNG as an address of its own bytes."""
    first, *rest = frames
    buffer = io.BytesIO()
    animation = {"save_all": True, "append_images": rest, "duration": 1000.0 / rate, "loop": 0}
    first.save(buffer, format="PNG", **(animation if rest else {}))
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
