"""The project keeps its promises about itself: layers, file lengths, commands."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROWS = (
    ("types", "backend", "interrupts", "printing"),
    ("checks",),
    ("data", "models", "encodings", "metrics"),
    ("evolution", "defenses"),
    ("attacks",),
    ("training",),
    ("analysis",),
    ("runtime", "reporting"),
    ("study",),
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


def test_files_are_short():
    folders = ("fooljax", "experiments", "benchmarks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    long = [str(path) for path in files if len(path.read_text().splitlines()) > 300]
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
