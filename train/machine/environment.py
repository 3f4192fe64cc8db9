"""What the bits of a training depend on beside its recipe: found, compared and told."""

import contextlib
import hashlib
import os
import platform
import re
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import jax
from jax._src.lru_cache import LRUCache

from processes.values.user_cache import user_cache
from processes.values.whole_file import replacing

from ..recipe import Recipe
from . import devices
from .numerics import pinned

PACKAGES = ("numpy", "jax", "jaxlib", "flax", "optax")
VARIABLES = (
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "OPENBLAS_CORETYPE",
    "GLIBC_TUNABLES",
    "LIBTPU_INIT_ARGS",
    "NVIDIA_TF32_OVERRIDE",
)
"""Environment variables that choose other machine code for the same arithmetic."""
VECTORS = re.compile(r"s?sse.*|avx.*|fma4?|f16c|amx.*|xop|asimd.*|fp|fphp|sve.*|sme\d?|bf16|rv.*")
"""How extensions of processors are called that compute floating-point numbers: XLA and BLAS take what there
is.
"""


class Leg(NamedTuple):
    """A stretch of a training that was computed in one place."""

    step: int  # from which on
    versions: Mapping[str, str]


def versions(recipe: Recipe) -> dict[str, str]:
    """What the bits of a training of the recipe here depend on, by name. Raises `RunError` if there is no
    device to train on.

    Seeds are equal to the bit where the whole mesh is, not only its axis `data`, and where XLA's pool has as
    many threads: for two devices, or two threads, it compiles other programs than for one or four, whether or
    not it uses them all (jax 0.10).
    """
    with pinned():
        grid, kind = devices.mesh(recipe), jax.devices()[0].device_kind
        hosts = f", {jax.process_count()} hosts" if jax.process_count() > 1 else ""
    flags, threads = devices.xla_flags(), str(devices.pool())
    if jax.config.values["jax_disable_most_optimizations"]:
        flags = (*flags, "jax_disable_most_optimizations")
    others = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    if jax.default_backend() == "cpu":
        others = {"cpu": cpu(), "threads": threads, **others}
    return {
        **{name: version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()} {''.join(platform.libc_ver())}".strip(),
        "devices": f"{grid.size} {kind}, seed {grid.shape['seed']}, data {grid.shape['data']}{hosts}",
        "xla": " ".join(flags) or "no flags",
        **others,
    }


def program_cache() -> Path:
    """Folder in which the command line keeps compiled programs between runs: one for each kind of processor,
    set of flags and versions.

    JAX's own key knows XLA_FLAGS as they are written, not what is in a file that they name, and homes are
    shared by unequal machines. Each program is there whole or not at all: JAX (0.10) writes an entry straight
    to its place and never again, so that a process killed meanwhile left half a program, of which every later
    one warned. Half a program is compiled anew without a word, and so is one that a full disk did not take.
    """
    LRUCache.put = _put  # type: ignore[method-assign]
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")
    compiled_for = (cpu(), devices.xla_flags(), *(version(name) for name in PACKAGES))
    return user_cache("xla") / hashlib.sha256(repr(compiled_for).encode()).hexdigest()[:12]


def _put(self: LRUCache, key: str, value: bytes) -> None:
    with replacing(Path(str(self.path)) / f"{key}-cache") as part:
        part.write_bytes(value)


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """What is not the same in two environments, in words; empty if their bits are."""
    names = [name for name in dict.fromkeys((*there, *here)) if there.get(name) != here.get(name)]
    return ", ".join(f"{name} {there.get(name, 'not set')} -> {here.get(name, 'not set')}" for name in names)


def cpu(cpuinfo: str | None = None) -> str:
    """The extensions of this processor (or of one that /proc/cpuinfo tells of) that compute floating-point
    numbers, and its first cache.

    Products of matrices are summed in blocks that fit into the first cache. Elsewhere than on Linux only the
    kind of processor.
    """
    if cpuinfo is None:
        try:
            cpuinfo = Path("/proc/cpuinfo").read_text()
        except OSError:
            return platform.machine()
    listed = re.search(r"^(?:flags|Features|isa)\s*:(.*)$", cpuinfo, re.MULTILINE)
    names = sorted({name for name in listed.group(1).split() if VECTORS.fullmatch(name)}) if listed else []
    cache = Path("/sys/devices/system/cpu/cpu0/cache/index0/size")
    with contextlib.suppress(OSError):  # not told in every sandbox
        names.append(f"L1 {cache.read_text().strip()}")
    return " ".join(names) or platform.machine()
