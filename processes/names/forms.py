"""Everything that has a name: one table, from the name to the function that makes it and what that takes.

Functions know no text; the grammar knows no functions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..compose import (
    block,
    coupled,
    expand,
    mixture,
    noisy,
    product,
    relabelled,
    symmetric_channel,
    synonyms,
    triggered,
)
from ..compose.leak import leak
from ..ensembles.decoy import decoy
from ..process import Process, ProcessError
from ..structure.markov import markov
from ..tasks.addition import addition
from ..tasks.made_ledgers import disjoint_ledger
from ..tasks.question import Question
from ..tasks.xorsat_instances import instances
from ..tasks.xorsat_stream import xorsat_stream
from .catalogue import CATALOGUE, NOT_ERGODIC
from .constrained import given, guarded

Source = Process | Question
"""What words may come from."""
MOST_ENTRIES = 30_000_000
"""Entries of T in a product by name: 240 MB, enough for three Mess3 and two Bloch walks (Shai et al.
2026)."""


@dataclass(frozen=True)
class Form:
    """What a name makes, and of what."""

    build: Callable[..., Source]
    example: str
    of: Literal["", "one", "some", "variants"] = ""  # processes: none, one, a list of them, or lists of them
    takes: Mapping[str, Any] = field(default_factory=dict)  # parameter -> a value of its type
    optional: tuple[str, ...] = ()
    by_position: bool = False  # whether parameters may be given without their names
    published: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # sets of parameters that have names


def _families() -> dict[str, Form]:
    found = {}
    for name, entry in {**CATALOGUE, **NOT_ERGODIC}.items():
        label, example = next(iter(entry.sets.items()))
        found[name] = Form(
            entry.build, f"{name}({example})", takes=entry.published[label], published=entry.published
        )
    return found


def _relabelled(process: Process, *, symbols: Sequence[int] = (), vocab: int | None = None) -> Process:
    if len(symbols) != process.vocab:
        raise ProcessError(
            f"it gives {len(symbols)} numbers; relabelled takes {process.vocab} of them after the process, "
            f"one for each symbol of {process.name}"
        )
    return relabelled(process, symbols, vocab=max(symbols) + 1 if vocab is None else vocab)


def _noisy(process: Process, *, channel: Any = None, error: float | None = None) -> Process:
    if (channel is None) == (error is None):
        raise ProcessError("a channel is given by its matrix or by how often it errs: give channel, or error")
    return noisy(process, symmetric_channel(process.vocab, error=error) if error is not None else channel)


def _product(factors: Sequence[Process]) -> Process:
    return product(factors).process(max_entries=MOST_ENTRIES)


def _coupled(factors: Sequence[Sequence[Process]], **options: Any) -> Process:
    return coupled(factors, **options).process(max_entries=MOST_ENTRIES)


def _mixture(components: Sequence[Process], *, weights: Sequence[float] | None = None) -> Process:
    equal = [1 / len(components)] * len(components)
    return mixture(components, equal if weights is None else weights).process()


def _xorsat(*, n: int, k: int, m: int | None = None) -> Source:
    return xorsat_stream(n=n, k=k) if m is None else instances(n=n, k=k, m=m)


def _decoy(process: Process, *, seed: int = 0) -> Process:
    return decoy(process, seed=seed)


FORMS: Mapping[str, Form] = {
    **_families(),
    "product": Form(_product, "product(mess3, rrxor)", of="some"),
    "coupled": Form(
        _coupled,
        "coupled(coin(p=0.6), coin(p=0.7) | coin(p=0.2); structure='sequential')",
        of="variants",
        takes={
            "structure": "sequential",
            "maps": [[0]],
            "parents": [0],
            "emission": [[0]],
            "coupling": 0.5,
            "tokens": [[0]],
        },
        optional=("maps", "parents", "emission", "coupling", "tokens"),
    ),
    "mixture": Form(
        _mixture,
        "mixture(even, golden_mean; 0.3, 0.7)",
        of="some",
        takes={"weights": [0.5]},
        optional=("weights",),
        by_position=True,
    ),
    "triggered": Form(
        triggered,
        "triggered(even, coin; switch=[[0, 0.1], [0.2, 0]]; first=[0.5, 0.5])",
        of="some",
        takes={"switch": [[0.1]], "first": [0.5]},
    ),
    "relabelled": Form(
        _relabelled,
        "relabelled(mess3, 2, 0, 1)",
        of="one",
        takes={"symbols": [0], "vocab": 3},
        optional=("symbols", "vocab"),
        by_position=True,
    ),
    "synonyms": Form(synonyms, "synonyms(mess3, 2)", of="one", takes={"n": 2}, by_position=True),
    "noisy": Form(
        _noisy,
        "noisy(mess3, error=0.1)",
        of="one",
        takes={"channel": [[0.5]], "error": 0.1},
        optional=("channel", "error"),
    ),
    "leak": Form(leak, "leak(rrxor, 0.1)", of="one", takes={"epsilon": 0.1}, by_position=True),
    "block": Form(block, "block(mess3, 2)", of="one", takes={"n": 2}, by_position=True),
    "expand": Form(expand, "expand(mess:four, radix=2, digits=2)", of="one", takes={"radix": 2, "digits": 2}),
    "markov": Form(markov, "markov(mess3, 2)", of="one", takes={"order": 2}, by_position=True),
    "decoy": Form(_decoy, "decoy(rrxor, seed=1)", of="one", takes={"seed": 0}, optional=("seed",)),
    "given": Form(given, "given(coin; no 11)", of="one"),
    "guarded": Form(guarded, "guarded(mess3; no 00; never 2; p=0.5)", of="one"),
    "xorsat": Form(
        _xorsat,
        "xorsat(n=4, k=3), or xorsat(n=10, k=3, m=9)",
        takes={"n": 4, "k": 3, "m": 9},
        optional=("m",),
    ),
    "ledger": Form(
        disjoint_ledger,
        "ledger(K=32, g=4, p=0.5), or ledger(K=32, g=4, p=0.5, n=4, stay=0.5)",
        takes={"K": 32, "g": 4, "p": 0.5, "n": 4, "stay": 0.5},
        optional=("n", "stay"),
    ),
    "addition": Form(
        addition,
        "addition(p=23, share=0.7)",
        takes={"p": 23, "share": 0.7, "draw": 0},
        optional=("draw",),
    ),
}
"""By name: families with their published sets, compositions, constrained processes and questions."""
