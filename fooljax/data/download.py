"""Fetch the published files of a known set, checked against registered checksums."""

import importlib.util
from pathlib import Path
from typing import NamedTuple

from fooljax.data.quiet import quiet


class Registered(NamedTuple):
    """One published file.

    Attributes:
        url: where it is.
        size: its length in bytes.
        sha256: its checksum in hexadecimal.
        name: what to call it on disk.
    """

    url: str
    size: int
    sha256: str
    name: str


class RichProgress:
    """A progress bar of rich, with the four methods that pooch wants of one.

    Attributes:
        total: number of bytes to come; pooch sets it when the server tells.
    """

    def __init__(self, title: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TransferSpeedColumn,
        )

        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
        self.total = total
        self._bar = Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True))
        self._task = self._bar.add_task(title, total=total)

    def update(self, count: int) -> None:
        """Count ``count`` more bytes; the bar shows from the first on."""
        self._bar.start()
        self._bar.update(self._task, advance=count)

    def reset(self) -> None:
        """Start counting from nothing."""
        self._bar.update(self._task, completed=0)

    def close(self) -> None:
        """Leave the bar as it is on the screen."""
        if self._bar.live.is_started:
            self._bar.stop()


def registered(name: str) -> tuple[Registered, ...]:
    """Return the files that the installed tensorflow-datasets has registered for a set.

    Its checksum file is read without importing the package.

    Raises:
        ModuleNotFoundError: if tensorflow-datasets is not installed.
    """
    package = importlib.util.find_spec("tensorflow_datasets")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(
            "the addresses of published data sets come with tensorflow-datasets, which is "
            "not installed; run pip install tensorflow-datasets"
        )
    home = Path(package.submodule_search_locations[0])
    lines = (home / "url_checksums" / f"{name}.txt").read_text().splitlines()
    rows = (line.split("\t") for line in lines if line.strip())
    return tuple(Registered(url, int(size), sha256, file) for url, size, sha256, file in rows)


def fetch(file: Registered, folder: Path, remedy: str) -> Path:
    """Download ``file`` into ``folder``, unless a sound copy is there already.

    Nothing but a complete file with the right checksum ever gets its name.

    Args:
        file: what to fetch.
        folder: where to keep it.
        remedy: what to do without a network; ends every error.

    Returns:
        The path of the file.

    Raises:
        OSError: if it cannot be fetched or written.
        ValueError: if its checksum is wrong.
    """
    import pooch

    bar = RichProgress(file.name, file.size)

    def transfer(url: str, output_file: str, pup: object) -> None:
        pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 18)(url, output_file, pup)

    try:
        with quiet(pooch.get_logger()):
            path = pooch.retrieve(
                file.url, f"sha256:{file.sha256}", file.name, folder, downloader=transfer
            )
    except OSError as error:
        raise OSError(f"cannot download {file.url} ({_reason(error)}); {remedy}") from error
    except ValueError as error:
        raise ValueError(
            f"{file.url} is not the file that was registered, its SHA-256 is another; "
            f"it was thrown away, so try again later, or {remedy}"
        ) from error
    finally:
        bar.close()
    return Path(path)


def _reason(error: OSError) -> str:
    """Return why a transfer failed, in a few words."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code} {response.reason}"
    return error.strerror or type(error).__name__
