"""MI8: truth-like features are many.

Each constraint of a ledger that is on or off is a fact, and a network at the last control holds all of them.
The negation is exact: every control is turned round, which is as probable where flags are on half of the
time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

import processes
import toy
import train
from processes.constraints import Ledger

from ..claim import Claim, Criterion, Setting
from ..controls import learned_by
from ..instruments.contexts import worth
from ..instruments.decompositions.truths import OF_SUMS, contrast_consistent, odd_labels, salience
from ..instruments.evidence import divergence
from ..instruments.forward import cast_up, forward, log_distribution
from ..instruments.statistics import rank_correlation, slope
from ..instruments.untrained import untrained

RESTARTS = 256
"""Starts of every search."""
FEWEST, MOST = 3, 5
"""Facts of the largest ledger: a slope needs several sizes, and labels of more pairs cannot be listed."""
LISTED = 4
"""Facts at most where all labels are ranked by their salience."""
WIDTH = 8
"""Of the stream: of more dimensions than pairs, every label would be linear."""
STEPS, RATE, VECTOR_RATE = 1000, 2e-2, 1.0
"""Of Muon, with the ratio that CL1 has for embeddings."""
LEARNED = 0.01
"""Share of what the controls are worth that may not be learned; facts are held long before."""
HALF = 0.5
"""Share of solutions that are a fact above which search would mostly find facts."""
TOLD = 0.95
"""Accuracy, on pairs left out, of a probe that is given labels of the fact that it tells worst."""


class Facts(NamedTuple):
    """The role of the networks on a ledger of so many facts."""

    facts: int

    def __str__(self) -> str:
        return f"{self.facts} facts"


@dataclass(frozen=True, eq=False)
class Many:
    """What contrast-consistent search finds in networks on ledgers of D sizes."""

    facts: Int[np.ndarray, "D"]
    count: Float[np.ndarray, "D seeds"]  # distinct answers of all solutions, up to sign
    solved: Float[np.ndarray, "D seeds"]  # share of starts that end in a solution
    single: Float[np.ndarray, "D seeds"]  # share of solutions that are one of the facts
    told: Float[np.ndarray, "D seeds"]  # accuracy of probes with labels, pairs left out, the worst fact
    salient: Float[np.ndarray, "seeds"]  # rank correlation of how often an answer is found and how loud it is
    untrained: Float[np.ndarray, "D seeds"]  # distinct answers in untrained networks
    unlearned: Float[np.ndarray, "D seeds"]  # share of what controls are worth

    def growth(self) -> Float[np.ndarray, "seeds"]:
        """Slope of the log of the number of answers on the number of facts."""
        return slope(np.log(np.maximum(self.count, 0.5)).T, self.facts.astype(float))


def recipes(process: str, setting: Setting) -> Mapping[Facts, train.Recipe]:
    """One-layer transformers on ledgers of 2, 3, ... facts; none where it is refused."""
    asked = processes.source(process)
    if _refusal(asked, 0):
        return {}
    assert isinstance(asked, Ledger)
    found = {}
    for K in range(2, asked.K + 1):
        spec = f"ledger(K={K}, g=1, p=0.5)"
        model = toy.TransformerConfig(
            vocab=processes.source(spec).vocab,
            n_ctx=K,
            n_layers=1,
            n_heads=1,
            d_model=WIDTH,
            d_head=WIDTH,
            d_mlp=4 * WIDTH,
        )
        found[Facts(K)] = train.Recipe(
            spec,
            model,
            "expected",
            train.Optimiser("muon", RATE, warmup=20, schedule="cosine", vector_rate=VECTOR_RATE),
            STEPS,
            batch=32,
            seeds=setting.seeds,
            checkpoints=2,
        )
    return found


def worlds(K: int) -> Bool[np.ndarray, "N K"]:
    """One of every two states of the world that negate each other, in random order and turned round at
    random.
    """
    rng = np.random.default_rng(K)
    half = odd_labels(K)
    return rng.permutation(half ^ (rng.random((len(half), 1)) < 0.5))


def probed(x: Float[np.ndarray, "2 N d"], facts: Bool[np.ndarray, "N K"]) -> float:
    """Accuracy of least squares with labels, each pair told by what was fitted on others: the worst fact."""
    right = np.zeros(facts.shape[1])
    for i in range(len(facts)):
        rest = np.delete(np.arange(len(facts)), i)
        design = np.concatenate([x[0, rest], x[1, rest]])
        centre = design.mean(0)
        labels = np.where(np.concatenate([facts[rest], ~facts[rest]]), 1.0, -1.0)
        coef = np.linalg.lstsq(design - centre, labels, rcond=1e-6)[0]
        right += (((x[0, i] - centre) @ coef > 0) == facts[i]) & (((x[1, i] - centre) @ coef > 0) != facts[i])
    return float(right.min() / len(facts))


def searched(x: Float[np.ndarray, "2 N d"], facts: Bool[np.ndarray, "N K"], *, seed: int) -> dict[str, float]:
    """What is found in the stream of one network on statements and their negations."""
    found = contrast_consistent(x[0], x[1], restarts=RESTARTS, seed=seed)
    answers, count = found.counted
    value = float("nan")
    if facts.shape[1] <= LISTED:
        every = odd_labels(len(facts))
        at = {row.tobytes(): n for row, n in zip(answers ^ answers[:, :1], count, strict=True)}
        often = np.array([at.get(np.ascontiguousarray(row ^ row[:1]).tobytes(), 0) for row in every], float)
        value = float(rank_correlation(often, salience(x[0], x[1], every)))
    return {
        "count": float(len(answers)),
        "solved": float(found.solved.mean()),
        "single": found.share(np.ascontiguousarray(facts.T)),
        "told": probed(x, facts),
        "salient": value,
    }


def streams(run: train.Run, params: toy.Params, on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last stream of every network after all controls of some states, (nets, N, d), and its log
    predictions.
    """
    config, made = run.recipe.model, ledger_of(run)
    passed = forward(config, params, made.controls(on), (config.stream[-1], "logits"), position="last")
    return cast_up(passed[config.stream[-1]]), log_distribution(passed["logits"])


