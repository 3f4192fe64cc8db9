"""Which devices train what: cores as devices, several hosts as one, seeds and data spread over all of
them."""

import os
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from jax._src.xla_bridge import backends_are_initialized
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from toy.checks import check_range, fitted

from ..errors import RecipeError, RunError
from ..recipe import Recipe
from .numerics import pinned

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
"""XLA flag: every device keeps to one thread."""
NO_MATTER = ("--xla_dump", "--xla_force_host_platform_device_count")
"""XLA flags, by how they begin, that change no program: the number of devices is told by the mesh."""


def use_all_cores(n: int | None = None) -> None:
    """Give XLA one host device per core that this process may use, so that seeds train on all of them. Call
    it before JAX computes anything.

    Each device then keeps to its core. Products shared out among all threads gain nothing at these sizes, and
    can wait for one another for ever: a recurrent network on a prefix tree was seen to hang in XLA's pool of
    as many threads as cores (jax 0.10). XLA's own pool has as many threads, not as many as the machine has
    cores: what a program is split into, and so its last bits, follow their number. Raises `RunError` if JAX
    has computed already, unless it was told the same before.
    """
    n = fitted("n", int | None, n, RunError)
    if n is not None and n < 1:
        raise RunError(f"n is {n} devices; use 1 or more, or leave it out for one per core")
    n = allotted_cores() if n is None else n
    given = written_flags()
    if backends_are_initialized():
        if (jax.config.values["jax_num_cpu_devices"], pool()) == (n, n) and ONE_THREAD in given:
            return
        raise RunError(
            f"JAX has computed already, on {jax.local_device_count()} devices, and cannot be given {n} with "
            "a thread each any more; "
            "call train.use_all_cores before anything else, or leave it out"
        )
    os.environ["XLA_FLAGS"] = " ".join(
        (*(flag for flag in given if not flag.startswith(ONE_THREAD.partition("=")[0])), ONE_THREAD)
    )
    os.environ["PJRT_NPROC"] = str(n)
    jax.config.update("jax_num_cpu_devices", n)


def one_by_one(mesh: Mesh) -> bool:
    """Whether the seeds of a device are trained one after another.

    On a CPU its cores are busy with one seed's matrix products, and the working set stays in cache (measured
    1.1-1.5 times faster than as one batch). Accelerators want the seeds as one batch.
    """
    return mesh.devices.flat[0].platform == "cpu"


def pool() -> int:
    """Threads in XLA's pool."""
    threads = [os.environ[name] for name in ("PJRT_NPROC", "NPROC") if os.environ.get(name, "").isdecimal()]
    return int(threads[0]) if threads else scheduled_cores()


def written_flags() -> list[str]:
    """The flags that XLA reads: the value of XLA_FLAGS, or what is in the file that it names."""
    written = os.environ.get("XLA_FLAGS", "").strip()
    if written and not written.startswith("-"):
        file = Path(written)
        written = file.read_text() if file.is_file() else ""
    return written.split()


def xla_flags() -> tuple[str, ...]:
    """The flags by which XLA compiles, sorted: of a flag given twice, the last."""
    last = {flag.partition("=")[0]: flag for flag in written_flags()}
    return tuple(sorted(flag for flag in last.values() if not flag.startswith(NO_MATTER)))


def allotted_cores(proc: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")) -> int:
    """Cores that this process may use: those it may be scheduled on, or fewer where a control group (1 or 2,
    or one above it) has a quota.
    """
    return max(1, min([scheduled_cores(), *map(int, _quotas(proc, mounted))]))


def scheduled_cores() -> int:
    """Cores that this process may be scheduled on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no Linux
        return os.cpu_count() or 1


def _quotas(proc: Path, mounted: Path) -> Iterator[float]:
    """Every quota on this process, in cores."""
    try:
        lines = proc.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, inside = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        roots = (mounted / controllers, mounted / "cpu") if controllers else (mounted, mounted / "unified")
        for root in roots:
            place = root / inside.lstrip("/")
            # A container may see its own group as the root, by a path that is only known outside: what is not
            # there says nothing.
            for folder in (place, *(p for p in place.parents if p == root or root in p.parents)):
                yield from _quota(folder)


def _quota(folder: Path) -> Iterator[float]:
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((folder / file).read_text() for file in files).split()
            if quota.isdecimal() and int(period) > 0:  # "max", or -1, is no quota
                yield int(quota) / int(period)
        except (OSError, ValueError):
            continue


def distribute(coordinator: str, hosts: int, host: int) -> None:
    """Make `hosts` processes, of which this is number `host` (from 0), train as one. Call it first, in every
    one of them.

    `coordinator` is the address of host 0, as "10.0.0.1:1234". All then run the same program; host 0 alone
    writes run folders.
    """
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(coordinator, hosts, host)


def mesh(recipe: Recipe, *, data: int | None = None) -> Mesh:
    """All devices as a grid with axes `seed` and `data`: seeds first; what they leave over shares the
    examples of a step.

    `data` fixes the second axis; by default it is the largest that the devices allow and that divides the
    batch. Raises `RecipeError` if `data` does not divide the batch or exceeds the devices.
    """
    recipe, data = (
        fitted("recipe", Recipe, recipe, RecipeError),
        fitted("data", int | None, data, RecipeError),
    )
    devices = jax.devices()
    if data is None:
        most = max(1, len(devices) // recipe.seeds)
        data = max(n for n in range(1, most + 1) if recipe.batch is None or recipe.batch % n == 0)
    check_range("data", data, 1, len(devices), RecipeError)
    if recipe.batch is not None and recipe.batch % data:
        raise RecipeError(
            f"a batch of {recipe.batch} cannot be shared by {data} devices; choose a divisor of the batch"
        )
    seeds = min(recipe.seeds, len(devices) // data)
    if jax.process_count() > 1 and seeds * data < len(devices):
        raise RecipeError(
            f"{recipe.seeds} seeds with data = {data} leave some of {len(devices)} devices idle, but every "
            "host must take part"
        )
    return Mesh(np.array(devices[: seeds * data]).reshape(seeds, data), ("seed", "data"))


@pinned()
def host() -> int:
    """The number of this host among those that train as one, from 0. Raises `RunError` if JAX has no device
    to compute on.
    """
    return jax.process_index()


def put(tree: PyTree, grid: Mesh, *axes: str) -> PyTree:
    """Arrays laid out over a mesh, their first axes over `axes`; equal on every host before."""
    layout = NamedSharding(grid, PartitionSpec(*axes))

    def one(leaf):
        whole = np.asarray(leaf)
        return jax.make_array_from_callback(whole.shape, layout, lambda index: whole[index])

    return jax.tree.map(one, tree)


@pinned()
def gathered(tree: PyTree) -> PyTree:
    """The same arrays, whole on every host, as NumPy."""
    whole = multihost_utils.process_allgather(tree, tiled=True) if jax.process_count() > 1 else tree
    return jax.tree.map(np.asarray, whole)


@pinned()
def agreed(tree: PyTree) -> PyTree:
    """The values that host 0 has, on every host."""
    return multihost_utils.broadcast_one_to_all(tree) if jax.process_count() > 1 else tree
