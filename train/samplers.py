"""The cast down: every source of words as numbers on the device, and questions drawn there with their exact
law.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt32

import processes
from processes.constraints import Instances, Ledger

from .tables import Tables, tables


class Asked(NamedTuple):
    """A batch of a question."""

    tokens: Int[Array, "batch J"]  # that ask
    answer: Int[Array, "batch"]
    law: Float[Array, "batch vocab"]  # exact law of the answer


@runtime_checkable
class Twin(Protocol):
    """A question as a compiled step needs it: a pytree that draws."""

    def draw(self, key: PRNGKeyArray, batch: int) -> Asked:
        """Independent words, with the exact law of their answers."""


class Entries(NamedTuple):
    """A ledger."""

    base: Float[Array, "V"]
    forbids: Float[Array, "J g V"]  # by slot and bit
    p: Float[Array, ""]

    def draw(self, key: PRNGKeyArray, batch: int) -> Asked:
        """Controls, the body symbol that follows them, and its exact law, without a table of subsets."""
        slots, g, V = self.forbids.shape
        for_bits, for_body = jax.random.split(key)
        bits = jax.random.uniform(for_bits, (batch, slots, g)) < self.p
        pattern = (bits * 2 ** jnp.arange(g)[::-1]).sum(-1)
        controls = V + 2**g * jnp.arange(slots) + pattern
        hits = jnp.einsum("bjg,jgv->bv", bits.astype(jnp.float32), self.forbids, precision="highest")
        kept = jnp.where(hits == 0, self.base, 0.0)  # whole numbers up to K are exact in float32
        body = kept / kept.sum(-1, keepdims=True)
        law = jnp.pad(body, ((0, 0), (0, slots * 2**g)))
        return Asked(controls, jax.random.categorical(for_body, jnp.log(law)), law)


def entries(ledger: Ledger) -> Entries:
    """Device numbers of a ledger."""
    forbids = jnp.asarray(ledger.forbids.reshape(ledger.slots, ledger.g, ledger.V), jnp.float32)
    return Entries(jnp.asarray(ledger.base, jnp.float32), forbids, jnp.float32(ledger.p))


class Equations(NamedTuple):
    """Instances."""

    rows: UInt32[Array, "E"]  # each equation as bits, the right side last
    places: Int[Array, "m"]  # 0, 1, .. m - 1: the equations of an instance

    def draw(self, key: PRNGKeyArray, batch: int) -> Asked:
        """Equations, their verdict, and its exact law, by elimination of one equation after the other from
        those that follow.
        """
        satisfiable = self.rows.shape[-1]
        tokens = jax.random.randint(key, (batch, len(self.places)), 0, satisfiable)

        def eliminate(i, rows):
            row = jax.lax.dynamic_slice_in_dim(rows, i, 1, 1)
            left = row & ~jnp.uint32(1)
            hit = (rows & left & -left != 0) & (self.places > i)
            return jnp.where(hit, rows ^ row, rows)

        says_0_is_1 = (jax.lax.fori_loop(0, len(self.places), eliminate, self.rows[tokens]) == 1).any(-1)
        verdict = satisfiable + says_0_is_1
        return Asked(tokens, verdict, jax.nn.one_hot(verdict, satisfiable + 2, dtype=jnp.float32))


def equations(instances: Instances) -> Equations:
    """Device numbers of instances."""
    return Equations(jnp.asarray(instances.rows), jnp.arange(instances.m))


CAST: Mapping[type, Callable[[Any], Any]] = {processes.Process: tables, Ledger: entries, Instances: equations}


def twin(source: processes.Source) -> Tables | Twin:
    """What a compiled step needs of a source."""
    return CAST[type(source)](source)
