"""How far a training is, as a bar in a notebook; elsewhere nothing is said."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any


def in_notebook() -> bool:
    """Whether this is a kernel of a notebook, not a script or a shell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


@contextlib.contextmanager
def following(what: str) -> Iterator[Callable[[Any], None]]:
    """Something to show every `Progress` to, which draws it until the block ends."""
    if not in_notebook():
        yield lambda progress: None
        return
    from tqdm.auto import tqdm

    with tqdm(desc=what, unit="step") as bar:

        def watch(progress: Any) -> None:
            bar.total = progress.steps
            bar.set_postfix_str(f"{progress.excess.mean():.1e} nats over the floor", refresh=False)
            bar.update(progress.step - bar.n)

        yield watch
