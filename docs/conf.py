"""How the site is built: ``python -m sphinx -W -T -j auto -b html docs docs/_build/html``.

Every page is executed, anew each time: a snippet that does not run breaks the build.
"""

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent

# Pages, examples and kernels import this tree, and share programs that take long to compile.
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(HERE / "extensions")]
from xla_flags import quick_to_compile

os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    programs = tempfile.TemporaryDirectory(prefix="fooljax-docs-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = programs.name
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"
# Compiling is most of what a build costs: two fifths less so, as for the tests.
os.environ.setdefault("XLA_FLAGS", quick_to_compile())
os.environ.pop("MPLBACKEND", None)  # notebooks draw inline
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

import by_medium

import fooljax

project = "fooljax"
author = "The fooljax developers"
copyright = "The fooljax developers, Apache-2.0"
version = release = fooljax.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "running",
    "alt_texts",
    "breaks",
    "by_medium",
    "runs",
    "leaderboard",
    "signatures",
]
templates_path = ["templates"]
exclude_patterns = ["_build", "examples", "templates"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r".*\.(Config(_co)?|settings\.Entry)"),  # type variables
    ("py:class", r"fooljax\.evolution\.(cma\.Cma|dominated\.Population)"),  # parts of a state
]

# The API, from docstrings (extensions/signatures.py).
default_role = "py:obj"
add_module_names = False
python_maximum_signature_line_length = 88
autosummary_imported_members = True
autosummary_ignore_module_all = False
autosummary_context = {
    "groups": by_medium.groups(),
    "paged": by_medium.PAGED,
    "place": by_medium.place,
}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # types stand in the signature, as they are written
napoleon_use_rtype = False
napoleon_custom_sections = ["Source"]

# Pages: Markdown whose Python is run (extensions/running.py).
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "remove"  # progress bars
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

html_theme = "furo"
html_title = "fooljax"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#c2410c", "color-brand-content": "#c2410c"},
    "dark_css_variables": {
        **{"color-brand-primary": "#fb923c", "color-brand-content": "#fb923c"},
        "on-white": "brightness(0.8)",  # pictures on white, in site.css
    },
}

# Links to Colab and to the source need an address, which a build on GitHub knows.
repository = os.environ.get("GITHUB_REPOSITORY", "")
myst_enable_extensions.append("substitution")
_COLAB = "https://colab.research.google.com/github/{}/blob/main/docs/notebooks/{}.ipynb"
myst_substitutions = {
    f"colab_{name}": f"[open in Colab]({_COLAB.format(repository, name)})" if repository else ""
    for name in ("first", "pytorch", "defense")
}
if repository:
    html_theme_options |= {
        "source_repository": f"https://github.com/{repository}/",
        "source_branch": "main",
        "source_directory": "docs/",
    }
if find_spec("torch") is None:  # shown, not run
    nb_execution_excludepatterns = ["notebooks/pytorch.ipynb"]

# The gallery: every example is run in one process, so that programs are compiled once.
extensions.append("sphinx_gallery.gen_gallery")
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "write_computation_times": False,
    "show_memory": False,
    "reset_modules": ("drawing.as_on_pages",),
    "remove_config_comments": True,
    "min_reported_time": 1_000_000,
    "capture_repr": (),
    "download_all_examples": False,
    "backreferences_dir": None,
}
exclude_patterns += [f"gallery/*.{ending}" for ending in ("ipynb", "py", "zip", "json", "md5")]
