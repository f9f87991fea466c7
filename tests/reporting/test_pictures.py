"""Pictures are read back from disk and compared with what went in."""

import time

import numpy as np
import pytest
from PIL import Image

from fooljax.reporting import curves, gallery, grid, heatmap, lineage
from fooljax.reporting.charts import _odds, _odds_ticks
from fooljax.reporting.drawing import font, wrap, write
from fooljax.reporting.galleries import _caption
from fooljax.reporting.wording import certainty

ODD_NAMES = [
    "お",
    "猫 cat",
    "🦄",
    "$x_1^{$",
    "a\nb",
    "",
    "<script>",
    "\u202eevil",
    "Zürich",
    "\\frac",
]


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def contains(picture, cell):
    """Whether ``cell`` [h, w, 3] lies in ``picture``, pixel for pixel."""
    h, w, _ = cell.shape
    corners = np.argwhere((picture[: 1 - h or None, : 1 - w or None] == cell[0, 0]).all(-1))
    return any(np.array_equal(picture[y : y + h, x : x + w], cell) for y, x in corners)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((2, 3, 12, 12, 3), dtype=np.float32)


def test_gallery_shows_every_pixel_as_it_is(tmp_path, images):
    path = gallery(tmp_path / "g.png", images, np.full((2, 3), 0.5), ["a", "b", "c"])
    picture = read(path)
    pixels = np.rint(images * 255).astype(np.uint8)
    for cell in pixels.reshape(-1, 12, 12, 3):
        assert contains(picture, np.kron(cell, np.ones((12, 12, 1), np.uint8)))  # 144 / 12
    assert not contains(picture, np.kron(255 - pixels[0, 0], np.ones((12, 12, 1), np.uint8)))
    assert [entry.name for entry in tmp_path.iterdir()] == ["g.png"]


def test_gallery_of_gray_images_is_gray(tmp_path):
    image = np.linspace(0, 1, 9, dtype=np.float32).reshape(1, 1, 3, 3, 1)
    picture = read(gallery(tmp_path / "g.png", image, [[0.9]], ["a"]))
    expected = np.kron(np.rint(image[0, 0] * 255), np.ones((48, 48, 3))).astype(np.uint8)
    assert contains(picture, expected)


def test_gallery_wraps_and_limits(tmp_path, images):
    many = np.repeat(images[:1, :1], 1000, axis=1)
    confidence = np.linspace(0, 1, 1000)[None]
    names = [f"class number {i}" for i in range(1000)]
    start = time.perf_counter()
    path = gallery(tmp_path / "g.png", many, confidence, names)
    assert time.perf_counter() - start < 20
    assert path.stat().st_size < 2_000_000
    assert max(read(path).shape) < 3000
    wide = read(gallery(tmp_path / "w.png", many[:, :6], confidence[:, :6], names[:6]))
    tall = read(gallery(tmp_path / "t.png", many[:, :6], confidence[:, :6], names[:6], columns=2))
    assert wide.shape[1] > 2 * tall.shape[1] and tall.shape[0] > 2 * wide.shape[0]


def test_gallery_takes_classes_from_surest_to_least_sure(tmp_path):
    shades = np.linspace(0.1, 0.9, 9, dtype=np.float32).reshape(1, 9, 1, 1, 1)
    images = np.broadcast_to(shades, (1, 9, 4, 4, 1))
    confidence = np.array([[0.5, 0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6]])
    path = gallery(
        tmp_path / "g.png", images, confidence, list("abcdefghi"), columns=3, max_pictures=3
    )
    picture = read(path)
    for i in range(9):
        cell = np.full((144, 144, 3), np.rint(shades[0, i, 0, 0, 0] * 255), np.uint8)
        assert contains(picture, cell) == (i in (2, 0, 1))  # first, middle and last in rank


