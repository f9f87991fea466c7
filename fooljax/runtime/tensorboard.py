"""A search's records for TensorBoard (needs ``fooljax[tensorboard]``)."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np


def log(folder: Path) -> Callable[[int, Mapping[str, np.ndarray]], None]:
    """Return a function that logs a chunk's records, as ``search_run.run`` calls it."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder / "tensorboard"))

    def write(generation: int, rows: Mapping[str, np.ndarray]) -> None:
        confidence = rows["confidence"]
        for row, at in enumerate(range(generation - len(confidence) + 1, generation + 1)):
            writer.add_scalar("confidence/median", np.median(confidence[row]), at)
            writer.add_scalar("confidence/min", np.min(confidence[row]), at)
            writer.add_scalar("jumps", np.mean(rows["jumps"][row]), at)
        writer.flush()

    return write