def ledger_of(run: train.Run) -> Ledger:
    """The ledger that a run has learned."""
    found = run.recipe.source()
    assert isinstance(found, Ledger)
    return found


def searching(runs: Mapping[Facts, train.Run]) -> Many:
    """Search every network of every ledger, and untrained ones."""
    rows: dict[str, list[Any]] = {
        n: [] for n in ("count", "solved", "single", "told", "untrained", "unlearned", "salient")
    }
    sizes = sorted(role.facts for role in runs)
    for K in sizes:
        run = runs[Facts(K)]
        half = worlds(K)
        every = np.concatenate([half, ~half])
        stream, log_q = streams(run, run.params(), every)
        fresh, _ = streams(run, untrained(run.recipe), every)
        trained, new = (
            [searched(x.reshape(2, len(half), -1), half, seed=i) for i, x in enumerate(of)]
            for of in (stream, fresh)
        )
        for name in ("count", "solved", "single", "told", "salient"):
            rows[name].append([row[name] for row in trained])
        rows["untrained"].append([row["count"] for row in new])
        made = ledger_of(run)
        exact = made.body(every)
        left = np.array([divergence(exact, own[:, : made.V]).mean() for own in log_q])
        rows["unlearned"].append(left / worth(exact, np.full(len(exact), 1 / len(exact))))
    ranked = max(k for k, K in enumerate(sizes) if K <= LISTED)
    arrays = {name: np.array(values) for name, values in rows.items() if name != "salient"}
    return Many(facts=np.array(sizes), salient=np.array(rows["salient"][ranked]), **arrays)


def _prediction(process: processes.Source, n_ctx: int) -> Mapping[str, Any]:
    K = process.K if isinstance(process, Ledger) else FEWEST
    sizes = range(2, K + 1)
    return {
        "answers that negation allows, up to sign": [2 ** (2 ** (k - 1) - 1) for k in sizes],
        "of these, answers that a sum of facts gives": [OF_SUMS[k - 1] // 2 for k in sizes],
        "answers that the source counts, up to sign": [2 ** (k - 1) for k in sizes],
    }


def _refusal(process: processes.Source, n_ctx: int) -> str | None:
    if not isinstance(process, Ledger):
        return "it is no ledger, whose constraints are facts that can be negated; use ledger(K=5, g=1, p=0.5)"
    if process.p != 0.5:
        return (
            f"its constraints are on with probability {process.p:g}, so that a state and its negation are "
            "not equally probable; use p=0.5"
        )
    if (process.g, process.n) != (1, 1):
        return (
            f"its slots announce {process.g} constraints and its bodies have {process.n} symbols; the claim "
            "takes one of each, as in ledger(K=5, g=1, p=0.5)"
        )
    if not FEWEST <= process.K <= MOST:
        return f"it has {process.K} facts; the claim counts answers on ledgers of up to {FEWEST} to {MOST}"
    return None


MI8: Claim[Many, Many] = Claim(
    id="MI8",
    statement=(
        "Truth-like features are many: the answers that contrast-consistent search finds multiply with the "
        "number of facts, most of them are none of the facts, and the loud ones are found most."
    ),
    source=(
        "comments on truth-like features, in words; the search is that of Burns et al. 2022 "
        "(arXiv:2212.03827); counts of answers, and ledgers with their exact negation, are this lab's "
        "operationalisation"
    ),
    tested_on=("ledger(K=5, g=1, p=0.5)",),
    recipes=recipes,
    evidence=searching,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion("growth of the log of the number of answers with each fact", Many.growth, above=0.0),
        Criterion("share of solutions that are a fact, most facts", lambda m: m.single[-1], below=HALF),
        Criterion(
            f"rank correlation of how often an answer is found and how loud it is, up to {LISTED} facts",
            lambda m: m.salient,
            above=0.0,
        ),
    ),
    controls=(
        learned_by(lambda m: m.unlearned.max(0), LEARNED),
        Criterion(
            "share of starts that end in a solution, fewest of all sizes",
            lambda m: m.solved.min(0),
            above=0.1,
            means="search hardly ever ends in a solution, and counts are of what was left",
        ),
        Criterion(
            "labels given: accuracy on pairs left out, the worst fact of the largest ledger",
            lambda m: m.told[-1],
            above=TOLD,
            means="facts are not held linearly, so that no search for a direction could find them",
        ),
    ),
    literature={
        "language models": (
            "search without labels finds what is true better than prompting (Burns et al. 2022); loud "
            "features of no truth are found as well (Farquhar et al. 2023)"
        )
    },
    drawn_from=Many,
    would_change="Searches that from every start end in the same answer, or in one of the facts.",
    limits=(
        "The source counts 2^d sign patterns of d facts. It is neither the number of answers that negation "
        "allows, 2^(2^(d-1)), nor that of those a sum of facts can give (2, 4, 14, 104, 1882): of an even "
        "number of facts of equal weight a pattern may be torn. Answers are counted as they label all states "
        "of the world, up to sign, from a fixed number of starts, so that large numbers are bounded by it. "
        "In a ledger every fact is used for the answer; a search that ends in one of them has found one of "
        "those. Both sides of pairs are centred together, since which of two states is the statement was "
        "drawn. Answers in untrained networks are drawn beside them, and not judged: two pilots had one to "
        "three at every number of facts."
    ),
)
