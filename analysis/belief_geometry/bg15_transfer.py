"""BG15: a trunk carries over to other words for the same hidden structure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

import processes
import train
from processes.values.notes import noted

from ..claim import Claim, Criterion, Setting
from ..recipes import PAPER, SMALL, descent, standard

WORDS, TRUNK = ("embed", "unembed"), ("positions", "blocks", "norm")
"""Parameters that know the alphabet, and all others."""
SPELLINGS = 2
"""The new alphabet has so many spellings of every old symbol."""
LEFT = 0.1
"""The floor counts as reached when the excess is this share of what a context is worth."""
WINDOW = 25
"""Steps over which the excess of the training batches is averaged."""
LEAST_WORTH = 0.01
"""Where contexts are worth less (nats per token), the noise of a batch would decide when the floor is
reached.
"""
Role = Literal["source", "decoy", "same structure", "other process", "random", "scratch"]
TARGETS: tuple[Role, ...] = ("same structure", "other process", "random", "scratch")
"""Roles that learn the process in other words: on the frozen trunk of the process, on that of its decoy, on a
frozen random one, and with everything trained.
"""


def worth(process: processes.Process, n_ctx: int) -> float:
    """What a context is worth: h(1) minus the mean floor, nats per token."""
    return float(processes.h(process, 1)[0] - processes.floor_by_position(process, n_ctx).mean())


@noted(8)
def _decoy_worth(process: processes.Process, n_ctx: int) -> float:
    return worth(processes.decoy(process, seed=0), n_ctx)


def recipes(process: str, setting: Setting) -> Mapping[Role, train.Recipe]:
    """Two sources, a network trained on the process and one on its decoy; then the process in other words,
    four times: on the frozen trunk of either, on a frozen random one, and with everything trained.
    """
    model = PAPER if setting.size == "large" else SMALL
    source, decoy = (standard(name, setting, model=model) for name in (process, f"decoy({process})"))
    # The descent alone: in a finish of second order there are no steps to be counted.
    target, _ = descent(standard(f"synonyms({process}, {SPELLINGS})", setting, model=model))

    def on(trunk: train.Recipe, *fresh: str) -> train.Recipe:
        return replace(target, origin=train.Origin(trunk, fresh=(*WORDS, *fresh), frozen=TRUNK))

    return {
        "source": source,
        "decoy": decoy,
        "same structure": on(source),
        "other process": on(decoy),
        "random": on(source, *TRUNK),
        "scratch": target,
    }


@dataclass(frozen=True, eq=False)
class Transfer:
    """Excess over the floor during training, nats per token, by role, and the excess at which the floor
    counts as reached.
    """

    excess: Mapping[Role, Float[np.ndarray, "seeds steps"]]
    enough: Mapping[Role, float]

    def smooth(self, role: Role) -> Float[np.ndarray, "seeds steps"]:
        """Excess averaged over the last `WINDOW` steps (over fewer at the beginning)."""
        excess = self.excess[role]
        total = np.cumsum(np.pad(excess, ((0, 0), (1, 0))), axis=1)
        last = np.arange(1, excess.shape[1] + 1)
        first = np.maximum(last - WINDOW, 0)
        return (total[:, last] - total[:, first]) / (last - first)

    def steps(self, role: Role) -> Float[np.ndarray, "seeds"]:
        """Batches seen until the smoothed excess is first small enough; the length of the training where it
        never is.
        """
        reached = self.smooth(role) <= self.enough[role]
        return np.where(reached.any(1), reached.argmax(1) + 1.0, reached.shape[1])

    def lag(self, role: Role) -> Float[np.ndarray, "seeds"]:
        """log(mean excess over the whole training in this role / on the trunk of the same structure): who
        learns later, or less, has more of it, whether the floor is reached or not.
        """
        return np.log(self.excess[role].mean(1) / self.excess["same structure"].mean(1))

    def margin(self, role: Role) -> Float[np.ndarray, "seeds"]:
        """log(excess that is enough / smoothed excess in the end): positive where the floor was reached."""
        return np.log(self.enough[role] / np.maximum(self.smooth(role)[:, -1], np.finfo(float).tiny))


def transfer(runs: Mapping[Role, train.Run]) -> Transfer:
    """How fast each of the networks learned."""
    enough = {
        role: LEFT * worth(run.recipe.ground_truth(), run.recipe.model.n_ctx) for role, run in runs.items()
    }
    return Transfer(
        {role: np.asarray(run.history()["excess"], np.float64) for role, run in runs.items()}, enough
    )


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "excess that counts as the floor, nats per token": LEFT * worth(process, n_ctx),
        "worth of a context of the decoy, nats per token": _decoy_worth(process, n_ctx),
        "mean excess over the training": "same structure below other process below random",
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    value = worth(process, n_ctx)
    if value < LEAST_WORTH:
        return (
            f"a context of up to {n_ctx} tokens is worth {value:.1e} nats per token only, too little to see "
            "when it is learned"
        )
    return None


BG15: Claim[Transfer, Transfer] = Claim(
    id="BG15",
    statement=(
        "Same hidden structure, new vocabulary: a trunk trained on a process learns it in other words faster "
        "than another process's trunk."
    ),
    source="A. Shai, public comments; the statistic is this lab's operationalisation",
    tested_on=("mess3", "rrxor", "checksum:ternary"),
    recipes=recipes,
    prediction=_prediction,
    refusal=_refusal,
    evidence=transfer,
    criteria=(
        Criterion(
            "log(mean excess on the decoy's trunk / on the same structure's)",
            lambda t: t.lag("other process"),
            above=0.0,
        ),
    ),
    controls=(
        Criterion(
            "log(mean excess on a random trunk / on the same structure's)",
            lambda t: t.lag("random"),
            above=0.0,
            rival="random features",
        ),
        Criterion(
            "the source network learned the process: log margin",
            lambda t: t.margin("source"),
            above=0.0,
            over="nearly all",
            means="there was no geometry to transfer",
        ),
        Criterion(
            "the decoy's network learned the decoy: log margin",
            lambda t: t.margin("decoy"),
            above=0.0,
            over="nearly all",
            means="the rival had nothing to transfer either",
        ),
        Criterion(
            "the other words can be learned from scratch: log margin",
            lambda t: t.margin("scratch"),
            above=0.0,
            over="nearly all",
            means="these words cannot be learned at all in this training",
        ),
    ),
    drawn_from=Transfer,
    would_change="A trunk of the same structure on which as much is left to learn as on another process's.",
    revision=3,
    limits=(
        "The trunk (positions, blocks, last norm) is frozen; embedding and unembedding are new. The new "
        "words are two equally likely spellings of each old symbol, which leaves every belief as it was. "
        "One decoy stands for all other processes; it has the alphabet, the number of states and the "
        "entropy rate of the process, but a context may be worth less in it, so its trunk may have had "
        "less to learn. How long a training takes to the floor decides nothing where embeddings alone, "
        "through a frozen trunk, do not get there (on RRXOR in pilots none did in 8000 steps, whatever "
        "the trunk or the step size), so what is left to learn is averaged over the training. Small "
        "networks and contexts of 7 tokens unless the large size is asked for."
    ),
)
