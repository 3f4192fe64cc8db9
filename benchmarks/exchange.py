"""Do exported networks compute there what they compute here? Every option that TransformerLens knows as well,
in both of its generations.

    python -m benchmarks.exchange [--peers PYTHON] [--bridge PYTHON]      appends to docs/exchange.jsonl

Logits of random networks on random words, and what passes every hook, beside our sites of the same names.
`make peers` and `make bridge` make the environments.
"""

import dataclasses
import datetime
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import tyro

import toy
import train
from toy.inputs import by_path
from toy.sites import Place
from train.runs.exported import Target

from .table import ROOT, commit, keep

HISTORY = ROOT / "docs" / "exchange.jsonl"
SCRIPT = Path(__file__).with_name("peer_exchange.py")
PLAIN = toy.TransformerConfig(vocab=3, n_ctx=8, n_layers=2, n_heads=3, d_model=16, d_head=4, d_mlp=24)
VARIANTS: Mapping[str, toy.TransformerConfig] = {
    "as is": PLAIN,
    "gelu, rms": replace(PLAIN, activation="gelu", norm="rms"),
    "silu, no norm": replace(PLAIN, activation="silu", norm="none"),
    "rotary": replace(PLAIN, positions="rotary"),
    "rotary, two channels": replace(PLAIN, positions="rotary", d_head=2),
    "no positions, tied": replace(PLAIN, positions="none", tied=True),
    "attention only": replace(PLAIN, d_mlp=0),
}
TARGETS: tuple[Target, ...] = ("transformer_lens", "transformer_bridge")
NORMS = {"ln1.normalized": "attention_norm", "ln2.normalized": "mlp.norm", "final_norm": "norm"}
"""Kinds of sites behind norms, and what these are called among parameters."""
WITHIN = 1e-5
"""How far logits may differ, relative to the largest."""


@dataclass(frozen=True)
class Options:
    """Export networks to TransformerLens and compare what they compute."""

    peers: Path = ROOT / ".venv-peers" / "bin" / "python"
    """Interpreter with PyTorch and TransformerLens 2."""
    bridge: Path = ROOT / ".venv-bridge" / "bin" / "python"
    """Interpreter with PyTorch and TransformerLens 4."""


@dataclass(frozen=True)
class Compared:
    """One network here and there: the largest difference, relative to the largest number."""

    logits: float
    sites: float
    """Over all hooks that have a site here."""
    hooks: int
    """How many."""


def weights(config: toy.TransformerConfig) -> toy.Params:
    """Of a random network whose every bias and scale takes part."""
    return jax.tree.map(
        lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape),
        toy.network(config).init(jax.random.key(0)),
    )


def words(config: toy.TransformerConfig) -> np.ndarray:
    """Random words of full length."""
    return np.random.default_rng(0).integers(config.vocab, size=(32, config.n_ctx))


def exportable(target: Target) -> Iterator[tuple[str, toy.TransformerConfig]]:
    """The variants that a generation knows."""
    for name, config in VARIANTS.items():
        try:
            toy.transformer_lens_settings(config, "hooked" if target == "transformer_lens" else "bridge")
        except toy.ModelError:
            continue
        yield name, config


def compare(python: Path, target: Target) -> tuple[dict[str, Any], dict[str, Compared]]:
    """Versions there, and every variant compared. Raises `SystemExit` with what was said there if that
    failed.
    """
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        for name, config in exportable(target):
            stack = jax.tree.map(lambda leaf: np.asarray(leaf)[None], weights(config))
            recipe = train.Recipe(
                "mess3", config, "sampled", train.Optimiser("adam", 1e-3), steps=1, batch=1, seeds=1
            )
            network = SimpleNamespace(recipe=recipe, params=lambda stack=stack: stack)
            train.export_weights(network, folder / f"{name}.safetensors", to=target)
            np.save(folder / f"{name}.npy", words(config))
        done = subprocess.run([python, SCRIPT, folder], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{python} {SCRIPT.name} failed: {done.stderr.strip().splitlines()[-1]}")
        found = {
            name: _compared(config, np.load(folder / f"{name}.npz"), target)
            for name, config in exportable(target)
        }
    return json.loads(done.stdout.splitlines()[-1]), found


def _compared(config: toy.TransformerConfig, theirs: Mapping[str, np.ndarray], target: Target) -> Compared:
    sites, params = (*config.sites, *config.inner_sites), weights(config)
    ours = toy.network(config).apply(params, words(config), sites=sites)
    apart = {}
    for site in sites:
        hook, kind = toy.hook_name(site), Place.of(site).kind
        if hook in theirs:
            here, there = np.asarray(ours[site]), theirs[hook]
            if kind in NORMS and (target == "transformer_bridge" or config.norm == "rms"):
                there = _scaled(site, there, by_path(params))
            if kind == "attn.attn_scores":
                if target == "transformer_bridge":
                    continue  # which shows what comes after the softmax there
                seen = np.isfinite(there)
                there, here = np.where(seen, there, 0), np.where(seen, here, 0)
            apart[site] = float(np.abs(here - there).max() / np.abs(there).max())
    logits = np.asarray(ours["logits"])
    return Compared(
        float(np.abs(logits - theirs["logits"]).max() / np.abs(logits).max()), max(apart.values()), len(apart)
    )


def _scaled(site: str, theirs: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    """What is before scale and shift there, after them, as ours is."""
    place = Place.of(site)
    path = Place(NORMS[place.kind], place.block).name  # parameters of a block are under its name as well
    return theirs * np.asarray(params[f"{path}.scale"]) + np.asarray(params.get(f"{path}.bias", 0.0))


def main(options: Options) -> None:
    """Compare, print and keep."""
    name, clean = commit()
    for target, python in zip(TARGETS, (options.peers, options.bridge), strict=True):
        if not python.exists():
            print(f"{target}: there is no {python}; `make peers` and `make bridge` make them")
            continue
        versions, found = compare(python, target)
        for variant, it in found.items():
            print(f"{target:<19}{variant:<22}logits {it.logits:.1e}, {it.hooks} hooks {it.sites:.1e}")
        head = {"date": datetime.date.today().isoformat(), "commit": name + ("" if clean else "+")}
        told = {"target": target, "versions": versions, "within": WITHIN}
        compared = {variant: dataclasses.asdict(it) for variant, it in found.items()}
        keep(HISTORY, head | told | {"found": compared})


if __name__ == "__main__":
    main(tyro.cli(Options))
