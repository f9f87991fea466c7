"""Folders of videos, one sub-folder for each class: animated pictures, or what PyAV decodes."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from fooljax.data.class_folders import PICTURES, Kind, visible
from fooljax.data.dataset import Splits, blame
from fooljax.data.resize import stack
from fooljax.data.videos import STRIDE, TEST, TRAIN, WINDOW, Clips, gather, leave_out

ANIMATED = (".apng", ".gif", ".png", ".webp")
FILMS = Kind("films", (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm"))
_MOST_BYTES = 4 * 10**9
_RATE = 25.0  # frames a second of what does not say it
_PARTS = tuple(f"fifth {number}" for number in range(1, 6))


def are_videos(folder: Path) -> bool:
    """Tell whether the classes of a folder consist of videos rather than of pictures.

    They do if a file has a suffix of films; or if all files are of kinds that may move, and
    more of them hold several pictures than one. Otherwise the first picture of each is read,
    with a warning.
    """
    files = [path for home in _homes(folder) for paths in _classes(home).values() for path in paths]
    if any(FILMS.has(path.name) for path in files):
        return True
    if not all(path.suffix.lower() in ANIMATED for path in files):
        return False
    return 2 * sum(map(_is_animated, files)) > len(files)


def read_videos(folder: Path, image_size: tuple[int, int] | None) -> Splits:
    """Read a folder of class folders of videos, cut into windows.

    Folders ``train`` and ``test``, when both exist, are the split; otherwise the second,
    seventh, twelfth ... video of every class is tested on, with all its windows.

    Args:
        folder: where the class folders are.
        image_size: ``(h, w)`` in pixels to resize frames to, without regard to the aspect
            ratio; None requires equal sizes.

    Returns:
        uint8 windows ``[n, t, h, w, c]`` of 16 frames, or as many as the shortest video has.

    Raises:
        ValueError: as `read_video_clips`.
    """
    clips = read_video_clips(folder, image_size)
    return leave_out(clips, TEST if TEST in clips.group_names else _PARTS[1])


def read_video_clips(folder: Path, image_size: tuple[int, int] | None) -> Clips:
    """Return all windows of a folder's videos; the groups are what `read_videos` splits.

    Raises:
        ValueError: if there is no class, a class is empty, a file is a still picture, broken
            or nothing that can be decoded here, sizes differ, no class has two videos, or a
            test class is not among the training classes.
    """
    homes = _homes(folder)
    parts = [_classes(home) for home in homes]
    for home, part in zip(homes, parts, strict=True):
        empty = [name for name, paths in part.items() if not paths]
        if empty or not part:
            missing = f"class folder {', '.join(empty)}" if empty else "it"
            known = " ".join(ANIMATED + FILMS.suffixes)
            raise ValueError(
                f"{home}: no videos in {missing}; add some ({known}) or remove the folder"
            )
    names = tuple(parts[0])
    unknown = [name for name in parts[-1] if name not in names]
    if unknown:
        raise ValueError(f"{folder / 'test'}: class {', '.join(unknown)} has no folder in train")
    paths, labels, groups = list[Path](), list[int](), list[int]()
    for place, part in enumerate(parts):
        for name, files in part.items():
            paths += files
            labels += [names.index(name)] * len(files)
            groups += [place if len(homes) > 1 else i % len(_PARTS) for i in range(len(files))]
    if not any(groups):
        raise ValueError(f"{folder}: no class has two videos, so nothing is left to test on")
    parts_of = (TRAIN, TEST) if len(homes) > 1 else _PARTS[: max(groups) + 1]
    videos, rates, held = list[np.ndarray](), list[float](), 0
    for path in paths:
        frames, rate = read_video(path)
        if image_size is not None:
            frames = stack(list(frames), (), image_size)
        videos.append(frames)
        rates.append(rate)
        held += frames.nbytes * WINDOW // STRIDE
        if held > _MOST_BYTES:
            raise ValueError(
                f"{folder}: its windows take more than {_MOST_BYTES // 10**9} GB of memory; give "
                "a smaller size with --image-size HEIGHT WIDTH, or fewer videos"
            )
    stack([frames[0, :, :, :1] for frames in videos], [str(path) for path in paths], None)
    if len({frames.shape[3] for frames in videos}) > 1:
        videos = [np.broadcast_to(frames, (*frames.shape[:3], 3)) for frames in videos]
    window = min(WINDOW, *(len(frames) for frames in videos))
    with blame(folder):
        rate = float(np.median(rates))
        return gather(videos, labels, groups, names, parts_of, rate, window)


def read_video(path: Path) -> tuple[UInt8[np.ndarray, "t h w c"], float]:
    """Decode a video: its frames, grey with one channel, and how many there are a second.

    Raises:
        ValueError: if it is a still picture, broken, or nothing that can be decoded here.
    """
    filmed = FILMS.has(path.name)
    try:
        frames, rate = _decode_film(path) if filmed else _decode_animation(path)
    except ImportError as error:
        raise ValueError(
            f"{path}: films of this kind are decoded by PyAV, which is not installed; "
            'pip install "fooljax[video]", or save it as a GIF, an animated PNG or WebP'
        ) from error
    except Exception as error:  # decoders raise what they like
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"{path}: broken, it cannot be read as a video ({reason}); replace or remove it"
        ) from error
    if len(frames) < 2:
        raise ValueError(f"{path}: one frame only, a still picture among videos; remove it")
    whole = np.stack(frames)
    if np.all(whole == whole[..., :1]):
        whole = whole[..., :1]
    return whole, rate


def _decode_animation(path: Path) -> tuple[list[np.ndarray], float]:
    from PIL import Image, ImageSequence

    with Image.open(path, formats=("GIF", "PNG", "WEBP")) as file:
        frames, waits = [], list[float]()
        for frame in ImageSequence.Iterator(file):
            frames.append(np.asarray(frame.convert("RGBA").convert("RGB")))
            waits.append(float(frame.info.get("duration", 0.0)))
    wait = float(np.mean(waits))
    return frames, 1000.0 / wait if wait > 0.0 else _RATE


def _decode_film(path: Path) -> tuple[list[np.ndarray], float]:
    import av  # not installed with fooljax

    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        rate = float(stream.average_rate or _RATE)
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)], rate


def _is_animated(path: Path) -> bool:
    from PIL import Image

    if not path.is_file():  # to open a pipe would wait for a writer
        return False
    try:
        with Image.open(path) as file:
            return bool(getattr(file, "is_animated", False))
    except Exception:  # it is named when it is read
        return False


def _homes(folder: Path) -> list[Path]:
    """Return the folders for training and testing, or the one for both."""
    halves = [folder / "train", folder / "test"]
    return halves if all(half.is_dir() for half in halves) else [folder]


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Return the videos and pictures in each class folder."""
    homes = [folder / name for name in visible(folder) if (folder / name).is_dir()]
    return {
        home.name: [home / name for name in visible(home) if PICTURES.has(name) or FILMS.has(name)]
        for home in homes
    }
