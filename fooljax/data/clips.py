"""All windows of a set of videos, by the video and the person that they are of."""

from pathlib import Path

from fooljax.data.known import PUBLISHED, read_published
from fooljax.data.loading import find_data_dir
from fooljax.data.moving_digits import read_moving_digit_clips
from fooljax.data.video_files import are_videos, read_video_clips
from fooljax.data.videos import Clips
from fooljax.data.weizmann import holds_weizmann, read_weizmann_clips

MOVING_DIGITS, WEIZMANN = "moving_digits", "weizmann"


def load_clips(
    name: str, data_dir: str | None = None, image_size: tuple[int, int] | None = None
) -> Clips:
    """Load windows of videos, to leave out one group of them after another.

    Args:
        name: ``moving_digits``, ``weizmann``, or a folder of class folders of videos.
        data_dir: as for `load`.
        image_size: ``(h, w)`` in pixels that frames of a folder are resized to.

    Raises:
        ValueError: if it is something else, or the data are damaged or unfit.
        OSError: if something is not there.

    Example:
        >>> from fooljax import data
        >>> clips = data.load_clips("moving_digits")  # doctest: +SKIP
        >>> clips.dataset.images.shape  # doctest: +SKIP
    """
    if image_size is not None and name in (MOVING_DIGITS, WEIZMANN):
        raise ValueError(
            f"image_size (--image-size) is of folders, and frames of {name} are 32x32; leave it out"
        )
    if name == MOVING_DIGITS:
        return read_moving_digit_clips()
    if name == WEIZMANN:
        data_dir = find_data_dir(data_dir)
        folder = Path(data_dir or "DIR") / (PUBLISHED[name].place or name)
        if not holds_weizmann(folder):
            read_published(name, data_dir)  # which says what is missing
        return read_weizmann_clips(folder)
    path = Path(name).expanduser()
    if path.is_dir() and are_videos(path):
        return read_video_clips(path, image_size)
    raise ValueError(
        f"{name}: give {MOVING_DIGITS}, {WEIZMANN}, or a folder of class folders of videos"
    )
