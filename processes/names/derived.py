"""Processes named after others: `relabelled(mess3, 2, 0, 1)`, `synonyms(mess3, 2)`, `decoy(rrxor)`,
`given(coin; no 11)`.
"""

import re
from collections.abc import Callable

import numpy as np

from ..compose import relabelled, synonyms
from ..ensembles.decoy import decoy
from ..process import Process, ProcessError
from ..tasks.xorsat_stream import written_stream
from ..values.checks import checked
from .constrained import constrained

WRITTEN = re.compile(r"\s*(relabelled|synonyms|decoy)\s*\((.+?)((?:\s*,\s*\d+)*)\s*\)\s*")


@checked
def derived(spec: str, named: Callable[[str], Process]) -> Process | None:
    """The process that `spec` derives from the one named inside it, or None if it is not written as a
    derivation:

    `relabelled(P, 2, 0, 1)`  symbol x of P becomes the x-th number
    `synonyms(P, 2)`          every symbol has so many spellings, chosen at random: x becomes 2x or 2x + 1
    `decoy(P)`                a random process of the alphabet, state count and entropy rate of P, always the
                              same one
    `given(P; no 11)`, `guarded(P; no 11; never 2; p=0.5)`   constrained, see `constraints.constrained`
    `xorsat(n=4, k=3)`        random equations and whether they can be satisfied, see
                              `constraints.xorsat_stream`

    Raises `ProcessError` for a wrong count of numbers, and where `named` or the derivation itself does.
    """
    if (process := constrained(spec, named)) is not None or (process := written_stream(spec)) is not None:
        return process
    found = WRITTEN.fullmatch(spec)
    if found is None or not _closed(found[2]):
        return None
    kind, process, numbers = found[1], named(found[2]), [int(n) for n in re.findall(r"\d+", found[3])]
    asked = {"relabelled": process.vocab, "synonyms": 1, "decoy": 0}[kind]
    if len(numbers) != asked:
        raise ProcessError(
            f"{spec!r} gives {len(numbers)} numbers; {kind} takes {asked} of them after the process"
        )
    if kind == "relabelled":
        return relabelled(process, numbers, vocab=max(numbers) + 1)
    if kind == "synonyms":
        return synonyms(process, numbers[0])
    return decoy(process, seed=0)


def _closed(text: str) -> bool:
    """Whether the parentheses in `text` close each other, so that it is one expression and no piece of
    two."""
    depth = np.cumsum([(c == "(") - (c == ")") for c in text])
    return bool(depth.min() >= 0 and depth[-1] == 0)
