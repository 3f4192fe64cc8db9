"""The PyTorch peers as seen from here: processes in an environment of their own, and the proof that they
train our model.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np

import processes
import toy
import train

from .speed import Speed, together

PYTHON = Path(__file__).parents[1] / ".venv-peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("peer_torch.py")
MODELS = ("hooked", "plain")
"""HookedTransformer, and a plain PyTorch module. `compiled`, the latter under torch.compile, can be asked for
as well; it never won.
"""


class Peer:
    """One PyTorch process."""

    def __init__(self, config: toy.TransformerConfig, tokens: Path):
        command = [str(PYTHON), str(SCRIPT), json.dumps(asdict(config)), str(tokens)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def send(self, **request: Any) -> None:
        """Ask, without waiting."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for the answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(
                f"the PyTorch peer ended with status {self.process.wait()}; run {SCRIPT.name} by hand to see "
                "why, or `make peers` anew"
            )
        return json.loads(line)

    def ask(self, **request: Any) -> dict[str, Any]:
        """Ask and wait."""
        self.send(**request)
        return self.answer()


@contextlib.contextmanager
def started(config: toy.TransformerConfig, tokens: Path) -> Iterator[tuple[Peer, Peer]]:
    """Two PyTorch processes, ended on leaving."""
    both = Peer(config, tokens), Peer(config, tokens)
    try:
        yield both
    finally:
        for peer in both:
            peer.process.terminate()
            peer.process.wait()


def in_turn(peer: Peer, model: str, *, seeds: int, threads: int, seconds: float) -> Speed:
    """Seed-steps of one process that trains all seeds."""
    return together([peer.ask(do="train", model=model, seeds=seeds, threads=threads, seconds=seconds)])


def side_by_side(both: tuple[Peer, Peer], model: str, *, seeds: int, seconds: float) -> Speed:
    """Seed-steps of two processes of one thread that train half of the seeds each, at the same time."""
    for peer in both:
        peer.send(do="train", model=model, seeds=seeds // 2, threads=1, seconds=seconds)
    return together([peer.answer() for peer in both])


def peak(peer: Peer, size: int, threads: int) -> Speed:
    """GFLOP of one large float32 product."""
    return together([peer.ask(do="matmul", size=size, threads=threads)])


def hooked_names(params: toy.Params, config: toy.TransformerConfig) -> dict[str, np.ndarray]:
    """Parameters, or their gradient, under TransformerLens' names and in its shapes."""
    named = toy.to_transformer_lens(config, params)
    return {name: value for name, value in named.items() if name != "unembed.b_U"}  # which is zero, and fixed


def disagreement(
    peer: Peer, config: toy.TransformerConfig, words: np.ndarray, folder: Path
) -> dict[str, float]:
    """Largest difference between our logits and theirs, and between our gradient of the cross entropy and
    HookedTransformer's.

    Both from our own weights, each relative to the largest entry of ours (for the gradient: of that
    parameter's gradient, where it is not zero by symmetry, as that of the key's bias is).
    """
    network = toy.network(config)
    # Moved off the initial values, so that every bias and every norm's scale takes part.
    params = jax.tree.map(
        lambda leaf: leaf + 0.05 * jax.random.normal(jax.random.key(leaf.size), leaf.shape),
        network.init(jax.random.key(0)),
    )
    inputs, targets = processes.alignment.split(words)

    def loss(params):
        logits = network.apply(params, inputs)["logits"]
        return -jax.numpy.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1).mean(), logits

    (_, logits), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    np.savez(folder / "weights.npz", **hooked_names(params, config))
    np.save(folder / "words.npy", words)
    out = folder / "theirs.npz"
    peer.ask(do="check", weights=str(folder / "weights.npz"), tokens=str(folder / "words.npy"), out=str(out))
    theirs, gradient = np.load(out), hooked_names(gradient, config)
    biggest = max(np.abs(g).max() for g in gradient.values())
    scale = {name: max(np.abs(g).max(), 1e-3 * biggest) for name, g in gradient.items()}
    return {
        f"{name} logits": float(np.abs(theirs[name] - logits).max() / np.abs(logits).max()) for name in MODELS
    } | {
        "hooked gradient": float(
            max(np.abs(theirs[f"grad.{name}"] - g).max() / scale[name] for name, g in gradient.items())
        )
    }


def draw(process: processes.Process, batches: int, batch: int, n_ctx: int) -> np.ndarray:
    """Words (batches, batch, n_ctx + 1) as our own training draws them, for peers to train on."""
    words = train.sample(train.tables(process), jax.random.key(0), batches * batch, n_ctx + 1)
    return np.asarray(words, np.int32).reshape(batches, batch, n_ctx + 1)
