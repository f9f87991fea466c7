"""The project keeps its promises about itself: layers, file lengths, commands."""

import ast
import importlib
import re
from pathlib import Path

from fooljax import study
from fooljax.__main__ import QUESTIONS

ROOT = Path(__file__).parent.parent
ROWS = (
    ("types", "backend", "interrupts", "printing", "spelling"),
    ("checks",),
    ("media", "chance"),
    ("data", "models", "encodings", "metrics"),
    ("evolution", "defenses"),
    ("attacks",),
    ("training",),
    ("analysis",),
    ("runtime", "reporting"),
    ("study",),
    ("__main__",),
)
ROW_OF = {package: row for row, packages in enumerate(ROWS) for package in packages}


def imported_packages(path: Path) -> set[str]:
    """The subpackages of fooljax that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fooljax":
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.split(".")[1]
                for alias in node.names
                if alias.name.startswith("fooljax.")
            }
    return found


def test_imports_point_downwards_only():
    wrong = []
    for path in (ROOT / "fooljax").rglob("*.py"):
        own = path.relative_to(ROOT / "fooljax").parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for other in imported_packages(path) - {own}:
            if ROW_OF[other] >= ROW_OF[own]:
                wrong.append(f"{path.relative_to(ROOT)} imports {other}")
    assert not wrong


def experiments_imported(path: Path) -> set[str]:
    """The experiments that a file of an experiment imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("experiments.")}
    return found


def test_no_experiment_imports_another():
    """One file imports none, a folder itself; what is still in pieces imports its own pieces."""
    folder = ROOT / "experiments"
    files = {path.stem: path for path in folder.glob("[a-z]*.py")}
    folders = {path.parent.name: path.parent for path in folder.glob("*/__init__.py")}
    heads = [name for name in files if f"experiments.{name}" in files[name].read_text()]
    assert len(heads) + len(folders) == sum(map(len, QUESTIONS.values()))
    of = {head: [files[head], *folder.glob(f"{head}_*.py")] for head in heads}
    of |= {name: list(place.glob("*.py")) for name, place in folders.items()}
    wrong = [
        f"{path.relative_to(ROOT)} imports {other}"
        for head, paths in of.items()
        for path in paths
        for other in experiments_imported(path)
        if other != head and not other.startswith(f"{head}_")
    ]
    assert not wrong


def test_folders_of_experiments_have_fixed_names_and_no_cycles():
    """A page imports what was measured, the program both; nothing else points anywhere."""
    below = {
        "__main__": {""},
        "__init__": {"measure", "numbers", "page"},
        "page": {"measure", "numbers"},
        "numbers": {"measure"},
        "measure": set(),
    }
    for path in (ROOT / "experiments").glob("*/*.py"):
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                names = {alias.name for alias in node.names}
                here = {node.module} if node.module else names & set(below)
                found |= here or {""}
        assert found <= below[path.stem], path


def test_modules_of_study_import_each_other_in_one_direction():
    """What imports nothing of it first, then what imports only that, and so on to the end."""
    folder = ROOT / "fooljax" / "study"
    below = {}
    for path in folder.glob("[a-z]*.py"):
        names = re.findall(r"^\s*from fooljax\.study\.(\w+) import", path.read_text(), re.MULTILINE)
        below[path.stem] = set(names)
    while below:
        free = {name for name, others in below.items() if not others & set(below)}
        assert free, f"in a circle: {sorted(below)}"
        below = {name: others for name, others in below.items() if name not in free}


def test_one_place_decides_what_depends_on_the_device():
    """Anything else could not be forced, and would be run by no test."""
    asks = re.compile(
        r"default_backend|platform_dependent|(?<!sys)\.platform\b|get_backend|device_kind [!=]="
    )
    others = [
        path
        for folder in ("fooljax", "experiments", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if path != ROOT / "fooljax" / "backend.py"
    ]
    told = {ROOT / "benchmarks" / "timing.py"}  # prints where it was measured
    wrong = [str(path) for path in others if asks.search(path.read_text()) and path not in told]
    assert others and not wrong


def test_slow_tests_exist():
    for line in (ROOT / "tests" / "slow.txt").read_text().splitlines():
        if not line.startswith("#"):
            path, _, name = line.partition("::")
            assert f"def {name.partition('[')[0]}" in (ROOT / path).read_text(), line


def test_files_are_short():
    """An experiment is one file, with its settings and its page in it; so it may be longer."""
    most = {"fooljax": 300, "benchmarks": 300, "experiments": 400}
    files = {path: most[folder] for folder in most for path in (ROOT / folder).rglob("*.py")}
    long = [str(path) for path in files if len(path.read_text().splitlines()) > files[path]]
    assert files and not long


def test_the_same_commands_everywhere():
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"^python -m pip install .*$", readme, re.MULTILINE)
    assert len(commands) == 2
    main_job, test = commands
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert main_job in workflow
    assert test in workflow
    assert f"\n{test}\n" in (ROOT / ".ci" / "run").read_text()


def test_type_checkers_see_the_names_of_study():
    """Those that load on first use come from where the stub says, and no other."""
    told = {
        (node.module, alias.name)
        for node in ast.parse((ROOT / "fooljax" / "study" / "__init__.pyi").read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {name for _, name in told} == set(study.__all__)
    for module, name in told:
        assert getattr(study, name) is getattr(importlib.import_module(module), name)
