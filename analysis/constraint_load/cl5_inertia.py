"""Contextual mass as inertia: whether heads of larger mass respond less to the same disturbance."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

import processes
import toy
import train
from processes.constraints import named_protocol

from ..claim import Claim, Criterion, Setting
from ..instruments.statistics import TIED, partial_rank_correlation, ranks
from ..instruments.untrained import untrained
from ..recipes import PAPER, SMALL, standard
from .attention_rank import contextual_mass, patterns, row_entropy, shuffled_tokens
from .head_response import disturbance, respond

GUARDED = "guarded(mess(x=0.05, a=0.85, s=4); never 0; no 11; no 23; p=0.5)"
"""Three constraints, each switched on by a token of its own in half of all words."""
WORDS = 512
"""Words on which masses and responses are averaged, the same for all networks."""
SIZE = 0.3
"""Length of the disturbance over that of the stream it is added to."""
SHUFFLES = 1000
"""Deals of the masses among the heads behind the null."""


def recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """One network with four heads in every block."""
    shape = replace(SMALL, n_heads=4) if setting.size == "small" else replace(PAPER, n_heads=4, d_head=16)
    return {"transformer": standard(process, setting, model=shape)}


@dataclass(frozen=True, eq=False)
class Heads:
    """Every head of some networks."""

    mass: Float[np.ndarray, "seeds L H"]  # contextual mass, mean over words
    rows: Float[np.ndarray, "seeds L H"]  # row entropy, nats, likewise
    output: Float[np.ndarray, "seeds L H"]  # response of the head's output
    prediction: Float[np.ndarray, "seeds L H"]  # response of the prediction through the head, nats
    shuffled: Float[np.ndarray, "seeds L H"]  # mass on words with shuffled tokens
    by_load: Float[
        np.ndarray, "counts seeds L"
    ]  # mass by the number of constraints that are on, mean over heads

    def given_rows(
        self, response: str = "output", *, within_blocks: bool = False
    ) -> Float[np.ndarray, "seeds"]:
        """Partial rank correlation of mass and response over heads, given row entropy; of ranks within each
        block if so asked.
        """
        values = (self.mass, getattr(self, response), self.rows)
        ranked = [ranks(v) if within_blocks else v for v in values]
        return partial_rank_correlation(*(v.reshape(len(v), -1) for v in ranked))

    def dealt(self) -> Float[np.ndarray, "seeds"]:
        """The same with the masses dealt anew among the heads, mean over `SHUFFLES` deals."""
        mass, output, rows = (
            np.tile(v.reshape(len(v), -1), (SHUFFLES, 1, 1)) for v in (self.mass, self.output, self.rows)
        )
        return partial_rank_correlation(np.random.default_rng(0).permuted(mass, axis=-1), output, rows).mean(
            0
        )


@dataclass(frozen=True, eq=False)
class Inertia:
    """Heads of trained and of untrained networks, and what the disturbances were."""

    trained: Heads
    untrained: Heads
    added: Float[np.ndarray, "seeds"]  # mean length of the disturbances over the one asked for
    still: Float[np.ndarray, "seeds"]  # largest response to a disturbance of no length
    learned: Float[np.ndarray, "seeds"]  # excess at the end of training over that at its beginning


def inertia(runs: Mapping[str, train.Run]) -> Inertia:
    """Masses and responses of all heads, trained and untrained, on the same words and disturbances."""
    (run,) = runs.values()
    model, process = run.recipe.model, run.recipe.ground_truth()
    assert isinstance(model, toy.TransformerConfig)
    words, rng = (
        processes.sample(process, (WORDS, model.n_ctx), np.random.default_rng(0)),
        np.random.default_rng(1),
    )
    dealt, count = shuffled_tokens(words, rng), switched_on(run.recipe.process, words)
    by = disturbance(model, WORDS, size=SIZE, seed=2)

    def heads(params) -> tuple[Heads, np.ndarray]:
        pattern, found = patterns(model, params, words), respond(model, params, words, by)
        mass = contextual_mass(pattern)
        by_load = np.stack([mass[..., count == n].mean((2, 3)) for n in np.unique(count)])
        shuffled = contextual_mass(patterns(model, params, dealt)).mean(-1)
        return Heads(
            mass.mean(-1), row_entropy(pattern).mean(-1), found.output, found.prediction, shuffled, by_load
        ), found.added

    params = run.params()
    trained, added = heads(params)
    still = respond(model, params, words, by._replace(size=0.0)).output.max((1, 2))
    excess = np.asarray(run.history()["excess"], np.float64)
    last = min(50, excess.shape[1])
    return Inertia(
        trained,
        heads(untrained(run.recipe))[0],
        added.mean((1, 2)) / SIZE,
        still,
        excess[:, -last:].mean(1) / excess[:, 0],
    )


def switched_on(process: str, words: Int[np.ndarray, "W T"]) -> Int[np.ndarray, "W"]:
    """Number of constraints that the control tokens of each word switch on; zero where the process is not a
    guarded one.
    """
    if not process.strip().startswith("guarded"):
        return np.zeros(len(words), np.int64)
    guarded = named_protocol(process, processes.named)
    return (words[:, : len(guarded.constraints)] > guarded.base.vocab).sum(1)


def uniform(n_ctx: int) -> Float[np.ndarray, "T T"]:
    """Attention that looks at all that it sees alike."""
    return np.tri(n_ctx) / np.arange(1, n_ctx + 1)[:, None]


def shown(e: Inertia) -> dict[str, np.ndarray]:
    """Every quantity of trained and untrained heads."""
    out: dict[str, np.ndarray] = {}
    for which, heads in (("trained", e.trained), ("untrained", e.untrained)):
        out |= {
            f"{which} {name}": getattr(heads, name)
            for name in ("mass", "rows", "output", "prediction", "shuffled", "by_load")
        }
        out[f"{which} prediction correlation"] = heads.given_rows("prediction")
        out[f"{which} correlation"] = heads.given_rows()
    return out


CL5 = Claim(
    id="CL5",
    statement=(
        "Contextual mass is inertia: heads of larger mass respond less to the same disturbance, beyond what "
        "row entropy explains."
    ),
    source=(
        "contextual mass as a theory has it, in words; the formula (Roy & Vetterli 2007) and the statistic "
        "are this lab's operationalisation"
    ),
    tested_on=(GUARDED, "mess3"),
    recipes=recipes,
    prediction=lambda process, n_ctx: {
        "partial rank correlation of mass and response, given row entropy": "negative",
        "mass of attention that looks at all it sees alike": float(contextual_mass(uniform(n_ctx))),
        "its row entropy, nats": float(row_entropy(uniform(n_ctx))),
    },
    evidence=inertia,
    criteria=(
        Criterion(
            "rank correlation of mass and response, given row entropy",
            lambda e: e.trained.given_rows(),
            below=0.0,
        ),
        Criterion(
            "the same minus that of untrained networks",
            lambda e: e.trained.given_rows() - e.untrained.given_rows(),
            below=0.0,
        ),
    ),
    controls=(
        Criterion(
            "the same among the heads of one block: not depth alone",
            lambda e: (
                e.trained.given_rows(within_blocks=True) if e.trained.given_rows().mean() < -TIED else None
            ),
            below=0.0,
        ),
        Criterion(
            "masses shuffled among heads: mean correlation",
            lambda e: e.trained.dealt(),
            above=-0.1,
            below=0.1,
        ),
        Criterion(
            "length of the disturbances over the one asked for", lambda e: e.added, above=0.999, below=1.001
        ),
        Criterion(
            "largest response to a disturbance of no length", lambda e: e.still, above=-1e-6, below=1e-6
        ),
        Criterion("the task was learned: share of the excess at the start", lambda e: e.learned, below=0.2),
    ),
    shown=shown,
    limits=(
        "Mass is the logarithm of the effective rank of a head's attention matrix over that of the number of "
        "positions. The disturbance is random, "
        "0.3 of the length of the stream that it is added to, at one earlier position before the head's own "
        "block; the response is read at the "
        "last position, so a head that looks at its own position only has full mass and no response whatever "
        "the network has learned. Row "
        "entropy does not tell such a head from one that looks at one earlier position, which is why "
        "untrained networks are the comparison. "
        "Sixteen heads a network leave a wide interval in each. The response of the prediction through one "
        "head alone is kept with the verdict "
        "and is not judged."
    ),
)
