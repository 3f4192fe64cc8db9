"""What a command that computes asks of the machine first."""

import jax

import train


def prepare() -> None:
    """Use all cores, and keep compiled programs for the next call."""
    train.use_all_cores()
    jax.config.update("jax_compilation_cache_dir", str(train.program_cache()))
