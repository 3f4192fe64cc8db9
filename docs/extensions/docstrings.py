"""Docstrings are prose for a reader of the code, not reStructuredText; examples in them are examples."""

import re
from itertools import groupby

from sphinx.application import Sphinx


def rewrite(lines: list[str]) -> None:
    """Make a docstring reStructuredText, in place: `code` is code, what is indented or aligned is shown as it
    stands, so are examples (>>>), and no other sign means anything."""
    found: list[str] = []
    for blank, paragraph in groupby(lines, key=lambda line: not line.strip()):
        if blank:
            continue
        written = list(paragraph)
        if written[0].startswith(">>> "):
            found += [".. code-block:: pycon", "", *(f"    {line}" for line in written), ""]
        elif any(line.startswith(" ") or "    " in line for line in written):
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


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx: read every docstring so."""
    app.connect("autodoc-process-docstring", lambda app, what, name, obj, options, lines: rewrite(lines))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
