"""Links of pages to what is in the repository and no page: a file goes into the site as text, a folder is
told by the map.
"""

import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
FILES = "_files"
"""The folder of the site for them."""
logger = logging.getLogger(__name__)


class RepositoryLinks(SphinxTransform):
    """Every link to a file or a folder of the repository made one that works where the site is."""

    default_priority = 400  # before Sphinx makes downloads of them
    site = Path()
    """Where the site is built."""

    def apply(self) -> None:
        """Replace them; one that leads nowhere is a warning, and with -W an error."""
        docname = self.env.docname
        links = [*self.document.findall(addnodes.download_reference)]
        links += [x for x in self.document.findall(addnodes.pending_xref) if x.get("reftype") == "myst"]
        for link in links:
            written = link["reftarget"].partition("#")[0]
            page = link.get("refdomain") == "doc"
            if not written or (page and link["reftarget"] in self.env.found_docs):
                continue
            if page:  # a Markdown file beside the pages, named as one of them would be
                written = f"/{written}.md"
            there = Path(self.env.relfn2path(written, docname)[1]).resolve()
            if not there.is_relative_to(ROOT) or not there.exists():
                if page:
                    logger.warning("no page and no file: %s", written, location=link)
                continue
            link.replace_self(self._reference(link, there))

    def _reference(self, link: nodes.Element, there: Path) -> nodes.Node:
        up = "../" * self.env.docname.count("/")
        if there.is_dir():
            to_map = nodes.reference("", "", *link.children, internal=True, refuri=f"{up}map.html")
            return nodes.inline("", "", *link.children) if self.env.docname == "map" else to_map
        path = there.relative_to(ROOT)
        name = path.name if path.suffix in (".png", ".svg") else f"{path.name}.txt"  # shown, not downloaded
        copy = self.site / FILES / path.parent / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(there, copy)
        uri = f"{up}{FILES}/{(path.parent / name).as_posix()}"
        return nodes.reference("", "", *link.children, internal=True, refuri=uri)


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx: resolve them when a page is read."""
    RepositoryLinks.site = Path(app.outdir)
    app.add_transform(RepositoryLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
