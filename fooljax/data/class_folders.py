"""A folder of class folders: which files of it are pictures, and which are left out."""

import os
import warnings
from collections import Counter
from pathlib import Path

_PICTURES = """
.apng .avif .bmp .dds .dib .fit .fits .gif .icns .ico .j2k .jfif .jp2 .jpe .jpeg .jpf .jpg
.jpx .mpo .pbm .pcx .pfm .pgm .png .pnm .ppm .psd .qoi .sgi .tga .tif .tiff .webp
"""
#: Of pictures that Pillow decodes itself; not of those that it hands to other programs.
SUFFIXES = tuple(_PICTURES.split())
_OF_SYSTEMS = ("thumbs.db", "desktop.ini", "__macosx", "@eadir")
_KINDS_SHOWN = 4


def list_classes(folder: Path) -> dict[str, list[str]]:
    """Return the file names in every class folder, both in alphabetical order.

    Files with other suffixes, folders in class folders and pictures beside them are left
    out, with a warning that counts them. Hidden files and those that Windows, macOS and
    storage devices leave behind are left out silently.

    Raises:
        ValueError: if there is no class folder, or one without pictures.
    """
    beside = visible(folder)
    homes = [name for name in beside if (folder / name).is_dir()]
    if not homes:
        raise ValueError(f"{folder}: no folders in it; put the pictures of each class in its own")
    classes, left_out = {}, Counter[str]()
    left_out["pictures beside the class folders"] = sum(
        name not in homes and is_picture(name) for name in beside
    )
    for home in homes:
        names = visible(folder / home)
        classes[home] = [name for name in names if is_picture(name)]
        left_out.update(_kind(folder / home / name) for name in names if not is_picture(name))
    empty = [name for name, files in classes.items() if not files]
    if empty:
        raise ValueError(
            f"{folder}: no pictures in class folder {', '.join(empty)}; add some "
            f"({' '.join(SUFFIXES)}) or remove the folder"
        )
    if kinds := +left_out:
        shown = [f"{count} {kind}" for kind, count in kinds.most_common(_KINDS_SHOWN)]
        more = ["others"] * (len(kinds) > len(shown))
        warnings.warn(
            f"{folder}: left out {', '.join(shown + more)}; if they are pictures, move them into "
            "class folders and give them the suffix of their kind",
            stacklevel=3,
        )
    return classes


def is_picture(name: str) -> bool:
    """Tell by its suffix whether a file is read as a picture."""
    return name.lower().endswith(SUFFIXES)


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
