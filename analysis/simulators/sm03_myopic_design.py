"""Pairs of networks, ordinary and myopic, on processes of every breadcrumb price: what SM3 has trained."""

from collections.abc import Mapping
from typing import NamedTuple

import processes
import toy
import train

from ..claim import Setting

PROCESSES = (
    "golden_mean",
    "even",
    "sns",
    "mess3",
    "zero_one_random",
    "nemo",
    "random_insertion",
    "checksum:ternary",
    "tally:parity",
    "rrxor",
)
"""In the order of their prices; the first four have none."""
DEPTHS = (1, 2)
"""At one block nothing can be worked out beforehand: keys and values are of tokens at their positions. At two
it can, once; with more, a position can do by itself, from the tokens, what could have been done before it
(of two pairs of four blocks on RRXOR, myopic ones were no more than .0003 nats behind).
"""
LONGEST, MOST = 8, 1500
"""Context length, or as much less as leaves so many prefixes: every one is seen in every step."""
STEPS = 600
LATE = {"checksum:ternary": 1800}
"""Steps where a process is learned late: after 600 half of eight ordinary networks had more than a twentieth
of what contexts are worth left, after 1800 none of eight others more than .0012.
"""


class Pair(NamedTuple):
    """The role of networks on a process: of so many blocks, ordinary or myopic."""

    process: str
    n_layers: int
    myopic: bool

    def __str__(self) -> str:
        return f"{'myopic' if self.myopic else 'ordinary'}, {self.n_layers} blocks, {self.process}"


def context(vocab: int) -> int:
    """The longest context up to `LONGEST` of which every one can be seen in every step."""
    return max(n for n in range(1, LONGEST + 1) if sum(vocab**length for length in range(1, n + 1)) <= MOST)


def recipe(process: str, n_layers: int, myopic: bool, seeds: int) -> train.Recipe:
    """Small networks, every prefix in every step, as many steps of the same descent for both of a pair.

    What a myopic network follows is no gradient of its loss, so neither has a finish of second order.
    """
    vocab = processes.named(process).vocab
    model = toy.TransformerConfig(
        vocab, context(vocab), n_layers, n_heads=1, d_model=32, d_head=8, d_mlp=128, myopic=myopic
    )
    descent = train.Optimiser("muon", learning_rate=5e-3, warmup=50, schedule="cosine")
    steps = LATE.get(process, STEPS)
    return train.Recipe(process, model, "population", descent, steps, batch=None, seeds=seeds)


def recipes(process: str, setting: Setting) -> Mapping[Pair, train.Recipe]:
    """Ordinary and myopic networks of both depths on every process; that which is asked about first, if it is
    none of them.
    """
    known = {processes.named(name).digest for name in PROCESSES}
    asked = () if processes.source(process).digest in known else (process,)
    return {
        Pair(name, n_layers, myopic): recipe(name, n_layers, myopic, setting.seeds)
        for name in (*asked, *PROCESSES)
        for n_layers in DEPTHS
        for myopic in (False, True)
    }
