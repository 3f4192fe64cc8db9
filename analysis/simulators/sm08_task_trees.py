"""SM8: task trees. Which task it is, then the algorithm for it: does a network find out in this order along
its depth, and does it keep a direction for each task?
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion, Setting
from ..controls import learned_by
from ..instruments.contexts import contexts
from ..instruments.decompositions.mixtures import mixture_of, the_mixture
from ..instruments.evidence import Evidence, unlearned
from ..instruments.probing.study import LEAST_WORTH, study
from ..recipes import SMALL, standard
from .sm08_task_depth import Curves, Reader, as_fabric, fabric, half_depth, of_networks
from .sm08_task_grid import grid_of, one_hotness, task_means

DEPTH = 4
"""Blocks."""
LONGEST, MOST = 10, 5000
"""Tokens of the longest contexts, or as many fewer as leave so many to be read."""
LEAST_READ = 0.1
"""Partial R2 at the last layer below which there is no rise to be timed."""
NEARER = 0.5
"""From additive (0) to a direction for each task (1): what lies nearer to the latter."""
UNLEARNED = 1e-3
"""Share of what contexts are worth that networks may have left to learn: mixtures of many tasks take long."""


@dataclass(frozen=True, eq=False)
class TaskTrees:
    """What is read at every depth, before the first block and after each, given next tokens, window and pair
    counts; and what stands for tasks in the last stream.
    """

    task: Float[np.ndarray, "seeds L"]
    state: Float[np.ndarray, "seeds L"]
    fabric_task: Float[np.ndarray, "seeds L"]  # of exact beliefs in as much noise as each layer seems to have
    fabric_state: Float[np.ndarray, "seeds L"]
    untrained_task: Float[np.ndarray, "seeds 1"]  # at the last layer
    untrained_state: Float[np.ndarray, "seeds 1"]
    one_hot: Float[np.ndarray, "seeds"]  # 0 additive, 1 a direction for each task; NaN where there is no grid
    untrained_one_hot: Float[np.ndarray, "seeds"]
    one_hot_of_beliefs: float  # of exact beliefs about all states
    one_hot_of_next: float  # of exact distributions of the next token
    unlearned: Float[np.ndarray, "seeds"]

    @property
    def in_grid(self) -> bool:
        """Whether tasks are pairs of attributes."""
        return bool(np.isfinite(self.one_hot).all())

    def later(self) -> Float[np.ndarray, "seeds"]:
        """Blocks until half of the task is read, minus blocks until half of the state is."""
        return _later(self.task, self.state)

    def later_than_fabric(self) -> Float[np.ndarray, "seeds"]:
        """The same minus what it would be of beliefs that come into focus as a whole."""
        return self.later() - _later(self.fabric_task, self.fabric_state)

    def read(self) -> Float[np.ndarray, "seeds"]:
        """Partial R2 at the last layer, of task or state, whichever is read less."""
        return np.minimum(self.task[:, -1], self.state[:, -1])

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """The same minus the most that untrained networks tell of either."""
        fresh = [v[:, -1].max() for v in (self.untrained_task, self.untrained_state)]
        return np.minimum(self.task[:, -1] - fresh[0], self.state[:, -1] - fresh[1])


def _later(task: np.ndarray, state: np.ndarray) -> np.ndarray:
    return np.array([half_depth(t) - half_depth(s) for t, s in zip(task, state, strict=True)])


def task_trees(runs: Mapping[str, train.Run]) -> TaskTrees:
    """Read the networks of a mixture, and as many untrained ones."""
    (run,) = runs.values()
    s = study(run)
    t, mixture = s.contexts, the_mixture(s.contexts.process)
    reader = Reader(t)
    seen = of_networks(s.trained, s.layers, reader)
    fresh = of_networks(s.untrained, s.layers[-1:], reader)
    focused = fabric(reader)
    alike = [as_fabric(curves, focused) for curves in seen]
    grid = grid_of(mixture)

    def code(x: np.ndarray) -> float:
        return np.nan if grid is None else one_hotness(task_means(x, t, mixture), grid)

    def codes(networks: Sequence[Evidence]) -> np.ndarray:
        return np.array([code(s.features_of(e, s.final_layer)) for e in networks])

    return TaskTrees(
        *_stacked(seen),
        *_stacked(alike),
        *_stacked(fresh),
        codes(s.trained),
        codes(s.untrained),
        code(t.belief),
        code(t.next_token),
        unlearned(s.trained),
    )


def _stacked(curves: list[Curves]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([c.task for c in curves]), np.array([c.state for c in curves])


def context(process: processes.Process) -> int:
    """Tokens of the longest contexts, up to `LONGEST`, of which there are few enough to read."""
    fits = [n for n in range(5, LONGEST + 1) if processes.count_words(process, n, most=MOST) is not None]
    return max(fits, default=5)


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    truth = processes.named(process)
    model = replace(SMALL, n_ctx=context(truth), n_layers=DEPTH)
    return {"transformer": standard(process, setting, model=model)}


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    mixture = the_mixture(process)
    left = processes.component_entropies(mixture, n_ctx)
    told: dict[str, Any] = {f"H(task | {L} tokens), nats": float(left[L]) for L in (0, n_ctx // 2, n_ctx)}
    grid = grid_of(mixture)
    if grid is not None:
        t, (a, b) = contexts(process, n_ctx), grid.shape
        told["additive share of one-hots"] = (a + b - 2) / (a * b - 1)
        told["from additive (0) to one-hot (1): beliefs about all states"] = one_hotness(
            task_means(t.belief, t, mixture), grid
        )
        told["dimensions of one-hots, and of a sum over attributes"] = [a * b - 1, a + b - 2]
    return told


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if mixture_of(process) is None:
        return "it is not a mixture of several components; write one, as mixture(even, golden_mean)"
    t = contexts(process, n_ctx)
    if t.worth < LEAST_WORTH:
        return f"contexts are worth {max(t.worth, 0.0):.1e} nats per token, and {LEAST_WORTH} are asked for"
    reader = Reader(t)
    if "posterior" not in reader.known:
        return "which component writes is told by next tokens, window and pair counts, so nothing is inferred"
    if not reader.within or "belief" not in reader.known:
        return "states within its components are told by the tokens read, so there is no algorithm to time"
    return None


def _in_grid(e: TaskTrees) -> bool:
    return e.in_grid


SM8: Claim[TaskTrees, TaskTrees] = Claim(
    id="SM8",
    statement=(
        "Task trees: along depth a network reads which task it is before the state within the task, and "
        "where tasks are pairs of attributes it keeps a direction for each pair and not for each attribute."
    ),
    source="public comments on the structure of tasks; formula: this lab's operationalisation",
    tested_on=(
        "mixture(golden_mean * golden_mean, golden_mean * even, even * golden_mean, even * even)",
        "mixture(golden_mean * golden_mean, golden_mean * even, golden_mean * zero_one_random, "
        "even * golden_mean, even * even, even * zero_one_random, zero_one_random * golden_mean, "
        "zero_one_random * even, zero_one_random * zero_one_random)",
        "mixture(mixture(golden_mean, even), mixture(rrxor, zero_one_random))",
    ),
    recipes=_recipes,
    evidence=task_trees,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion("depth at half of the task minus depth at half of the state", TaskTrees.later, below=0.0),
        Criterion(
            "task means, from a sum over attributes (0) to a direction for each task (1)",
            lambda e: e.one_hot,
            above=NEARER,
            only_if=_in_grid,
        ),
    ),
    controls=(
        learned_by(lambda e: e.unlearned, UNLEARNED),
        Criterion(
            "partial R2 at the last layer, of task or state",
            TaskTrees.read,
            above=LEAST_READ,
            means="task or state is not read at the last layer, so that there is no rise to be timed",
        ),
        Criterion(
            "the same above every untrained network",
            TaskTrees.beyond_untrained,
            above=0.0,
            means="any network tells as much of task or state",
        ),
        Criterion(
            "difference of depths minus that of beliefs which come into focus as a whole",
            TaskTrees.later_than_fabric,
            below=0.0,
            rival="one fabric of beliefs",
        ),
        Criterion(
            "task means beyond those of exact beliefs about all states",
            lambda e: e.one_hot - e.one_hot_of_beliefs,
            above=0.0,
            rival="one fabric of beliefs, in which tasks are as far from a sum",
            only_if=_in_grid,
        ),
    ),
    drawn_from=TaskTrees,
    would_change=(
        "Networks in which the state within a task is read as early as the task, or whose task means are "
        "sums over attributes."
    ),
    limits=(
        "Depth is in blocks of networks of four, linear between them. Partial R2 is that of a linear "
        "probe given next tokens, window and pair counts; states within a task count on the text of that "
        "task, and are a quotient of beliefs about everything, so that a probe can find them harder than "
        "the task where both are held: the fabric says by how much, as exact beliefs in as much isotropic"
        " noise as leaves the layer's partial R2 of beliefs about everything. Task means are those of the"
        " last stream after the longest words, with all that differs between tasks there, next tokens "
        "too. In a grid of independent attributes the posterior is a product, so that a sum over "
        "attributes loses nothing. That a task is read is no proof that it is used."
    ),
)
