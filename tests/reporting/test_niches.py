"""The page of all niches: its files by numpy, its behavior in a real browser."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from fooljax import reporting
from fooljax.evolution.lineage import family_tree

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
in_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
EVIL = "</script><b onclick='x'>sea dog"
NAMES = ["hot dog", "cat", EVIL, "Dog, toy", "empty"]
SURE = [0.5, 0.99992, 0.7, 0.25, 0.0]
# The champion of "hot dog" (born in 4) descends from "cat" (3), that from "sea dog" (1), a random
# image (0) before it; "Dog, toy" stayed as it was born in 2; nothing ever entered the last niche.
PARENT = np.full((6, 5), -1)
TAKEN = np.zeros((6, 5), bool)
for g, niche, mother in [(0, 0, -1), (0, 1, -1), (1, 2, 0), (2, 3, 1), (3, 1, 2), (4, 0, 1)]:
    PARENT[g, niche], TAKEN[g, niche] = mother, True


@pytest.fixture(scope="module")
def pictures():
    random = np.random.default_rng(0)
    draw = lambda: random.integers(0, 256, (5, 6, 4, 3)).astype(np.uint8)
    return draw(), {0: draw(), 1: draw(), 5: draw()}


@pytest.fixture(scope="module")
def page(tmp_path_factory, pictures):
    images, snapshots = pictures
    tree = family_tree(PARENT, TAKEN)
    early = 0.1 + 0.1 * tree.generation
    path = tmp_path_factory.mktemp("page") / "gallery.html"
    return reporting.niche_page(path, images, SURE, NAMES, tree, early, snapshots, title=EVIL)


@pytest.fixture
def shown(page, tmp_path):
    def show(state="", script=""):
        """The page's content once its scripts and then ``script`` ran."""
        path = page
        if script:
            path = page.with_name("changed.html")
            text = re.sub(r"<meta http-equiv.*?>", "", page.read_text("utf-8"), flags=re.DOTALL)
            path.write_text(text.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += ["--disable-background-networking", "--disable-sync", "--dump-dom"]
        command += ["--virtual-time-budget=500"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", f"file://{path}{state}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    return show


def listed(dom):
    return [int(niche) for niche in re.findall(r'data-niche="(\d+)"', dom)]


def texts(dom, start, end):
    part = dom[dom.index(start) :]
    return html.unescape(re.sub(r"<[^>]*>", "|", part[: part.index(end)])).replace("||", "|")


def test_every_picture_lies_beside_the_page(page, pictures):
    images, snapshots = pictures
    folder = page.with_name("niches")
    for niche, image in enumerate(images):
        with Image.open(folder / f"{niche:04d}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), image)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text("utf-8")).group(1))
    nodes = data["nodes"]
    sheets = [np.asarray(Image.open(page.parent / sheet["file"])) for sheet in data["sheets"]]
    for node, (born, niche) in enumerate(zip(nodes["generation"], nodes["niche"], strict=True)):
        sheet, place = nodes["sheet"][node], nodes["place"][node]
        if sheet < 0:
            continue
        row, column = divmod(place, data["sheets"][sheet]["columns"])
        around = sheets[sheet][8 * row : 8 * row + 8, 6 * column : 6 * column + 6]
        cell = around[1:-1, 1:-1]  # the neighbor must not be seen at its edges
        np.testing.assert_array_equal(around, np.pad(cell, ((1, 1), (1, 1), (0, 0)), "edge"))
        champion = data["champion"][niche] == node
        expected = images[niche] if champion else snapshots[0 if born == 0 else 1][niche]
        np.testing.assert_array_equal(cell, expected)
    missing = [n for n, sheet in enumerate(nodes["sheet"]) if sheet < 0]
    assert [(nodes["generation"][n], nodes["niche"][n]) for n in missing] == []
    assert data["champion"][4] == -1


def test_names_cannot_become_markup_or_end_the_data(page):
    text = page.read_text("utf-8")
    assert "<b onclick" not in text
    assert text.count("<script") == 2 and "default-src 'none'" in text
    assert json.loads(re.search(r'id="data">(.*?)</script>', text).group(1))["names"] == NAMES


@in_browser
@pytest.mark.parametrize(
    ("state", "order"),
    [
        ("#q=dog%20TOY", [3]),
        ("#sort=confidence", [1, 2, 0, 3, 4]),
        ("#sort=confidence&reverse=1&q=dog", [3, 0, 2]),
        ("#sort=name", [2, 1, 3, 4, 0]),
        ("#sort=born", [4, 2, 3, 1, 0]),
        ("#sort=nonsense&niche=99", [0, 1, 2, 3, 4]),
    ],
)
def test_address_narrows_and_sorts(shown, state, order):
    dom = shown(state)
    assert listed(dom) == order
    assert f"{len(order)} of 5 classes" in dom
    assert '<dialog id="detail" aria-labelledby="name">' in dom  # closed


@in_browser
def test_typing_and_choosing_do_the_same(shown):
    script = """
    search.value = "dog"; search.dispatchEvent(new Event("input"));
    sort.value = "confidence"; sort.dispatchEvent(new Event("change"));
    reverse.click(); document.title = location.hash;"""
    dom = shown(script=script)
    assert listed(dom) == [3, 0, 2]
    assert "<title>#q=dog&amp;sort=confidence&amp;reverse=1</title>" in dom


@in_browser
def test_click_opens_the_lineage(shown):
    script = (
        """document.querySelector("[data-niche='0']").click(); document.title = location.hash;"""
    )
    for dom in (shown(script=script), shown("#niche=0")):
        assert re.search(r"<dialog[^>]* open", dom)
        line = texts(dom, 'id="line"', "</ol>")
        steps = [("hot dog", 10, 0), (EVIL, 20, 1), ("cat", 40, 3), ("hot dog", 50, 4)]
        places = [line.find(f"{n}|{p} %|generation {g}") for n, p, g in steps]
        assert places == sorted(places) and places[0] > 0
        assert "Made in generation 4; 3 ancestors, which held 2 other classes." in dom
        image = re.search(r'<img id="large"[^>]*>', dom).group()
        assert 'src="niches/0000.png"' in image
        assert 'alt="The image evolved for hot dog, confidence 50 %"' in image
        assert dom.count("<tr>") == 1 + len(steps)


@in_browser
def test_keys_move_on_and_closing_leaves_the_list(shown):
    press = 'dialog.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));'
    dom = shown("#q=dog&sort=confidence&niche=2", f"{press} document.title = location.hash;")
    assert "<title>#q=dog&amp;sort=confidence&amp;niche=0</title>" in dom
    # The browser itself sends "close" after Escape, with a frame that a busy machine draws late.
    script = """
    const seen = []; find("close").click(); seen.push(location.hash);
    tiles[0].firstChild.click(); seen.push(location.hash);
    dialog.close(); dialog.dispatchEvent(new Event("close")); seen.push(location.hash);
    document.title = seen.join(" ");"""
    dom = shown("#q=dog&niche=2", script)
    assert "<title>#q=dog #q=dog&amp;niche=0 #q=dog</title>" in dom
    assert not re.search(r"<dialog[^>]* open", dom)


@in_browser
def test_a_class_without_an_image_says_so(shown):
    dom = shown("#niche=4")
    assert "The search found no image for it." in dom
    assert 'alt="No image for empty"' in dom and "no image</span>" in dom


def test_large_pictures_become_thumbnails_on_the_sheet(tmp_path):
    images = np.zeros((3, 96, 128, 1))
    tree = family_tree(PARENT[:1, :3], TAKEN[:1, :3])
    path = reporting.niche_page(
        tmp_path / "g.html", images, SURE[:3], NAMES[:3], tree, np.ones(2), {}
    )
    data = json.loads(re.search(r'id="data">(.*?)</script>', path.read_text("utf-8")).group(1))
    (sheet,) = data["sheets"]
    assert (sheet["width"], sheet["height"]) == (64, 48)
    assert sheet["columns"] * sheet["rows"] >= 3
    with Image.open(tmp_path / "niches" / "0002.png") as picture:
        assert picture.size == (128, 96)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((4, 6, 4, 3))}, "confidences must have 4"),
        ({"images": np.full((5, 6, 4, 3), np.nan)}, "images.*NaN"),
        ({"class_names": ["a"]}, "class_names must have 5"),
        ({"tree_confidences": [0.5]}, "tree_confidences must have 6"),
    ],
)
def test_refuses_what_would_mislead(tmp_path, pictures, changes, message):
    images, snapshots = pictures
    arguments = {
        "images": images,
        "confidences": SURE,
        "class_names": NAMES,
        "tree": family_tree(PARENT, TAKEN),
        "tree_confidences": np.ones(6),
        "snapshots": snapshots,
    }
    with pytest.raises(ValueError, match=message):
        reporting.niche_page(tmp_path / "g.html", **(arguments | changes))
    assert not list(tmp_path.iterdir())
