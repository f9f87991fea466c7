"""The launch files say what the programs they start understand."""

import importlib
import re
import shlex
import string
import subprocess
from pathlib import Path

import pytest
import yaml

from experiments import evolve
from experiments.evolve import measure
from fooljax.models import PUBLISHED
from fooljax.runtime import command, hosts
from fooljax.study.victim import is_published

ROOT = Path(__file__).parent.parent
LAUNCH = ROOT / "launch"
SCALE = (ROOT / "docs" / "scale.md").read_text()
TEXTS = {path.name: path.read_text() for path in LAUNCH.iterdir()} | {"scale.md": SCALE}
VARIABLES = {  # what the launchers set
    "first": "10.0.0.1",
    "SKYPILOT_NUM_NODES": "2",
    "SKYPILOT_NODE_RANK": "1",
    "PROCESSES": "2",
    "JOB_COMPLETION_INDEX": "1",
}


def commands(text):
    """The experiments that a text starts, each as its module and flags."""
    joined = re.sub(r"\\\n[ #]*", "", text)
    for module, flags in re.findall(r"python -m (experiments\.\w+)([^\n`]*)", joined):
        words = string.Template(flags).substitute(VARIABLES)
        yield module, shlex.split(words, comments=True)


COMMANDS = [(name, *found) for name, text in TEXTS.items() for found in commands(text)]


def documents(name):
    return list(yaml.safe_load_all(TEXTS[name]))


def scripts():
    """Everything that a shell reads."""
    for name in TEXTS:
        if name.endswith(".sh"):
            yield name, TEXTS[name]
    for name in ("gpu.yaml", "hosts.yaml", "tpu.yaml"):
        (task,) = documents(name)
        yield from ((f"{name} {part}", task[part]) for part in ("setup", "run"))
    yield "jobset.yaml", container()["args"][0]


def job():
    return documents("jobset.yaml")[1]["spec"]["replicatedJobs"][0]["template"]["spec"]


def container():
    return job()["template"]["spec"]["containers"][0]


@pytest.mark.parametrize(("name", "module", "flags"), COMMANDS)
def test_every_flag_is_understood(name, module, flags):
    experiment = importlib.import_module(module)
    config = command.parse(experiment.PRESETS, args=flags, prog=module, description="")
    if experiment is evolve:
        hosts.check(config.hosts)
        measure.check(config)
        if is_published(config.victim) and config.victim.weights is None:
            assert PUBLISHED[config.victim.model].file, "weights that nobody can fetch"


def test_every_launcher_starts_something():
    assert {name for name, _, _ in COMMANDS} == set(TEXTS) - {"Dockerfile", "mount.sh"}


@pytest.mark.parametrize(("name", "script"), list(scripts()))
def test_shells_can_read_it(name, script):
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_files_that_are_named_exist():
    for text in TEXTS.values():
        for path in re.findall(r"\blaunch/[\w.]+\w", text):
            assert (ROOT / path).is_file()


def test_the_pods_agree_on_their_number():
    (processes,) = (entry["value"] for entry in container()["env"] if entry["name"] == "PROCESSES")
    assert job()["completions"] == job()["parallelism"] == int(processes)
    claim, jobs = documents("jobset.yaml")
    (name,) = {entry["name"] for entry in jobs["spec"]["replicatedJobs"]}
    place = f"--coordinator {jobs['metadata']['name']}-{name}-0-0.{jobs['metadata']['name']}:"
    assert place in container()["args"][0]
    volumes = job()["template"]["spec"]["volumes"]
    assert volumes[0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_one_command_starts_and_goes_on(tmp_path):
    folder = tmp_path / "the run"

    def words():
        script = ["bash", str(LAUNCH / "run.sh"), str(folder), "printf", "%s|", "--seed", "1"]
        return subprocess.run(script, capture_output=True, text=True, check=True).stdout

    assert words() == f"--seed|1|--out|{folder}|"
    folder.mkdir()
    assert words() == f"--seed|1|--out|{folder}|"
    (folder / "config.json").touch()
    assert words() == f"--seed|1|--resume|{folder}|"
