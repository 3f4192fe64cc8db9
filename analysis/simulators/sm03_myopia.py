"""SM3: what a myopic network cannot learn costs where remembering one's last prediction does not suffice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion, Published
from ..instruments.contexts import Contexts, contexts, enumerated
from ..instruments.evidence import Evidence, observe
from ..instruments.probing.probe import moments, probe
from ..instruments.statistics import partial_rank_correlation, rank_correlation
from .sm03_myopic_design import DEPTHS, PROCESSES, Pair, context, recipes

WU = "Wu, Morris, Levine 2024 (arXiv:2404.00859)"
FREE = 0.02
"""Nats by which networks may differ where greedy memories suffice."""
NO_PRICE = 1e-9
LEAST_WORTH = 0.01
"""Where contexts are worth less (nats per token), a gap would be noise of training."""
LEARNED = 0.05
"""Share of what contexts are worth that ordinary networks may have left to learn: a twentieth, since small
networks and few steps have to do for so many processes.
"""


@dataclass(frozen=True, eq=False)
class Myopia:
    """Networks of both kinds on every process, in the order of prices."""

    process: tuple[str, ...]
    price: Float[np.ndarray, "P"]  # breadcrumb price: share of what contexts are worth
    worth: Float[np.ndarray, "P"]  # nats per token
    ordinary: Float[np.ndarray, "P seeds"]  # excess over the exact predictor, nats per token
    myopic: Float[np.ndarray, "P seeds"]
    ordinary_of_one: Float[np.ndarray, "P seeds"]  # the same of networks of one block
    myopic_of_one: Float[np.ndarray, "P seeds"]
    r2: Float[
        np.ndarray, "P seeds"
    ]  # held-out R2 of beliefs from the last stream; NaN where not to be held out
    r2_myopic: Float[np.ndarray, "P seeds"]

    def gap(self) -> Float[np.ndarray, "P seeds"]:
        """Excess of myopic networks minus that of ordinary ones, nats per token."""
        return self.myopic - self.ordinary

    def follows(self) -> Float[np.ndarray, "seeds"]:
        """Rank correlation over processes of price and gap, as a share of what contexts are worth."""
        return rank_correlation(*self._shares())

    def given_worth(self) -> Float[np.ndarray, "seeds"]:
        """The same given what contexts are worth."""
        share, price = self._shares()
        return partial_rank_correlation(share, price, np.broadcast_to(self.worth, share.shape))

    def _shares(self) -> tuple[Float[np.ndarray, "seeds P"], Float[np.ndarray, "seeds P"]]:
        share = (self.gap() / self.worth[:, None]).T
        return share, np.broadcast_to(self.price, share.shape)

    def where_free(self) -> Float[np.ndarray, "seeds"]:
        """Gap, nats, on the process without a price where it is farthest from zero, without its sign."""
        return np.abs(self.gap()[self.price <= NO_PRICE]).max(0)

    def beyond_one_block(self) -> Float[np.ndarray, "seeds"]:
        """Gap minus that of networks of one block, as shares of what contexts are worth: mean over processes
        with a price.
        """
        shallow = self.myopic_of_one - self.ordinary_of_one
        return ((self.gap() - shallow) / self.worth[:, None])[self.price > NO_PRICE].mean(0)

    def left(self) -> Float[np.ndarray, "seeds"]:
        """What ordinary networks have left to learn, as a share of what contexts are worth, at worst."""
        return (self.ordinary / self.worth[:, None]).max(0)

    def believed(self) -> Float[np.ndarray, "seeds"]:
        """R2 of beliefs in ordinary networks minus that in myopic ones, mean over processes with a price."""
        return np.nanmean((self.r2 - self.r2_myopic)[self.price > NO_PRICE], axis=0)


def myopia(runs: Mapping[Pair, train.Run]) -> Myopia:
    """Measure every pair of networks, processes in the order of their prices."""
    names = sorted(
        dict.fromkeys(pair.process for pair in runs), key=lambda name: (round(_crumbs(name).price, 9), name)
    )
    shallow, deep = DEPTHS
    found = {pair: _measured(run, beliefs=pair.n_layers == deep) for pair, run in runs.items()}

    def each(n_layers: int, myopic: bool, what: int) -> np.ndarray:
        return np.array([found[Pair(name, n_layers, myopic)][what] for name in names])

    return Myopia(
        tuple(names),
        np.array([_crumbs(name).price for name in names]),
        np.array([_crumbs(name).worth for name in names]),
        each(deep, False, 0),
        each(deep, True, 0),
        each(shallow, False, 0),
        each(shallow, True, 0),
        each(deep, False, 1),
        each(deep, True, 1),
    )


def _crumbs(name: str) -> processes.Breadcrumbs:
    process = processes.named(name)
    return processes.breadcrumbs(process, context(process.vocab))


def _measured(run: train.Run, *, beliefs: bool) -> tuple[np.ndarray, np.ndarray]:
    """Excess of every network, and R2 of beliefs from all of its layers where asked for."""
    config, process = run.recipe.model, run.recipe.ground_truth()
    t = _to_probe(process, config.n_ctx) if beliefs else None
    what = enumerated(process, config.n_ctx) if t is None else t
    networks = observe(config, run.params(), what, () if t is None else config.stream[1:])
    r2 = [np.nan if t is None else _r2(network, t) for network in networks]
    return np.array([network.excess for network in networks]), np.array(r2)


def _to_probe(process: processes.Process, n_ctx: int) -> Contexts | None:
    """Contexts on which beliefs can be held out by history; None where there are none, or too many."""
    try:
        t = contexts(process, n_ctx)
    except processes.ProcessError:
        return None
    varies = np.ptp(t.belief[t.fold >= 0], axis=0).max() > 1e-9
    return t if t.sampled is None and varies else None


def _r2(network: Evidence, t: Contexts) -> float:
    x = np.concatenate(list(network.activations.values()), axis=1)
    return probe(moments(x, t.belief, t)).r2


def _refusal(process: processes.Source, n_ctx: int) -> str | None:
    if not isinstance(process, processes.Process):
        return "it is a question, which is answered once: nothing is worked out for later answers"
    n = context(process.vocab)
    crumbs = processes.breadcrumbs(process, n)
    if crumbs.worth < LEAST_WORTH:
        return f"contexts are worth {crumbs.worth:.1e} nats per token, and {LEAST_WORTH} are asked for"
    return None


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {f"breadcrumb price of {name}": float(_crumbs(name).price) for name in PROCESSES} | {
        "rank correlation of gap and price": "positive"
    }


SM3: Claim[Myopia, Myopia] = Claim(
    id="SM3",
    statement=(
        "Networks that are not trained to work ahead fall behind where remembering one's last prediction "
        "does not suffice, by the breadcrumb price, and nowhere else."
    ),
    source=f"{WU}; public comments on myopia; breadcrumb price: this lab's operationalisation",
    tested_on=("rrxor",),
    revision=2,
    recipes=recipes,
    evidence=myopia,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "rank correlation over processes of the gap (myopic minus ordinary) and the price",
            Myopia.follows,
            above=0.0,
        ),
        Criterion(
            "gap where greedy memories suffice, the largest without sign, nats", Myopia.where_free, below=FREE
        ),
    ),
    controls=(
        Criterion(
            "share of what contexts are worth that ordinary networks have not learned, at worst",
            Myopia.left,
            below=LEARNED,
            over="nearly all",
            means="ordinary networks have not learned their processes, so that a gap says nothing",
        ),
        Criterion(
            "gap beyond that of one block, where nothing can be worked out ahead",
            Myopia.beyond_one_block,
            above=0.0,
            rival="keys and values that are trained less",
        ),
        Criterion(
            "the same rank correlation given what contexts are worth",
            Myopia.given_worth,
            above=0.0,
            rival="what contexts are worth",
        ),
    ),
    published=(
        Published(
            "gap of myopic networks on rrxor, nats per token",
            "a clear gap on synthetic data that need work ahead, a small one in language models of GPT-2's "
            "size (Wu et al. 2024)",
            lambda m: m.gap()[m.process.index("rrxor")],
        ),
        Published(
            "R2 of beliefs, ordinary networks minus myopic ones, mean over processes with a price",
            "not reported",
            Myopia.believed,
        ),
    ),
    drawn_from=Myopia,
    literature={"language models": f"gap grows with the size of the model: {WU}"},
    would_change=(
        "Myopic networks that learn RRXOR as well as ordinary ones do in as many steps, or fall behind on "
        "Mess3."
    ),
    limits=(
        "Processes are the ten of `sm03_myopic_design`, and the one asked about. The price is that of a "
        "predictor which keeps its last distribution and nothing else. A myopic transformer may still look "
        "back at every token and work out for itself what was not worked out before, as far as its depth "
        "allows, so the price says what may be lost and not what must; networks have two blocks for that "
        "reason. What they hold of beliefs is told beside the verdict, with no direction: of two pairs "
        "each, myopic networks held less on RRXOR and more on Nemo. Ordinary and myopic ones have one "
        "width, depth, descent and number of steps; at one block both compute functions of the same kind, "
        "and what they differ by there is training."
    ),
)
