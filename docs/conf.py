"""Sphinx: these pages, and the reference made from docstrings. `make docs` builds them in docs/_build."""

import re
import sys
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

project = "toylab"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
source_suffix = {
    ".md": "markdown",
    ".rst": "restructuredtext",
}  # the reference is the latter
exclude_patterns = ["_build", "examples"]
html_theme = "sphinx_book_theme"
myst_heading_anchors = 3  # so that links to #sections of other pages are found
suppress_warnings = ["myst.xref_missing"]  # links to files of the repository, which are no pages
autosummary_generate = True
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_mock_imports = ["distributed"]  # of the extra `cluster`


def setup(app):
    """Docstrings are prose for a reader of the code, not reStructuredText; cells of notebooks are code."""
    from sphinx.directives.code import CodeBlock

    class Cell(CodeBlock):
        """A cell, shown as it stands; `python -m benchmarks.notebooks` runs it."""

        option_spec = {**(CodeBlock.option_spec or {}), "tags": str}

        def run(self):
            shell = any(line.startswith("!") for line in self.content)
            self.arguments = ["text" if shell else "python"]
            return super().run()

    app.add_directive("code-cell", Cell)
    app.connect("autodoc-process-docstring", lambda app, what, name, obj, options, lines: rewrite(lines))


def rewrite(lines: list[str]) -> None:
    """Make a docstring reStructuredText, in place: `code` is code, what is indented or aligned is shown as it
    stands, and no other sign means anything."""
    found: list[str] = []
    for blank, paragraph in groupby(lines, key=lambda line: not line.strip()):
        if blank:
            continue
        written = list(paragraph)
        if any(line.startswith(" ") or "    " in line for line in written):
            found += ["::", "", *(f"    {line}" for line in written), ""]
        else:
            found += [*prose("\n".join(written)).split("\n"), ""]
    lines[:] = found


def prose(text: str) -> str:
    """Text without signs of reStructuredText, but for code, which is marked as such."""
    parts = re.split(r"`+([^`]+)`+", text)
    escaped = [re.sub(r"([\\\\*|_`])", r"\\\1", part) for part in parts[::2]]
    code = [f"``{' '.join(part.split())}``\\ " for part in parts[1::2]]
    mixed = [*(piece for pair in zip(escaped, code, strict=False) for piece in pair), escaped[-1]]
    text = "".join(mixed)
    return re.sub(r"^(\S+[.)]|[-+#])(?= )", r"\\\1", text, flags=re.MULTILINE)
