"""Windows cut from videos, and the parts that are left out of training together."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from fooljax import checks
from fooljax.data.dataset import Dataset, Splits, from_arrays
from fooljax.media import Videos

WINDOW = 16  # frames that a network sees at once
STRIDE = 4  # frames from one window to the next
TRAIN, TEST = "train", "test"  # groups of videos that come divided


class Clips(NamedTuple):
    """Windows of many videos.

    Windows of one video overlap, and those of one person are alike: what is tested on must
    be another person's. ``groups`` says which windows belong together.

    Attributes:
        windows: uint8 ``[n, t, h, w, c]``.
        labels: class of every window, in [0, k).
        sequences: the video that it was cut from, ``[n]``.
        groups: what is left out of training together, ``[n]``.
        class_names: the ``k`` names.
        group_names: of the groups, as people.
        rate: frames a second.
        binary: whether they are black and white, but for how they were made smaller.
    """

    windows: UInt8[np.ndarray, "n t h w c"]
    labels: Int[np.ndarray, " n"]
    sequences: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    group_names: tuple[str, ...]
    rate: float
    binary: bool = False

    @property
    def folds(self) -> tuple[str, ...]:
        """The groups to leave out one after another; of videos that come divided, the test."""
        return tuple(name for name in self.group_names if name != TRAIN)

    def where(self, chosen: np.ndarray) -> Dataset:
        """Return some of the windows as a data set."""
        medium = Videos(self.rate, self.binary)
        return from_arrays(
            self.windows[chosen], self.labels[chosen], self.class_names, medium=medium
        )


def cut(
    frames: UInt8[np.ndarray, "f h w c"], window: int = WINDOW, stride: int = STRIDE
) -> UInt8[np.ndarray, "n window h w c"]:
    """Cut a video into windows that overlap, from its first frame on.

    Args:
        frames: the video.
        window: frames of each window.
        stride: frames from the start of one to the start of the next.

    Raises:
        ValueError: if a number is not positive, or the video is shorter than a window.

    Example:
        >>> import numpy as np
        >>> from fooljax import data
        >>> data.cut(np.zeros((10, 4, 4, 1), np.uint8), window=4, stride=3).shape
        (3, 4, 4, 4, 1)
    """
    window, stride = checks.count("window", window), checks.count("stride", stride)
    if len(frames) < window:
        raise ValueError(f"{len(frames)} frames are fewer than the {window} of a window")
    starts = range(0, len(frames) - window + 1, stride)
    return np.stack([frames[start : start + window] for start in starts])


def gather(
    videos: Sequence[UInt8[np.ndarray, "f h w c"]],
    labels: Sequence[int],
    groups: Sequence[int],
    class_names: tuple[str, ...],
    group_names: tuple[str, ...],
    rate: float,
    window: int = WINDOW,
) -> Clips:
    """Cut all videos into windows; those of one are one sequence."""
    pieces = [cut(frames, window) for frames in videos]
    counts = [len(piece) for piece in pieces]
    spread: Callable[[Sequence[int]], np.ndarray]
    spread = lambda values: np.repeat(np.asarray(values, np.int32), counts)
    return Clips(
        np.concatenate(pieces),
        spread(labels),
        spread(range(len(videos))),
        spread(groups),
        class_names,
        group_names,
        rate,
    )


def leave_out(clips: Clips, group: str) -> Splits:
    """Test on one group, and train on all others.

    Raises:
        ValueError: if there is no such group, naming those that there are.

    Example:
        >>> from fooljax import data
        >>> clips = data.load_clips("moving_digits")  # doctest: +SKIP
        >>> splits = data.leave_out(clips, clips.groups[0])  # doctest: +SKIP
    """
    if group not in clips.group_names:
        raise ValueError(
            f"nobody is called {group!r} here; leave out one of {', '.join(clips.group_names)}"
        )
    held_out = clips.groups == clips.group_names.index(group)
    return Splits(train=clips.where(~held_out), test=clips.where(held_out))
