"""Pages of a single repeat speak of no interval over repeats."""

import html
import importlib
import re

import pytest

from fooljax.study import change

ONE = {
    "ask": {"network_seeds": 1},
    "foolbench": {"seeds": 1},
    "imagine": {"repeats": 1},
    "nonsense": {"network_seeds": 1},
    "parts": {"repeats": 1},
    "patch": {"repeats": 1},
    "shapes": {"repeats": 1},
    "smooth": {"networks": 1},
    "squint": {"runs": 1},
    "transfer": {"repeats": 1},
    "universal": {"repeats": 1},
    "unknown": {"network_seeds": 1},
}
SAID = re.compile(
    r"In brackets|Shaded: 95 %|intervals? over(?! images)|Intervals are|Below each \w+: its|repeat;"
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE)
def test_a_single_repeat_has_no_interval(name, tmp_path):
    experiment = importlib.import_module(f"experiments.{name}")
    config = change(experiment.PRESETS["smoke"], out=f"{tmp_path}/run", **ONE[name])
    experiment.main(config)
    page = (tmp_path / "run" / "report.html").read_text()
    text = re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert not SAID.findall(html.unescape(text))
