"""Windows of videos: digits that move, filmed people, folders of the user's own."""

import importlib.util

import numpy as np
import pytest
from PIL import Image

from fooljax.data import cut, leave_out, load, load_clips
from fooljax.data.moving_digits import STEPS
from fooljax.data.video_files import are_videos, read_video
from fooljax.data.weizmann import _crop
from fooljax.media import Videos


def movie(count, size=(9, 8), seed=0, color=True):
    """Frames that all differ, so that no encoder leaves one out."""
    shape = (count, *size, 3) if color else (count, *size)
    return np.random.default_rng(seed).integers(0, 2, shape, np.uint8) * 255


def write(path, frames, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = map(Image.fromarray, frames)
    more = {"save_all": True, "append_images": rest, "duration": 50, "loop": 0} if rest else {}
    first.save(path, **more, **options)


def test_windows_overlap_and_end_in_time():
    frames = np.arange(25, dtype=np.uint8).reshape(25, 1, 1, 1)
    windows = cut(frames, 16, 4)
    np.testing.assert_array_equal(windows[:, 0, 0, 0, 0], [0, 4, 8])
    np.testing.assert_array_equal(windows[:, -1, 0, 0, 0], [15, 19, 23])
    with pytest.raises(ValueError, match="25 frames are fewer than the 26 of a window"):
        cut(frames, 26)


def test_digits_move_as_their_class_says():
    """Every frame is the one before, rolled by the class's step, once or twice."""
    clips = load_clips("moving_digits")
    assert clips.windows.shape == (1797, 16, 32, 32, 1)
    for video, label in list(zip(clips.windows, clips.labels, strict=True))[::45]:
        step = np.array(list(STEPS.values())[label])
        speed = next(
            speed
            for speed in (1, 2)
            if np.array_equal(np.roll(video[0], speed * step, (0, 1)), video[1])
        )
        for i in range(1, 16):
            rolled = np.roll(video[0], i * speed * step, (0, 1))
            np.testing.assert_array_equal(rolled, video[i])


def test_nothing_but_motion_tells_the_direction_of_a_digit():
    """Reversed, a video of a class is one of the opposite class that could have been drawn."""
    names, steps = list(STEPS), np.array(list(STEPS.values()))
    for name, opposite in (("right", "left"), ("up left", "down right"), ("down", "up")):
        np.testing.assert_array_equal(steps[names.index(name)], -steps[names.index(opposite)])
    clips = load_clips("moving_digits")
    counts = np.bincount(clips.labels)
    assert counts.max() - counts.min() <= 1
    brightness = clips.windows[:, 0].reshape(len(clips.labels), -1).astype(np.float64)
    means = np.stack([brightness[clips.labels == k].mean(axis=0) for k in range(8)])
    scatter = brightness.std(axis=0) / np.sqrt(counts.min())
    away = np.abs(means - brightness.mean(axis=0)) / scatter
    assert (away**2).mean() == pytest.approx(7 / 8, rel=0.15)  # as chance has it


def test_what_is_left_out_is_not_learned():
    clips = load_clips("moving_digits")
    train, test = leave_out(clips, clips.folds[2])
    assert train.medium == Videos(12.0) and len(train.labels) + len(test.labels) == 1797
    known = {video.tobytes() for video in np.asarray(train.images)}
    assert not any(video.tobytes() in known for video in np.asarray(test.images))
    with pytest.raises(ValueError, match=r"nobody is called 'bob' here; leave out one of fifth 1"):
        leave_out(clips, "bob")


def test_a_person_is_cut_out_and_made_smaller():
    frame = np.zeros((144, 180), np.uint8)
    frame[30:60, 3:18] = 1  # near the edge: beyond it there is nothing
    small = _crop(frame)[..., 0]
    assert small.sum() == 255 * 30 * 15 / 9
    rows, columns = np.nonzero(small)
    assert rows.mean() == pytest.approx(15.5, abs=0.5) and columns.mean() == pytest.approx(
        15.5, abs=0.5
    )
    assert not _crop(np.zeros((144, 180), np.uint8)).any()


def test_weizmann_leaves_a_person_out(data_dir):
    clips = load_clips("weizmann", data_dir)
    assert clips.windows.shape == (1109, 16, 32, 32, 1) and len(np.unique(clips.sequences)) == 93
    counts = [142, 112, 119, 87, 173, 160, 88, 114, 114]
    np.testing.assert_array_equal(np.bincount(clips.groups), counts)
    train, test = load("weizmann:denis", data_dir)
    assert test.images.shape == (112, 16, 32, 32, 1) and len(train.labels) == 997
    assert train.class_names[:3] == ("bend", "jack", "jump") and train.medium == Videos(
        25.0, binary=True
    )
    np.testing.assert_array_equal(
        load("weizmann", data_dir).test.images, clips.windows[clips.groups == 0]
    )


def test_weizmann_says_where_it_is_looked_for(tmp_path):
    with pytest.raises(OSError, match=r"weizmann is not downloaded for you; .* put weizmann_sil"):
        load_clips("weizmann", str(tmp_path))


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "apng"])
def test_a_video_is_read_as_it_was_written(suffix, tmp_path):
    """Black and white survives every one of these formats exactly."""
    frames = movie(5, color=False)
    options = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"a.{suffix}"
    write(path, frames, format="PNG" if suffix == "apng" else None, **options)
    found, rate = read_video(path)
    np.testing.assert_array_equal(found, frames[..., None])
    assert rate == pytest.approx(20.0)


