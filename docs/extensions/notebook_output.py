"""Notebooks say below a cell what it prints, so that they can be read where nothing is executed. Here they
are executed, what is shown is what was printed, and where the two disagree the build fails.
"""

import os
import resource
import shutil
import sys
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from sphinx.application import Sphinx
from sphinx.util import logging

from benchmarks.notebooks import MEANT, disagreements, without_output

logger = logging.getLogger(__name__)
_begun: dict[str, float] = {}


def cpu() -> float:
    """Seconds of CPU of all kernels so far, and of the commands that they called."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def hide(app: Sphinx, docname: str, source: list[str]) -> None:
    """What a page says that cells print is replaced by what they print."""
    if docname.startswith("notebooks/"):
        _begun[docname] = cpu()
        source[0] = without_output(source[0])


def compare(app: Sphinx, doctree: object) -> None:
    """Warn of every cell that prints something else than the page says, and tell what the notebook cost."""
    docname = app.env.docname
    if docname not in _begun or app.config.nb_execution_mode == "off":
        return
    took = cpu() - _begun.pop(docname)
    # Told, and no error: the same notebook took 22 to 48 by what else a machine did meanwhile.
    meant = f", meant to take {MEANT:.0f}" if took > MEANT else ""
    print(f"{docname}: {took:.1f} seconds of CPU{meant}", flush=True)
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
    page = Path(app.env.doc2path(docname)).read_text()
    notebook = nbformat.read(executed, as_version=4)
    if not any(cell.get("outputs") for cell in notebook.cells):  # MyST-NB writes none that it has cached
        _, notebook = get_cache(app.config.nb_execution_cache_path).merge_match_into_notebook(notebook)
        nbformat.write(notebook, executed)
    for wrong in disagreements(page, notebook):
        logger.warning("%s", wrong, location=docname)


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx: the environment of kernels, and the comparison."""
    built = Path(app.outdir).parent
    startup = built / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).parent / "kernel_startup.py", startup / "kernel_startup.py")
    os.environ |= {
        "COLUMNS": "100",
        "IPYTHONDIR": str(built / "ipython"),
        "NO_COLOR": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        "XDG_CACHE_HOME": str(built / "cache_of_notebooks"),
    }
    app.connect("source-read", hide)
    app.connect("doctree-read", compare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