def test_grid_shows_every_pixel_as_it_is(tmp_path, images):
    captions = [["3 at 99 %", "", "-"], ["x 4", "many words " * 9, "a\nb"]]
    options = {"row_names": ["original", "お"], "scale_note": "Five times enlarged. " * 9}
    picture = read(grid(tmp_path / "g.png", images, captions, columns=2, **options))
    pixels = np.rint(images * 255).astype(np.uint8)
    for cell in pixels.reshape(-1, 12, 12, 3):
        assert contains(picture, np.kron(cell, np.ones((12, 12, 1), np.uint8)))
    assert (picture[[0, -1]] == 255).all() and (picture[:, [0, -1]] == 255).all()


def test_gallery_is_a_grid_of_confidences(tmp_path, images):
    confidences, names = np.linspace(0, 1, 6).reshape(2, 3), ["a", "great white shark", "c"]
    shown = read(gallery(tmp_path / "g.png", images, confidences, names, columns=2))
    captions = [[certainty(confidence) for confidence in row] for row in confidences]
    options = {"row_names": ["run 1", "run 2"], "column_names": names, "columns": 2}
    assert np.array_equal(read(grid(tmp_path / "g.png", images, captions, **options)), shown)


def test_grid_makes_room_for_what_is_written(tmp_path, images):
    def size(captions, **options):
        return read(grid(tmp_path / "g.png", images, [captions, [""] * 3], **options)).shape

    none, one, two = size(["", "", ""]), size(["", "a", ""]), size(["", "a\nb", ""])
    assert none[0] < one[0] < two[0] and none[1] == one[1] == two[1]
    assert size(["a", "b", "word " * 12])[0] > two[0]
    assert size(["", "", ""], column_names="abc")[0] > none[0]
    assert size(["", "", ""], row_names="ab")[1] > none[1]
    assert size(["", "", ""], scale_note="words " * 40)[1] == none[1]
    assert size(["", "", ""], columns=1)[0] > 2.9 * (none[0] - 32)


def test_captions_are_what_the_font_can_draw():
    face = font(14)
    assert _caption("7\n\N{EM DASH} 99 %", face, 144) == "7\n\N{EM DASH} 99 %"
    assert _caption("お\n\n猫 cat", face, 144) == "U+304A\n\ncat"
    assert all(
        face.getlength(line) <= 144
        for line in _caption("Donaudampfschifffahrtsgesellschaft " * 3, face, 144).split("\n")
    )


def test_lineage_shows_oldest_and_champion(tmp_path):
    images = np.random.default_rng(0).random((40, 8, 8, 1), dtype=np.float32)
    names = [f"n{i // 7}" for i in range(40)]
    path = lineage(tmp_path / "l.png", images, range(40), np.linspace(0, 1, 40), names)
    picture = read(path)
    for i in (0, 39):
        cell = np.kron(np.rint(images[i] * 255), np.ones((18, 18, 3))).astype(np.uint8)
        assert contains(picture, cell)
    short = read(lineage(tmp_path / "s.png", images[:1], [0], [0.5], ["a"]))
    assert short.shape[1] < picture.shape[1]


def test_charts_are_written_in_the_format_of_their_ending(tmp_path):
    values = np.random.default_rng(0).random((3, 6, 4))
    generations = [0, 1, 3, 10, 100, 5000]
    for ending, magic in {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}.items():
        path = curves(tmp_path / f"c.{ending}", values, generations, published={"p": [(10, 0.9)]})
        assert path.read_bytes().startswith(magic)
    heatmap(tmp_path / "h.png", values[0], generations, list("abcd"), sort=True)
    assert min(read(tmp_path / "h.png").shape[:2]) > 400


