"""A folder of class folders: which of its files are read, and which are left out."""

import os
import warnings
from pathlib import Path
from typing import NamedTuple

_PICTURES = """
.apng .avif .bmp .dds .dib .fit .fits .gif .icns .ico .j2k .jfif .jp2 .jpe .jpeg .jpf .jpg
.jpx .mpo .pbm .pcx .pfm .pgm .png .pnm .ppm .psd .qoi .sgi .tga .tif .tiff .webp
"""
#: Of pictures that Pillow decodes itself; not of those that it hands to other programs.
SUFFIXES = tuple(_PICTURES.split())
_SOUNDS = """
.aif .aifc .aiff .au .caf .flac .mp3 .oga .ogg .opus .rf64 .snd .w64 .wav .wave
"""
_OF_SYSTEMS = ("thumbs.db", "desktop.ini", "__macosx", "@eadir")
_KINDS_SHOWN = 4


class Kind(NamedTuple):
    """What a file may be.

    Attributes:
        plural: what several of them are called.
        suffixes: of their names, in lower case.
    """

    plural: str
    suffixes: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Tell by its suffix whether a file is one."""
        return name.lower().endswith(self.suffixes)


PICTURES = Kind("pictures", SUFFIXES)
SOUNDS = Kind("sounds", tuple(_SOUNDS.split()))


class Listed(NamedTuple):
    """The files of a folder of class folders, or of its halves ``train`` and ``test``.

    Attributes:
        names: of the classes.
        files: each with the name of its class, those of ``train`` first.
        trained: number of files in ``train``; None where the folder has no halves.
    """

    names: tuple[str, ...]
    files: list[tuple[Path, str]]
    trained: int | None


def list_labelled(folder: Path, kind: Kind = PICTURES) -> Listed:
    """List all files and their classes; see `list_classes`.

    Raises:
        ValueError: as `list_classes`, and if a test class is not among the training classes.
    """
    divided = (folder / "train").is_dir() and (folder / "test").is_dir()
    homes = [folder / "train", folder / "test"] if divided else [folder]
    parts = [list_classes(home, kind) for home in homes]
    names = tuple(parts[0])
    unknown = [name for name in parts[-1] if name not in names]
    if unknown:
        raise ValueError(f"{folder / 'test'}: class {', '.join(unknown)} has no folder in train")
    files = [
        (home / name / file, name)
        for home, part in zip(homes, parts, strict=True)
        for name in part
        for file in part[name]
    ]
    return Listed(names, files, sum(map(len, parts[0].values())) if divided else None)


def list_classes(folder: Path, kind: Kind = PICTURES) -> dict[str, list[str]]:
    """Return the file names in every class folder, both in alphabetical order.

    Files with other suffixes, folders in class folders and files beside them are left
    out, with a warning that counts them. Hidden files and those that Windows, macOS and
    storage devices leave behind are left out silently.

    Args:
        folder: where the class folders are.
        kind: what is read.

    Raises:
        ValueError: if there is no class folder, or one without files of the kind.
    """
    beside = visible(folder)
    homes = [name for name in beside if (folder / name).is_dir()]
    if not homes:
        raise ValueError(
            f"{folder}: no folders in it; put the {kind.plural} of each class in its own"
        )
    classes, left_out = {}, dict[str, list[str]]()
    for name in beside:
        if name not in homes and kind.has(name):
            left_out.setdefault(f"{kind.plural} beside the class folders", []).append(name)
    for home in homes:
        names = visible(folder / home)
        classes[home] = [name for name in names if kind.has(name)]
        for name in names:
            if not kind.has(name):
                left_out.setdefault(_kind(folder / home / name), []).append(f"{home}/{name}")
    empty = [name for name, files in classes.items() if not files]
    if empty:
        raise ValueError(
            f"{folder}: no {kind.plural} in class folder {', '.join(empty)}; add some "
            f"({' '.join(kind.suffixes)}) or remove the folder"
        )
    if left_out:
        most = sorted(left_out.items(), key=lambda both: -len(both[1]))[:_KINDS_SHOWN]
        shown = [f"{len(names)} {what} ({_some(names)})" for what, names in most]
        more = ["others"] * (len(left_out) > len(shown))
        warnings.warn(
            f"{folder}: left out {', '.join(shown + more)}; if they are {kind.plural}, move them "
            "into class folders and give them the suffix of their kind",
            stacklevel=3,
        )
    return classes


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"such as {names[0]}"


def holds_sounds(folder: Path) -> bool:
    """Tell whether a folder holds more sounds than pictures, itself or in class folders."""
    sounds = pictures = 0
    homes = [folder, *(folder / part for part in ("train", "test") if (folder / part).is_dir())]
    for home in homes:
        below = [home / name for name in visible(home) if (home / name).is_dir()]
        for place in (home, *below):
            sounds += sum(map(SOUNDS.has, visible(place)))
            pictures += sum(map(PICTURES.has, visible(place)))
    return sounds > pictures


def _kind(path: Path) -> str:
    if path.is_dir():
        return "folders in class folders"
    return f"{path.suffix} files" if path.suffix else "files without a suffix"


def visible(folder: Path) -> list[str]:
    """Return the names in a folder in alphabetical order, without those that systems leave."""
    return sorted(
        name
        for name in os.listdir(folder)
        if not name.startswith(".") and name.lower() not in _OF_SYSTEMS
    )
