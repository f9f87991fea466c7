"""Handwritten digits that move: which way they go is the class. They need no download."""

import numpy as np

from fooljax.data.dataset import Splits
from fooljax.data.videos import WINDOW, Clips, leave_out

#: Rows and columns that a digit moves on, in each step.
STEPS = {
    "right": (0, 1),
    "down right": (1, 1),
    "down": (1, 0),
    "down left": (1, -1),
    "left": (0, -1),
    "up left": (-1, -1),
    "up": (-1, 0),
    "up right": (-1, 1),
}
PARTS = tuple(f"fifth {number}" for number in range(1, 6))
RATE = 12.0
_SIDE, _DIGIT = 32, 16  # pixels of a frame, and of the digit in it


def read_moving_digits(part: str = PARTS[0]) -> Splits:
    """Return videos of the embedded digits, one fifth of the digits left out and tested on.

    Args:
        part: which fifth, one of `PARTS`.

    Returns:
        uint8 videos ``[n, 16, 32, 32, 1]``, white on black; eight classes.

    Raises:
        ValueError: if there is no such part.
    """
    return leave_out(read_moving_digit_clips(), part)


def read_moving_digit_clips() -> Clips:
    """Return a video of each of the 1,797 digits.

    A digit moves straight on, one or two pixels a frame, and comes back on the other side
    where it leaves. Start, speed and digit say nothing about the direction, so that what a
    network can know is known too: from one frame nothing (one in eight), from frames
    without their order the axis at most (one in two), and reversed it is the opposite class.
    """
    from sklearn.datasets import load_digits

    scans = np.round(load_digits().images * (255 / 16)).astype(np.uint8)
    count, draw = len(scans), np.random.default_rng(0)
    labels = draw.permutation(np.arange(count) % len(STEPS))
    speeds = draw.integers(1, 3, count)
    starts = draw.integers(0, _SIDE, (count, 2))
    videos = np.zeros((count, WINDOW, _SIDE, _SIDE, 1), np.uint8)
    videos[:, :, :_DIGIT, :_DIGIT, 0] = scans.repeat(2, axis=1).repeat(2, axis=2)[:, None]
    steps = np.array(list(STEPS.values()))
    for video, label, speed, start in zip(videos, labels, speeds, starts, strict=True):
        for i, frame in enumerate(video):
            frame[:] = np.roll(frame, start + i * speed * steps[label], axis=(0, 1))
    groups = np.arange(count) // len(STEPS) % len(PARTS)
    names = tuple(STEPS)
    return Clips(videos, labels, np.arange(count), groups, names, PARTS, RATE)