def test_heatmap_is_bright_where_confidence_is_high(tmp_path):
    values = np.array([[0.01, 0.01], [0.999, 0.01]])
    picture = read(heatmap(tmp_path / "h.png", values, [0, 1], ["up", "down"])).astype(float)
    h, w, _ = picture.shape
    upper_right, lower_right = picture[h // 4, int(0.7 * w)], picture[h // 2, int(0.7 * w)]
    assert upper_right.sum() > lower_right.sum() + 100


def test_heatmap_of_a_thousand_classes_is_small_and_fast(tmp_path):
    values = np.random.default_rng(0).random((60, 1000))
    start = time.perf_counter()
    path = heatmap(tmp_path / "h.png", values, range(60), [f"{i}" for i in range(1000)], sort=True)
    assert time.perf_counter() - start < 20
    assert path.stat().st_size < 2_000_000


@pytest.mark.parametrize("value", [0.0, 1e-30, 0.5, 1.0])
def test_flat_and_saturated_values_can_be_drawn(tmp_path, value):
    curves(tmp_path / "c.png", np.full((1, 2, 1), value), [0, 5])
    heatmap(tmp_path / "h.png", np.full((1, 2), value), [0], ["a", "b"])


def test_odds_follow_the_definition():
    p = np.array([0.001, 0.5, 0.99])
    np.testing.assert_allclose(_odds(p), np.log10(p / (1 - p)), atol=1e-12)
    assert np.isfinite(_odds([0.0, 1.0])).all()
    assert _odds_ticks(-1, 4) == pytest.approx([0.1, 0.5, 0.9, 0.99, 0.999, 0.9999])


def test_unusual_names_are_drawn_without_warnings(tmp_path):
    images = np.zeros((1, 10, 4, 4, 1))
    values = np.linspace(0, 1, 20).reshape(2, 10)
    gallery(tmp_path / "g.png", images, values[:1], ODD_NAMES, row_names=["お"])
    grid(tmp_path / "r.png", images, [ODD_NAMES], column_names=ODD_NAMES, scale_note="お")
    lineage(tmp_path / "l.png", images[0], range(10), values[0], ODD_NAMES)
    heatmap(tmp_path / "h.png", values, [0, 1], ODD_NAMES)
    curves(tmp_path / "c.png", values[None], [0, 1], published={"お $x$ _": [(1, 0.9)]})


NAN = float("nan")


@pytest.mark.parametrize(
    ("draw", "match"),
    [
        (lambda p: gallery(p, np.zeros((1, 1, 2, 2, 1)), [[NAN]], ["a"]), "confidences.*NaN"),
        (lambda p: gallery(p, np.full((1, 1, 2, 2, 1), NAN), [[0.5]], ["a"]), "images.*NaN"),
        (lambda p: gallery(p, np.zeros((1, 0, 2, 2, 1)), np.zeros((1, 0)), []), "images.*empty"),
        (lambda p: gallery(p, np.full((1, 1, 2, 2, 1), 2.0), [[0.5]], ["a"]), r"images.*\[0, 1\]"),
        (lambda p: gallery(p, np.zeros((1, 1, 2, 2, 2)), [[0.5]], ["a"]), "channels"),
        (lambda p: gallery(p, np.zeros((1, 1, 2, 2, 1)), [[0.5]], ["a", "b"]), "class_names"),
        (lambda p: gallery(p, np.zeros((1, 1, 2, 2, 1)), [[0.5, 0.5]], ["a"]), "confidences"),
        (lambda p: gallery(p, np.zeros((1, 1, 2, 2, 1)), [[0.5]], ["a"], columns=0), "columns"),
        (lambda p: grid(p, np.full((1, 1, 2, 2, 1), NAN), [["a"]]), "images.*NaN"),
        (lambda p: grid(p, np.zeros((1, 0, 2, 2, 1)), [[]]), "images.*empty"),
        (lambda p: grid(p, np.zeros((1, 1, 2, 2)), [["a"]]), "5 axes"),
        (lambda p: grid(p, np.zeros((1, 1, 2, 2, 1)), [["a"]] * 2), "captions must have 1"),
        (lambda p: grid(p, np.zeros((1, 1, 2, 2, 1)), [["a", "b"]]), r"captions\[0\] must"),
        (lambda p: grid(p, np.zeros((1, 1, 2, 2, 1)), [["a"]], row_names=[]), "row_names"),
        (lambda p: grid(p, np.zeros((1, 1, 2, 2, 1)), [["a"]], column_names="ab"), "column_names"),
        (lambda p: grid(p, np.zeros((1, 1, 2, 2, 1)), [["a"]], columns=0), "columns.*got 0"),
        (lambda p: heatmap(p, [[NAN]], [0], ["a"]), "confidences.*NaN"),
        (lambda p: heatmap(p, np.zeros((0, 1)), [], ["a"]), "confidences.*empty"),
        (lambda p: heatmap(p, [[0.5], [0.5]], [1, 0], ["a"]), "generations"),
        (lambda p: heatmap(p, [[0.5]], [0, 1], ["a"]), "generations"),
        (lambda p: curves(p, [[[NAN]]], [0]), "confidences.*NaN"),
        (lambda p: curves(p, np.zeros((0, 1, 1)), [0]), "confidences.*empty"),
        (lambda p: curves(p, [[0.5]], [0]), "3 axes"),
        (lambda p: lineage(p, np.zeros((0, 2, 2, 1)), [], [], []), "images.*empty"),
        (lambda p: lineage(p, np.zeros((1, 2, 2, 1)), [0], [NAN], ["a"]), "confidences.*NaN"),
        (lambda p: lineage(p, np.zeros((1, 2, 2, 1)), [0], [0.5], []), "niche_names"),
    ],
)
def test_refuses_what_would_mislead(tmp_path, draw, match):
    with pytest.raises(ValueError, match=match):
        draw(tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write(tmp_path / "folder", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_heatmap_marks_a_band_of_classes(tmp_path, drawn):
    values = np.full((2, 50), 0.5)
    plain = read(heatmap(tmp_path / "a.png", values, [0, 1], [str(i) for i in range(50)]))
    path = heatmap(
        tmp_path / "b.png", values, [0, 1], [str(i) for i in range(50)], band=(10, 19, "some $x$")
    )
    assert (read(path) != plain).any()
    axes = drawn[-1].axes[0]
    assert [text.get_text() for text in axes.texts] == ["some $x$ (10\N{EN DASH}19)"]
    assert {line.get_ydata()[0] for line in axes.lines} == {9.5, 19.5}
    for band, sort in (((10, 50, "x"), False), ((5, 4, "x"), False), ((1, 2, "x"), True)):
        with pytest.raises(ValueError, match="band must be a range of unsorted classes"):
            heatmap(tmp_path / "c.png", values, [0, 1], ["n"] * 50, sort=sort, band=band)


def test_of_many_generations_some_are_drawn_and_always_both_ends(tmp_path, drawn):
    values = np.linspace(0.1, 0.9, 5001)[:, None].repeat(3, axis=1)
    heatmap(tmp_path / "h.png", values, range(5001), list("abc"))
    curves(tmp_path / "c.png", values[None], range(5001))
    (mesh,) = drawn[0].axes[0].collections[:1]
    assert mesh.get_array().shape[0] == 3 and 200 < mesh.get_array().shape[1] <= 400
    x, y = drawn[1].axes[0].lines[0].get_data()
    assert 200 < len(x) <= 400 and x[0] == 0 and x[-1] == pytest.approx(np.log10(5001))
    odds = lambda p: np.log10(p / (1 - p))
    assert (y[0], y[-1]) == pytest.approx((odds(0.1), odds(0.9)))


def test_a_percent_sign_is_never_alone():
    face = font(13)
    for width in np.linspace(10, face.getlength("softmax 1: 8, 31.8 %"), 50):
        lines = wrap("softmax 1: 8, 31.8 %", face, width)
        assert "%" not in [line.strip() for line in lines]
    assert wrap("99 %, 9 %.", face, 500) == ["99 %, 9 %."]
    assert wrap("", face, 50) == [] and wrap("a  b", face, 500) == ["a b"]
