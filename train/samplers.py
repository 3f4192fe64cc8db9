"""Samplers of query tasks on the device (float32): prompts, and the exact distribution of the one answer
scored."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int, Int32, PRNGKeyArray, UInt32

import processes
from processes.constraints import Instances, Ledger
from processes.values import earlier


class Queries(NamedTuple):
    """A batch of prompts of J tokens, each with its answer."""

    tokens: Int[Array, "batch J"]
    answer: Int[Array, "batch"]
    distribution: Float32[Array, "batch vocab"]  # of the answer, exact


@runtime_checkable
class Sampler(Protocol):
    """A query task as a compiled step needs it: a pytree that draws."""

    def draw(self, key: PRNGKeyArray, batch: int) -> Queries:
        """Independent prompts, with the exact distribution of their answers."""


class LedgerSampler(NamedTuple):
    """A ledger of K = J g binary flags over a base distribution on V symbols."""

    base: Float32[Array, "V"]
    forbids: Float32[Array, "J g V"]  # by slot and bit
    p: Float32[Array, ""]  # of a flag to be set

    def draw(self, key: PRNGKeyArray, batch: int) -> Queries:
        """Controls, the body symbol that follows them, and its exact distribution, without a table of
        subsets."""
        slots, g, V = self.forbids.shape
        for_bits, for_body = jax.random.split(key)
        bits = jax.random.uniform(for_bits, (batch, slots, g)) < self.p
        pattern = (bits * 2 ** jnp.arange(g)[::-1]).sum(-1)
        controls = V + 2**g * jnp.arange(slots) + pattern
        hits = jnp.einsum("bjg,jgv->bv", bits.astype(jnp.float32), self.forbids, precision="highest")
        allowed = jnp.where(hits == 0, self.base, 0.0)  # whole numbers up to K are exact in float32
        body = allowed / allowed.sum(-1, keepdims=True)
        distribution = jnp.pad(body, ((0, 0), (0, slots * 2**g)))
        answer = jax.random.categorical(for_body, jnp.log(distribution))
        return Queries(controls, answer, distribution)


class EquationSampler(NamedTuple):
    """Systems of m linear equations over GF(2), out of E possible ones."""

    rows: UInt32[Array, "E"]  # each equation as bits, the right side last
    places: Int32[Array, "m"]  # 0, 1, .. m - 1: the equations of an instance

    def draw(self, key: PRNGKeyArray, batch: int) -> Queries:
        """Equations, whether they can be satisfied, and its exact distribution, by eliminating one equation
        after the other from those that follow.
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
        return Queries(tokens, verdict, jax.nn.one_hot(verdict, satisfiable + 2, dtype=jnp.float32))


def sampler(question: processes.constraints.Question) -> Sampler:
    """The device numbers of a query task: a `Ledger` or `Instances`."""
    if isinstance(question, Ledger):
        forbids = jnp.asarray(question.forbids.reshape(question.slots, question.g, question.V), jnp.float32)
        return LedgerSampler(jnp.asarray(question.base, jnp.float32), forbids, jnp.float32(question.p))
    assert isinstance(question, Instances)  # the only other question that a recipe can name
    return EquationSampler(jnp.asarray(question.rows), jnp.arange(question.m))


EARLIER = {
    "Twin": "Sampler",
    "twin": "sampler",
    "Asked": "Queries",
    "Entries": "LedgerSampler",
    "Equations": "EquationSampler",
}

__getattr__ = earlier.names(__name__, EARLIER)
