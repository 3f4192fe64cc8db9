"""The cast down of a ledger: its numbers on the device, and drawing words with their exact law without a table of subsets."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from processes.constraints import Ledger


class Entries(NamedTuple):
    """A ledger as a compiled step needs it."""

    base: Float[Array, "V"]
    forbids: Float[Array, "J g V"]  # by slot and bit
    p: Float[Array, ""]


def entries(ledger: Ledger) -> Entries:
    """Device numbers of a ledger."""
    forbids = jnp.asarray(ledger.forbids.reshape(ledger.slots, ledger.g, ledger.V), jnp.float32)
    return Entries(jnp.asarray(ledger.base, jnp.float32), forbids, jnp.float32(ledger.p))


def draw(entries: Entries, key: PRNGKeyArray, batch: int) -> tuple[Int[Array, "batch J"], Int[Array, "batch"], Float[Array, "batch vocab"]]:
    """Controls, the body symbol that follows them, and its exact law."""
    slots, g, V = entries.forbids.shape
    for_bits, for_body = jax.random.split(key)
    bits = jax.random.uniform(for_bits, (batch, slots, g)) < entries.p
    pattern = (bits * 2 ** jnp.arange(g)[::-1]).sum(-1)
    controls = V + 2**g * jnp.arange(slots) + pattern
    hits = jnp.einsum("bjg,jgv->bv", bits.astype(jnp.float32), entries.forbids, precision="highest")
    kept = jnp.where(hits == 0, entries.base, 0.0)  # whole numbers up to K are exact in float32
    body = kept / kept.sum(-1, keepdims=True)
    law = jnp.pad(body, ((0, 0), (0, slots * 2**g)))
    return controls, jax.random.categorical(for_body, jnp.log(law)), law
