"""Sphinx: these pages, and the reference made from docstrings. `pip install '.[docs]'`, then `sphinx-build
docs docs/_build`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

project = "toylab"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "examples"]
html_theme = "sphinx_book_theme"
myst_heading_anchors = 3  # so that links to #sections of other pages are found
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository, which are no pages
autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
