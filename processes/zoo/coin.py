"""Independent flips of a biased coin."""

from ..checks import checked
from ..process import Process, hmm


@checked
def coin(*, p: float) -> Process:
    """Symbol 0 with probability p, symbol 1 with 1-p, independently: h = H(p), no memory."""
    return hmm([[[p]], [[1 - p]]], name=f"coin(p={p:g})", states=("A",))
