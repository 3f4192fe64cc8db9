"""Independent flips of a biased coin."""

from ..process import Process, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def coin(*, p: float) -> Process:
    """Symbol 0 with probability p, symbol 1 with 1-p, independently: h = H(p), no memory."""
    return hmm([[[p]], [[1 - p]]], name=f"coin(p={p:g})", states=("A",))
