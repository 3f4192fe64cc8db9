"""The arithmetic that a recipe means: one generator of random numbers and one configuration of JAX, whatever
the environment says.

JAX takes its configuration from some hundred environment variables and from whoever has set it in this
process. Many of them change numbers (other random numbers, other precisions), some kill a run (checks for
NaN, which our histories begin with), some make it a thousand times slower. None of that is part of a recipe.
So all that the lab traces, compiles or runs goes through `jit`, keys are made by `key`, and what computes
outside compiled functions does so under `pinned`. The user's own configuration stays as it is: JAX knows
local values, which hold for one thread and one block. What is neither pinned here nor harmless is part of
`environment.versions`.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax
import jax
from jax._src.config import (
    config_states,
)  # its public half lacks the more dangerous ones, as jax_random_seed_offset

from ..errors import RunError

GENERATOR = "threefry2x32"
"""Of all random numbers (Salmon et al. 2011), in JAX's partitionable form: the same on every kind of device,
however many.
"""

PINNED: Mapping[str, Any] = {
    # random numbers
    "jax_default_prng_impl": GENERATOR,
    "jax_threefry_partitionable": True,
    "jax_threefry_gpu_kernel_lowering": False,
    "jax_random_seed_offset": 0,
    "jax_high_dynamic_range_gumbel": False,
    "jax_enable_custom_prng": False,
    "jax_legacy_prng_key": "allow",
    # types and precision
    "jax_enable_x64": False,
    "jax_explicit_x64_dtypes": "warn",
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_default_matmul_precision": None,
    "jax_softmax_custom_jvp": False,
    "jax_allow_f16_reductions": True,
    # how programs are traced
    "jax_disable_jit": False,
    "jax_no_tracing": False,
    "jax_no_execution": False,
    "jax_custom_vjp3": False,
    "jax_remat3": False,
    "jax_scan3": False,
    "jax_refs_to_pins": False,
    "jax_use_direct_linearize": True,
    "jax_use_simplified_jaxpr_constants": False,
    "jax_embedded_constants_max_bytes": 32,
    "jax_mutable_array_checks": True,
    "jax_disable_vmap_shmap_error": False,
    "jax_disallow_mesh_context_manager": False,
    "jax_remove_size_one_mesh_axis_from_type": False,
    "jax_auto_pcast": True,
    "check_vma": False,
    "eager_constant_folding": False,
    "jax_default_device": None,
    # how they are compiled
    "jax_use_shardy_partitioner": True,
    "jax_optimization_level": "UNKNOWN",
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_effort": 0.0,
    "jax_memory_fitting_level": "O2",
    "jax_compiler_enable_remat_pass": True,
    "jax_enable_pgle": False,
    "jax_raise_persistent_cache_errors": False,
    "jax_compilation_cache_check_contents": False,
    # checks, which our placeholders for numbers that are not there yet would fail, or which slow everything
    # down
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_debug_key_reuse": False,
    "jax_enable_checks": False,
    "jax_check_tracer_leaks": False,
    "jax_check_static_indices": False,
    "jax_error_checking_behavior_nan": "ignore",
    "jax_error_checking_behavior_divide": "ignore",
    "jax_error_checking_behavior_oob": "ignore",
    "jax_transfer_guard_host_to_device": "allow",
    "jax_transfer_guard_device_to_host": "allow",
    "jax_transfer_guard_device_to_device": "allow",
}
"""JAX's own defaults, by the name that each has in `jax.config`; in capitals they are environment variables.
"""

CHOOSES_DEVICES = (
    "JAX_PLATFORMS",
    "JAX_PLATFORM_NAME",
    "JAX_XLA_BACKEND",
    "JAX_CPU_COLLECTIVES_IMPLEMENTATION",
    "JAX_NUM_CPU_DEVICES",
)
"""Variables that can ask for devices which are not there."""


REFUSED: Mapping[str, bool] = {"flax_hijax_variable": False}
"""Options of Flax with other values of which our networks cannot be built; it knows no local values."""


@contextlib.contextmanager
def pinned() -> Iterator[None]:
    """JAX as recipes mean it, in this thread until the block ends; also a decorator. Raises `RunError` if JAX
    has no device to compute on, or Flax is configured so that no network could be built.
    """
    _has_devices()
    for name, value in REFUSED.items():
        if getattr(flax.config, name, value) != value:
            raise RunError(
                f"{name.upper()} is {int(not value)}, with which Flax cannot build the networks of the lab; "
                "unset it"
            )
    with contextlib.ExitStack() as stack:
        for name, value in PINNED.items():
            if name in config_states:  # another version of JAX may have dropped it
                local = config_states[name](value)
                if local.new_val != config_states[name].value:
                    stack.enter_context(local)
        yield


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """The compiled function, traced and run under `pinned`."""
    compiled = jax.jit(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with pinned():
            return compiled(*args, **kwargs)

    return call


def key(seed: Any) -> jax.Array:
    """The random key of a seed, of the generator that recipes mean."""
    return jax.random.key(seed, impl=GENERATOR)


def key_of(data: jax.Array) -> jax.Array:
    """The random key that has this raw data (..., 2), of the same generator."""
    return jax.random.wrap_key_data(data, impl=GENERATOR)


@functools.cache
def _has_devices() -> None:
    try:
        jax.devices()
    except (RuntimeError, ValueError, AssertionError) as error:
        settings = [f"{name}={os.environ[name]}" for name in CHOOSES_DEVICES if os.environ.get(name)]
        settings = settings or [
            f"jax_platforms={jax.config.values['jax_platforms']}"
        ]  # said in this process, not in the environment
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise RunError(
            f"{' '.join(settings)} asks for devices that JAX cannot use here ({reason}); unset it, or set "
            "JAX_PLATFORMS=cpu"
        ) from None
