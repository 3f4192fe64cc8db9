"""How far small transformers get at telling satisfiable from contradictory random k-XORSAT instances, by
density.

python -m benchmarks.xorsat                                   n = 8, at 5, 7 and 9 equations
python -m benchmarks.xorsat --n 12 --equations 8 11 13        a larger one

Each density is one recipe: a transformer without positions (equations have no order), fresh instances in
every step, Adam with a cosine. Networks are judged on instances drawn anew, beside the best guess that never
looks, which costs the entropy of the verdict, and beside readers that know every contradiction among at most
two or four equations and guess as well as they can where they see none. The exact solver, elimination, has
excess 0. A line a density is added to docs/xorsat.jsonl, and docs/xorsat.md rendered anew.
"""

import datetime
from dataclasses import dataclass
from itertools import combinations

import jax
import numpy as np
import tyro

import processes
import toy
import train
from processes.constraints import Instances, instances

from .table import ROOT, commit, filled, keep, kept

TRIALS = ROOT / "docs" / "xorsat.jsonl"
PAGE = ROOT / "docs" / "xorsat.md"
WORDS = 2**14
"""Instances on which networks and readers are judged, the same for all of a density."""
READERS = (2, 4)
"""Most equations that a reader combines. With k odd, an odd number of left sides never cancels."""


@dataclass(frozen=True)
class Trial:
    """Networks at a few densities."""

    n: int = 8
    k: int = 3
    equations: tuple[int, ...] = (5, 7, 9)
    d_model: int = 32
    n_layers: int = 2
    learning_rate: float = 3e-3
    batch: int = 64
    steps: int = 5000
    seeds: int = 4
    first_seed: int = 0

    def recipe(self, m: int) -> train.Recipe:
        """As it is trained at one density."""
        asked = instances(n=self.n, k=self.k, m=m)
        model = toy.TransformerConfig(
            vocab=asked.vocab,
            n_ctx=asked.slots,
            n_layers=self.n_layers,
            n_heads=4,
            d_model=self.d_model,
            d_head=self.d_model // 4,
            d_mlp=4 * self.d_model,
            activation="gelu",
            positions="none",
        )
        optimiser = train.Optimiser(
            "adam", self.learning_rate, warmup=min(50, self.steps - 1), schedule="cosine"
        )
        return train.Recipe(
            asked.name,
            model,
            "expected",
            optimiser,
            self.steps,
            self.batch,
            self.seeds,
            self.first_seed,
            checkpoints=2,
        )


def entropy(p: float) -> float:
    """Of a coin, nats."""
    return abs(sum(q * float(np.log(q)) for q in (p, 1 - p) if q > 0))


def reader(asked: Instances, words: np.ndarray, most: int) -> tuple[float, float]:
    """Accuracy and excess, nats, of who sees the contradictions among at most so many equations, and else
    guesses at the right rate.
    """
    rows, satisfiable = asked.rows[words[:, : asked.m]], asked.satisfiable(words)
    seen = np.zeros(len(words), bool)
    for size in range(1, most + 1):
        for chosen in combinations(range(asked.m), size):
            seen |= np.bitwise_xor.reduce(rows[:, list(chosen)], axis=1) == 1  # they say 0 = 1
    unseen, p = float((~seen).mean()), float(satisfiable[~seen].mean())
    return 1 - unseen * min(p, 1 - p), unseen * entropy(p)


def judged(model: toy.Config, params: toy.Params, words: np.ndarray) -> tuple[float, float]:
    """Accuracy and excess, nats, of one network: its mean surprise at the verdict, since the exact
    distribution is sure of it.
    """
    logits = jax.jit(lambda p: toy.network(model).apply(p, words[:, :-1])["logits"][:, -1])(params)
    log_q = np.asarray(jax.nn.log_softmax(logits), np.float64)
    return float((log_q.argmax(1) == words[:, -1]).mean()), float(
        -log_q[np.arange(len(words)), words[:, -1]].mean()
    )


def run(trial: Trial, m: int) -> dict:
    """Train at one density, and judge networks and readers."""
    recipe = trial.recipe(m)
    for last in train.fit(recipe, report_every=20.0):
        print(
            f"{recipe.process}, step {last.step}: {last.excess.mean():.3f} nats after {last.seconds:.0f} s",
            flush=True,
        )
    asked = processes.source(recipe.process)
    assert isinstance(asked, Instances)
    words, (p, _) = asked.sample(WORDS, np.random.default_rng(0)), asked.consistency()
    found = [
        judged(recipe.model, jax.tree.map(lambda leaf, i=i: leaf[i], last.state.params), words)
        for i in range(trial.seeds)
    ]
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit()[0],
        **{name: value for name, value in vars(trial).items() if name != "equations"},
        "m": m,
        "hash": recipe.hash,
        "satisfiable": round(p, 4),
        "networks": np.round(found, 4).tolist(),
        "guess": [round(max(p, 1 - p), 4), round(entropy(p), 4)],
        "readers": {str(most): np.round(reader(asked, words, most), 4).tolist() for most in READERS},
    }


def table(trials: list[dict]) -> list[str]:
    """One line a density, the latest of each setting: accuracy / excess in nats of networks (mean, and from
    worst to best), guess and readers.
    """
    told = [
        "n, k",
        "equations",
        "a variable",
        "P(satisfiable)",
        "d_model, layers",
        "steps of batch",
        "networks",
        "worst to best",
        "guess",
        *(f"reads {j}" for j in READERS),
        "commit",
    ]
    lines = [f"| {' | '.join(told)} |", "|" + "---|" * len(told)]
    latest = {
        tuple(
            t[name] for name in ("n", "k", "m", "d_model", "n_layers", "steps", "batch", "learning_rate")
        ): t
        for t in trials
    }
    for _, t in sorted(latest.items()):
        accuracy, excess = np.array(t["networks"]).T
        cells = (
            f"{t['n']}, {t['k']}",
            t["m"],
            f"{t['m'] / t['n']:.3f}",
            f"{t['satisfiable']:.3f}",
            f"{t['d_model']}, {t['n_layers']}",
            f"{t['steps']} of {t['batch']}",
            f"**{accuracy.mean():.3f} / {excess.mean():.3f}**",
            f"{accuracy.min():.3f} / {excess.max():.3f} to {accuracy.max():.3f} / {excess.min():.3f} "
            f"({len(excess)})",
            *(f"{a:.3f} / {e:.3f}" for a, e in (t["guess"], *(t["readers"][str(j)] for j in READERS))),
            f"{t['date']} `{t['commit']}`",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def history() -> list[dict]:
    """All trials recorded."""
    return kept(TRIALS)


def main() -> None:
    """Run one trial density by density, and keep each."""
    trial = tyro.cli(Trial)
    train.use_all_cores()
    for m in trial.equations:
        entry = run(trial, m)
        print("\n".join(table([entry])), flush=True)
        keep(TRIALS, entry)
        PAGE.write_text(filled(PAGE.read_text(), table(history())))


if __name__ == "__main__":
    main()
