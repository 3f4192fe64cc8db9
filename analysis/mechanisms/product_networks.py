"""Networks that read independent processes side by side, shared by claims about what they make of them."""

from collections.abc import Mapping
from dataclasses import replace

import processes
import train

from ..claim import Setting
from ..instruments.contexts import HISTORY, MOST_CONTEXTS
from ..recipes import SMALL, standard

ENOUGH = 1e-3
"""Share of what contexts are worth that may be left to learn: products take more steps than their factors."""


def longest(process: processes.Process) -> int | None:
    """Tokens of the longest contexts, up to those of `SMALL`, that can all be enumerated; None where hardly
    any can.
    """
    for n_ctx in range(SMALL.n_ctx, HISTORY, -1):
        if processes.count_words(process, n_ctx, most=MOST_CONTEXTS // 4) is not None:
            return n_ctx
    return None


def recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """A small transformer, of contexts that can all be enumerated."""
    n_ctx = longest(processes.named(process)) or SMALL.n_ctx
    return {"transformer": standard(process, setting, model=replace(SMALL, n_ctx=n_ctx))}
