"""Networks that were asked the same and may differ elsewhere: what SM6 has trained, and on which words they
are compared.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

import processes
import toy
import train
from processes.constraints import Protocol

from ..claim import Setting
from ..instruments.behaviour.disagreement import between_pairs
from ..instruments.behaviour.own_text import Truth, words
from ..instruments.contexts import enumerated
from ..instruments.evidence import observe
from ..instruments.forward import forward, log_distribution, member
from ..instruments.interventions.quantisation import MOST_BITS, quantised
from ..instruments.proofs.words import possible
from ..recipes import SMALL, standard

WIDTHS = (8, 16, 32, 64)
"""Of the stream; hidden layers are four times as wide."""
USUAL = 32
"""The width at which agreement on possible and on impossible words is compared."""
LONGEST, MOST = 7, 4000
"""Symbols of a word, or as many fewer as leaves so many words: all are read, and every possible prefix is
seen in every step.
"""
EPS = 1e-3
"""Excess, nats per symbol, up to which a machine or a network is in the Rashomon set of its process."""
LARGEST = (1, 2, 3)
"""States of the machines that are counted, as far as there are few enough machines to count."""
COUNTED = 10_000
BASE = "coin"
CONSTRAINTS = ("no 11", "no 000", "no 111")
"""The last says nothing while the first is on."""
BODY = 6
"""Symbols after the controls."""
ALL_ON = "012"
TOGGLED: Mapping[str, str] = {
    "none": ALL_ON,
    "one": f"{ALL_ON},12",
    "two": f"{ALL_ON},12,02,2",
    "empty": f"{ALL_ON},01",
}
"""Which constraints are on, equally often, by how many of the first two are switched on and off in training;
`empty` switches the one that says nothing, so that text has as many controls and no other words.
"""
DOSES = ("none", "one", "two")


class Arm(NamedTuple):
    """The role of networks: of a width on the process itself, or with constraints that are switched."""

    width: int
    toggled: str | None = None

    def __str__(self) -> str:
        return f"width {self.width}" if self.toggled is None else f"{self.toggled} switched"


def guarded(toggled: str) -> str:
    """The process in which these constraints are switched."""
    return f"guarded({BASE}; {'; '.join(CONSTRAINTS)}; on={TOGGLED[toggled]})"


def length(vocab: int) -> int:
    """Symbols of the words that are read."""
    return max(n for n in range(1, LONGEST + 1) if vocab**n <= MOST)


def recipe(process: str, n_ctx: int, width: int, setting: Setting) -> train.Recipe:
    """Every prefix in every step, to the floor."""
    model = replace(SMALL, n_ctx=n_ctx, d_model=width, d_mlp=4 * width)
    return standard(process, setting, model=model, population=True)


def recipes(process: str, setting: Setting) -> Mapping[Arm, train.Recipe]:
    """Networks of every width on the process, and those whose constraints are switched."""
    n = length(processes.named(process).vocab)
    own = {Arm(width): recipe(process, n, width, setting) for width in WIDTHS}
    context = len(CONSTRAINTS) + BODY
    return own | {
        Arm(USUAL, toggled): recipe(guarded(toggled), context, USUAL, setting) for toggled in TOGGLED
    }


class Compared(NamedTuple):
    """Words of equal length, each of whose prefixes is asked about, and weights of prefixes."""

    words: Int[np.ndarray, "M T"]
    on: Float[np.ndarray, "M T"]  # as probable as they are
    possible: Float[np.ndarray, "M T"]  # all possible prefixes of a length alike, and all lengths
    impossible: Float[np.ndarray, "M T"]  # likewise


def compared(process: str, n: int) -> Compared:
    """All words of n symbols of a process."""
    truth = Truth(processes.named(process), n)
    there = prefixes_possible(truth.process, truth.words)
    on = np.repeat(truth.distribution[:, None] / n, n, 1)
    return Compared(truth.words, on, alike(there), alike(~there))


def broken() -> Compared:
    """All bodies after controls that switch every constraint on. What breaks them is impossible in whatever
    was trained on.
    """
    process = processes.named(guarded("two"))
    bodies = words(processes.named(BASE).vocab, BODY)
    protocol = process.made_of
    assert isinstance(protocol, Protocol)
    controls = protocol.controls(tuple(range(len(CONSTRAINTS))))
    asked = np.hstack([np.broadcast_to(controls, (len(bodies), len(controls))), bodies])
    there = prefixes_possible(process, asked)
    return Compared(asked, np.zeros(asked.shape), alike(there), alike(~there))


def prefixes_possible(process: processes.Process, whole: Int[np.ndarray, "M T"]) -> Bool[np.ndarray, "M T"]:
    """Which prefixes of words, of at least one symbol, a process can emit."""
    return np.stack([possible(process, whole[:, : t + 1]) for t in range(whole.shape[1])], 1)


def alike(there: Bool[np.ndarray, "M T"]) -> Float[np.ndarray, "M T"]:
    """Weights of prefixes: each position with any equal, and all of those at a position. Every prefix stands
    in the table as often as any other of its length.
    """
    count = there.sum(0)
    each = np.where(there, 1 / np.maximum(count, 1), 0.0)
    return np.asarray(each / max((count > 0).sum(), 1))


def apart(
    config: toy.Config,
    params: toy.Params,
    asked: Int[np.ndarray, "M T"],
    *weights: Float[np.ndarray, "M T"],
) -> list[Float[np.ndarray, "nets nets"]]:
    """Divergence of every two networks of a stack, for each of some weights of prefixes."""
    log_p = log_distribution(forward(config, params, asked)["logits"])
    flat = log_p.reshape(len(log_p), -1, log_p.shape[-1])
    return [between_pairs(flat, w.ravel()) for w in weights]


def described(run: train.Run) -> Int[np.ndarray, "seeds"]:
    """Fewest bits at which each network is still in the Rashomon set of its process."""
    config, params = run.recipe.model, run.params()
    every = enumerated(run.recipe.ground_truth(), config.n_ctx)
    tried = range(1, MOST_BITS + 1)

    def fewest(params: toy.Params) -> int:
        rounded = [quantised(params, bits) for bits in tried]
        of_all = jax.tree.map(lambda *leaves: np.stack(leaves), *rounded)
        excess = np.array([e.excess for e in observe(config, of_all, every, ())])
        outside = np.flatnonzero(excess > EPS)  # all bits from the last of these on are enough
        return min(int(outside.max(initial=-1)) + 2, MOST_BITS)

    return np.array([fewest(member(params, i)) for i in range(run.recipe.seeds)])


def counted(process: processes.Process) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States, machines of so many states, and how many of them are in the Rashomon set."""
    few = [k for k in LARGEST if k ** (process.vocab * k) <= COUNTED]
    found = [processes.rashomon_set(process, k, EPS) for k in few]
    return (
        np.array(few),
        np.array([f.machines for f in found], np.float64),
        np.array([f.within for f in found], np.float64),
    )