def test_a_folder_of_videos_is_a_data_set(tmp_path):
    for name in ("left", "right"):
        for i in range(6):
            write(tmp_path / name / f"{i}.gif", movie(20 if i else 18, seed=i))
    (tmp_path / "left" / "notes.txt").write_text("no video")
    train, test = load(str(tmp_path))
    assert train.images.shape == (2 * (1 + 2 * 4), 16, 9, 8, 3)  # 18 frames are one window, 20 two
    assert test.images.shape == (2 * 2, 16, 9, 8, 3)
    np.testing.assert_array_equal(test.images[0], movie(20, seed=1)[:16])
    assert train.class_names == ("left", "right") and train.medium == Videos(20.0)
    assert load(str(tmp_path), image_size=(4, 6)).train.input_shape == (16, 4, 6, 3)
    clips = load_clips(str(tmp_path))
    assert clips.folds == tuple(f"fifth {i}" for i in range(1, 6))


def test_short_videos_make_short_windows_and_halves_are_kept(tmp_path):
    for half, seed in (("train", 1), ("test", 2)):
        for name in ("a", "b"):
            write(tmp_path / half / name / "1.png", movie(4 + seed, seed=seed, color=False))
    train, test = load(str(tmp_path))
    assert train.images.shape == (2, 5, 9, 8, 1) and test.images.shape == (2, 5, 9, 8, 1)
    assert load_clips(str(tmp_path)).folds == ("test",)


def still(folder):
    write(folder / "a" / "5.png", movie(1))


def size(folder):
    write(folder / "b" / "5.gif", movie(4, (7, 8)))


def empty(folder):
    (folder / "c").mkdir()


def broken(folder):
    (folder / "a" / "6.gif").write_bytes((folder / "a" / "0.gif").read_bytes()[:100])


def single(folder):
    write(folder / "a" / "7.gif", movie(1))


def film(folder):
    (folder / "a" / "8.mp4").write_bytes(b"nothing that was filmed")


def half(folder):
    for name in ("train", "test"):
        write(folder / name / name / "0.gif", movie(4))


BAD = {
    still: r"5.png: one frame only, a still picture among videos; remove it",
    single: r"7.gif: one frame only, a still picture among videos; remove it",
    size: r"5.gif: is 7x8 pixels while most are 9x8; give one size with --image-size",
    empty: r"no videos in class folder c; add some .* or remove the folder",
    broken: r"6.gif: broken, it cannot be read as a video .*; replace or remove it",
    film: r"8.mp4: (films of this kind are decoded by PyAV, which is not inst|broken, it cannot)",
    half: r"test: class test has no folder in train",
}


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_bad_folders_get_one_sentence(spoil, tmp_path):
    for name in ("a", "b"):
        for i in range(3):
            write(tmp_path / name / f"{i}.gif", movie(4, seed=i))
    spoil(tmp_path)
    with pytest.raises(ValueError, match=BAD[spoil]) as caught:
        load(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_one_video_of_each_class_leaves_nothing_to_test_on(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name / "0.gif", movie(4))
    with pytest.raises(ValueError, match="no class has two videos, so nothing is left to test on"):
        load(str(tmp_path))


def test_few_videos_among_pictures_are_pictures(tmp_path):
    for i in range(4):
        write(tmp_path / "a" / f"{i}.png", movie(1, seed=i))
    write(tmp_path / "a" / "5.gif", movie(3))
    assert not are_videos(tmp_path)
    with pytest.raises(ValueError, match="give moving_digits, weizmann, or a folder of class"):
        load_clips(str(tmp_path))


@pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV is not installed")
def test_films_are_read(tmp_path):
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for grey in (0, 120, 240):
            frame = av.VideoFrame.from_ndarray(np.full((16, 32, 3), grey, np.uint8), "rgb24")
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    found, rate = read_video(tmp_path / "a.mp4")
    assert rate == 10.0 and found.shape[:3] == (3, 16, 32)
    np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), [0, 120, 240], atol=4)
