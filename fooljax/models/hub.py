"""Weights from the Hugging Face hub: pinned, checked, kept in the hub's own cache."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple


class File(NamedTuple):
    """A file in a repository of the hub.

    Attributes:
        repository: ``OWNER/NAME``.
        name: of the file; safetensors only.
        revision: commit, tag or branch.
        sha256: what the content must hash to; unchecked if None.
    """

    repository: str
    name: str = "model.safetensors"
    revision: str = "main"
    sha256: str | None = None


def parse(place: str) -> File:
    """Read ``hf:OWNER/REPOSITORY[/FILE][@REVISION]``.

    Raises:
        ValueError: if it is written otherwise, or the file is no safetensors file.
    """
    found = re.fullmatch(r"hf:([\w.-]+/[\w.-]+)(?:/([\w./-]+))?(?:@([\w./-]+))?", place)
    if found is None:
        raise ValueError(
            f"{place} is not a file of the Hugging Face hub; "
            "write hf:OWNER/REPOSITORY[/FILE][@REVISION]"
        )
    repository, name, revision = found.groups()
    file = File(repository, name or File._field_defaults["name"], revision or "main")
    if not file.name.endswith(".safetensors"):
        raise ValueError(f"{place}: only .safetensors files are fetched, others can execute code")
    return file


def fetch(file: File) -> Path:
    """Return a local copy, downloaded unless the hub's cache has it.

    HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE mean what they mean to every
    program that uses the hub.

    Raises:
        OSError: if it cannot be had.
        ValueError: if its content is not what was published.
    """
    import huggingface_hub
    from huggingface_hub import errors

    place = f"{file.repository}/{file.name} at revision {file.revision}"
    try:
        path = Path(
            huggingface_hub.hf_hub_download(file.repository, file.name, revision=file.revision)
        )
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise OSError(
            f"{place} cannot be had from the Hugging Face hub ({reason}); download it elsewhere "
            "and give --weights FILE"
        ) from error
    if file.sha256 is not None:
        with path.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != file.sha256:
            raise ValueError(
                f"{path}: not the published content of {place} (SHA-256 {found[:12]}... instead of "
                f"{file.sha256[:12]}...); delete it to download it again"
            )
    return path
