"""Tables that a reader sorts, in a real browser where there is one."""

import base64
import hashlib
import re
import shutil
import subprocess

import pytest

from fooljax import reporting

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
ROWS = [
    ("b", "10 %", "x"),
    ("a", "\N{MINUS SIGN}2", "\N{EN DASH}"),
    ("c", "1,000", "y"),
    ("d", "n/a", "(z)"),
]
BOUNDS = [("a", ">99.99999 %"), ("b", "99 %"), ("c", "<0.00001 %"), ("d", "0.1 %")]


def make(tmp_path, sortable=True, rows=ROWS):
    table = reporting.table(("Name", "Value", "Other")[: len(rows[0])], rows, sortable=sortable)
    return reporting.page(tmp_path / "page.html", "Title", table)


def shown(path, tmp_path):
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-sync", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"file://{path}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def first_column(html):
    return re.findall(r'<th scope="row">(.*?)</th>', html)


def test_only_pages_with_a_sortable_table_may_run_a_script_and_only_this_one(tmp_path):
    html = make(tmp_path).read_text(encoding="utf-8")
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        re.search(r"default-src 'none'.*?script-src '(.*?)'", html, re.DOTALL).group(1)
        == f"sha256-{digest}"
    )
    assert "script" not in make(tmp_path, sortable=False).read_text(encoding="utf-8")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_the_script_runs_under_the_page_s_own_policy(tmp_path):
    assert shown(make(tmp_path), tmp_path).count("<button>") == 3


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(
    ("clicks", "order"),
    [
        ([0], ["a", "b", "c", "d"]),
        ([1], ["a", "b", "c", "d"]),
        ([1, 1], ["c", "b", "a", "d"]),
        ([2, 2], ["c", "b", "a", "d"]),  # what is no answer comes last, in its old order
    ],
    ids=str,
)
def test_sorts_by_number_and_by_text(tmp_path, clicks, order):
    assert sort(make(tmp_path), tmp_path, clicks) == order


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_more_and_less_than_a_number_are_sorted_by_it(tmp_path):
    """Not put last, as what is no number: >99.99999 % is the surest."""
    assert sort(make(tmp_path, rows=BOUNDS), tmp_path, [1]) == ["c", "d", "b", "a"]


def sort(path, tmp_path, clicks):
    html = path.read_text(encoding="utf-8")
    html = re.sub(r"<meta http-equiv.*?>", "", html, flags=re.DOTALL)
    click = "".join(f'document.querySelectorAll("th button")[{i}].click();' for i in clicks)
    path.write_text(html.replace("</body>", f"<script>{click}</script></body>"), encoding="utf-8")
    return first_column(shown(path, tmp_path))
