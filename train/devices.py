"""Which devices train what: cores as devices, several hosts as one, seeds and data spread over all of them."""

import os
import warnings
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax._src.lru_cache import LRUCache
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from processes.whole import replacing

from .recipe import Recipe, RecipeError


def use_all_cores(n: int | None = None) -> None:
    """Give XLA one host device per CPU core, so that seeds train on all of them. Call it before JAX computes anything.

    Each device then keeps to its core. Products shared out among all threads gain nothing at these sizes, and can wait for one
    another for ever: a recurrent network on a prefix tree was seen to hang in XLA's pool of as many threads as cores (jax 0.10).
    """
    flag = "--xla_cpu_multi_thread_eigen=false"
    if flag not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()
    jax.config.update("jax_num_cpu_devices", n or os.cpu_count() or 1)


def program_cache() -> Path:
    """Folder in which the command line keeps compiled programs between runs, each whole.

    JAX (0.10) writes an entry straight to its place and never again, so that a process killed meanwhile left half a program, of which
    every later one warned. Here half a program is compiled anew without a word, and so is one that a full disk did not take.
    """
    LRUCache.put = _put  # type: ignore[method-assign]
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toylab" / "xla"


def _put(self: LRUCache, key: str, value: bytes) -> None:
    with replacing(Path(str(self.path)) / f"{key}-cache") as part:
        part.write_bytes(value)


def distribute(coordinator: str, hosts: int, host: int) -> None:
    """Make `hosts` processes, of which this is number `host` (from 0), train as one. Call it first, in every one of them.

    `coordinator` is the address of host 0, as "10.0.0.1:1234". All then run the same program; host 0 alone writes run folders.
    """
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(coordinator, hosts, host)


def mesh(recipe: Recipe, *, data: int | None = None) -> Mesh:
    """All devices as a grid with axes `seed` and `data`: seeds first; what they leave over shares the examples of a step.

    `data` fixes the second axis; by default it is the largest that the devices allow and that divides the batch.
    Raises `RecipeError` if `data` does not divide the batch or exceeds the devices.
    """
    devices = jax.devices()
    if data is None:
        most = max(1, len(devices) // recipe.seeds)
        data = max(n for n in range(1, most + 1) if recipe.batch is None or recipe.batch % n == 0)
    if not 1 <= data <= len(devices):
        raise RecipeError(f"data is {data} devices of {len(devices)}; choose 1 to {len(devices)}")
    if recipe.batch is not None and recipe.batch % data:
        raise RecipeError(f"a batch of {recipe.batch} cannot be shared by {data} devices; choose a divisor of the batch")
    seeds = min(recipe.seeds, len(devices) // data)
    if jax.process_count() > 1 and seeds * data < len(devices):
        raise RecipeError(f"{recipe.seeds} seeds with data = {data} leave some of {len(devices)} devices idle, but every host must take part")
    return Mesh(np.array(devices[: seeds * data]).reshape(seeds, data), ("seed", "data"))


def put(tree: Any, grid: Mesh, *axes: str) -> Any:
    """Arrays laid out over a mesh, their first axes over `axes`; equal on every host before."""
    layout = NamedSharding(grid, PartitionSpec(*axes))

    def one(leaf):
        whole = np.asarray(leaf)
        return jax.make_array_from_callback(whole.shape, layout, lambda index: whole[index])

    return jax.tree.map(one, tree)


def gathered(tree: Any) -> Any:
    """The same arrays, whole on every host."""
    return multihost_utils.process_allgather(tree, tiled=True) if jax.process_count() > 1 else tree


def agreed(tree: Any) -> Any:
    """The values that host 0 has, on every host."""
    return multihost_utils.broadcast_one_to_all(tree) if jax.process_count() > 1 else tree
