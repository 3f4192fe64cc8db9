"""Networks of one block, which several claims about mechanisms share."""

from collections.abc import Mapping
from dataclasses import replace

import train

from ..claim import Setting
from ..recipes import FOUR_HEADS, SMALL, standard


def one_block(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """One block of four heads, contexts of eight tokens; of one head, and seven tokens, if small."""
    shape = SMALL if setting.size == "small" else FOUR_HEADS
    return {"transformer": standard(process, setting, model=replace(shape, n_layers=1))}
