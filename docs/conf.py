"""Sphinx: these pages, notebooks executed, and the reference made from docstrings. `make docs` builds them in
docs/_build/html.
"""

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]

project = "toylab"
author = "the authors of toylab"
html_title = "toylab"
extensions = [
    "myst_nb",
    "sphinx_design",
    "sphinx.ext.autodoc",
    "docstrings",
    "formulas",
    "notebook_output",
    "repository_links",
]
exclude_patterns = ["_build", "examples", "extensions"]
html_theme = "sphinx_book_theme"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "home_page_in_toc": True,
    "navbar_persistent": [],
}
html_static_path = ["_static"]
html_css_files = ["toylab.css"]
html_copy_source = False
highlight_language = "none"  # of blocks that name none: they are output and commands
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4  # so that links to #sections of other pages are found
myst_dmath_double_inline = True

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_mock_imports = ["distributed"]  # of the extra `cluster`


def _sources() -> str:
    """A digest of all that notebooks may call: the cache of their output is one of it."""
    rooms = ("toylab", "processes", "toy", "train", "analysis")
    files = sorted(file for room in rooms for file in (HERE.parent / room).rglob("*.py"))
    files.append(HERE / "extensions" / "kernel_startup.py")
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "jupyter_cache" / _sources())
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300  # seconds a cell may take beside other work; `notebook_output` has the CPU
nb_output_stderr = "remove"
