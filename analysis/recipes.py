"""How a process is learned unless a claim asks for something else: one rule, so that claims share their
runs."""

from collections.abc import Mapping
from dataclasses import replace

import processes
import toy
from train import Optimiser, Recipe

from .claim import DEFAULT, Setting

PAPER = toy.TransformerConfig(vocab=2, n_ctx=10, n_layers=4, n_heads=1, d_model=64, d_head=8, d_mlp=256)
"""The transformer of Shai et al. 2024, for two symbols."""
SMALL = replace(PAPER, n_ctx=7, n_layers=2, d_model=32, d_mlp=128)
"""One that trains several times faster, for searches over many processes."""
FOUR_HEADS = replace(PAPER, n_ctx=8, n_heads=4, d_head=16)
"""The transformer of Riechers et al. 2025: four heads of sixteen, contexts of eight tokens."""
FEW = 4000
"""Up to so many prefixes, every one is seen in every step (measured: what it costs, it repays; see the log).
"""


def standard(process: str, setting: Setting = DEFAULT, *, model: toy.Config | None = None) -> Recipe:
    """The recipe by which this lab learns a process: exact targets, and every prefix in every step where
    these are few.

    `model` is taken as it is but for its vocabulary, which is the process's; by default it is the paper's, or
    `SMALL` if so asked.
    """
    model = model or (SMALL if setting.size == "small" else PAPER)
    vocab = processes.named(process).vocab
    population = sum(vocab**length for length in range(1, model.n_ctx + 1)) <= FEW
    return Recipe(
        process=process,
        model=replace(model, vocab=vocab),
        objective="population" if population else "expected",
        optimiser=Optimiser("adam", learning_rate=2e-3 if population else 3e-3, warmup=50, schedule="cosine"),
        steps=1500 if population else 1200,
        batch=None if population else 32,
        seeds=setting.seeds,
    )


def one_run(process: str, setting: Setting) -> Mapping[str, Recipe]:
    """What a claim about the networks of one recipe has trained for it."""
    return {"transformer": standard(process, setting)}
