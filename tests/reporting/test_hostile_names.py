"""Names of classes, networks and files are text on every page, also without the page's policy.

A page with hostile names has the same elements and attributes as one with harmless names,
and in a browser nothing in it runs.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from fooljax import reporting, study
from fooljax.evolution.lineage import family_tree
from fooljax.study import RunFlags, Victim
from fooljax.types import Classifier

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
RUN = "document.documentElement.dataset.ran=1"
HOSTILE = (
    f"<script>{RUN}</script>",
    f"</script></style></title><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"\"><svg onload='{RUN}'>",
    f"' onmouseover='{RUN}' autofocus onfocus='{RUN}",
    f"javascript:{RUN}",
    f"--><iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"&lt;script&gt;{RUN}\\u003cscript>\N{LINE SEPARATOR}\0]]>",
)
HARMLESS = tuple(f"name {i}" for i in range(len(HOSTILE)))
K = len(HOSTILE)


class Structure(HTMLParser):
    """Collects elements with the names of their attributes, and where they lead."""

    def __init__(self):
        super().__init__()
        self.elements, self.targets = [], []

    def handle_starttag(self, tag, attributes):
        written = [one for one in attributes if one != ("class", "words")]  # by length, our own
        self.elements.append((tag, *(name for name, _ in written)))
        self.targets += [value for name, value in attributes if name in ("href", "src", "srcdoc")]


@dataclass(frozen=True)
class Config:
    victim: Victim = field(default_factory=Victim)
    run: RunFlags = field(default_factory=RunFlags)
    text: str = ""


def report(folder, names):
    """What every experiment writes; names are those of networks, classes and flags."""
    classifier = Classifier((), lambda params, images: images, (4, 4, 1), K)
    network = study.Prepared(classifier, names, 0.9, names[0])
    config = Config(Victim(dataset=names[1], model=names[2]), RunFlags(out=names[3]), names[4])
    figure = lambda path: Image.new("L", (4, 4)).save(path)
    table = study.summarize([{"name": name, "repeat": 0, "share": 0.5} for name in names],
                            ["name"], ["share"])  # fmt: skip
    blocks = [
        study.Opening(names[5], names[6], [(names[7], names[0])]),
        names[1],
        study.Heading(names[2]),
        study.Figure("picture", figure, f"{names[3]}. {names[4]}"),
        study.Folded(names[5], [study.numbers(table, {"name": names[6]}, {"share": names[7]})]),
    ]
    run = study.Run("experiments.evolve", config, folder)
    papers = {"1412.1897": names[0]}
    nothing = study.Results((({}, {"seconds": np.zeros(())}),))
    study.publish(run, blocks, {names[1]: network}, nothing, [{"name": names[2]}], papers)
    return folder / "report.html"


def gallery(folder, names):
    images = np.zeros((K, 4, 4, 1), np.uint8)
    parent, taken = np.full((1, K), -1), np.ones((1, K), bool)
    tree = family_tree(parent, taken)
    sure = np.full(K, 0.5)
    path = folder / "gallery.html"
    return reporting.niche_page(
        path, images, sure, names, tree, sure, {0: images}, title=names[0], lead=names[1]
    )


def blocks(folder, names):
    """What pages consist of."""
    picture = folder / "picture.png"
    Image.new("L", (4, 4)).save(picture)
    block = reporting.section(
        names[0],
        names[1],
        reporting.paragraph(names[2], reporting.strong(names[3])),
        reporting.tiles((names[4], names[5])),
        reporting.table(names, [names, names[::-1]], names[6], sortable=True),
        reporting.figure(picture, names[4], names[2]),
        reporting.details(names[7], reporting.code(names[1])),
    )
    return reporting.page(folder / "page.html", names[1], block, lead=names[2])


PAGES = {page.__name__: page for page in (report, gallery, blocks)}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_names_change_no_element(page, tmp_path):
    found = []
    for names in (HOSTILE, HARMLESS):
        structure = Structure()
        structure.feed(page(tmp_path, names).read_text(encoding="utf-8"))
        found.append(structure)
    assert found[0].elements == found[1].elements
    assert not [place for place in found[0].targets if "script" in place.split(",")[0].lower()]
    assert not any(name.startswith("on") for _, *names in found[0].elements for name in names)


@pytest.mark.parametrize("url", HOSTILE)
def test_links_lead_to_pages_only(url):
    with pytest.raises(ValueError, match="url must start with https"):
        reporting.link("x", url)


def shown(path, folder, state=""):
    """The page after its scripts ran, without the policy that forbids all others."""
    text = path.read_text(encoding="utf-8")
    bare = path.with_name(f"bare-{path.name}")
    policy = r"<meta http-equiv.*?>"
    bare.write_text(re.sub(policy, "", text, count=1, flags=re.DOTALL), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-sync", "--dump-dom"]
    command += ["--virtual-time-budget=500", f"--user-data-dir={folder / 'profile'}"]
    command += [f"file://{bare}{state}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(
    ("page", "state"),
    [
        ("report", ""),
        ("gallery", ""),
        ("gallery", "#niche=2"),
        ("gallery", f"#q=<img src=x onerror={RUN}>&sort=javascript:{RUN}&niche=4"),
        ("blocks", ""),
    ],
)
def test_nothing_runs_in_a_browser(page, state, tmp_path):
    control = tmp_path / "control.html"
    control.write_text(f"<html><body>{HOSTILE[2]}{HOSTILE[0]}</body></html>")
    assert "data-ran" in shown(control, tmp_path)
    dom = shown(PAGES[page](tmp_path, HOSTILE), tmp_path, state)
    assert "</html>" in dom and "data-ran" not in dom
