"""Samplers of query tasks on the device (float32): prompts, and the exact distributions of the answers, which
alone are scored."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int, Int32, PRNGKeyArray, UInt32

import processes
from processes.constraints import Addition, Instances, Ledger
from processes.values import earlier


class Queries(NamedTuple):
    """A batch of prompts, each with its n answers; all but the last of them are read as well."""

    tokens: Int[Array, "batch J"]  # J - n + 1 that ask, n - 1 answers
    answer: Int[Array, "batch n"]
    distribution: Float32[Array, "batch n vocab"]  # of each answer given what stands before it, exact


@runtime_checkable
class Sampler(Protocol):
    """A query task as a compiled step needs it: a pytree that draws."""

    def draw(self, key: PRNGKeyArray, batch: int) -> Queries:
        """Independent prompts, with the exact distribution of their answers."""


class LedgerSampler(NamedTuple):
    """A ledger of K = J g binary flags over a base on V symbols."""

    base: Float32[Array, "V"]
    forbids: Float32[Array, "J g V"]  # by slot and bit
    p: Float32[Array, ""]  # of a flag to be set
    stay: Float32[Array, ""]  # of the base to repeat its last symbol
    places: Int32[Array, "n"]  # 0, 1, .. n - 1: the symbols of a body

    def draw(self, key: PRNGKeyArray, batch: int) -> Queries:
        """Controls, the body that follows them, and the exact distribution of its symbols, without a table
        of subsets.
        """
        slots, g, V = self.forbids.shape
        for_bits, for_body = jax.random.split(key)
        bits = jax.random.uniform(for_bits, (batch, slots, g)) < self.p
        pattern = (bits * 2 ** jnp.arange(g)[::-1]).sum(-1)
        controls = V + 2**g * jnp.arange(slots) + pattern
        hits = jnp.einsum("bjg,jgv->bv", bits.astype(jnp.float32), self.forbids, precision="highest")
        allowed = jnp.where(hits == 0, self.base, 0.0)  # whole numbers up to K are exact in float32
        body = allowed / allowed.sum(-1, keepdims=True)
        distribution = jnp.pad(body, ((0, 0), (0, slots * 2**g)))
        rate = self.stay + (1 - self.stay) * allowed.sum(-1)
        drawn = jax.random.categorical(for_body, jnp.log(distribution))
        said, distributions = [drawn], [distribution]
        for place in range(1, len(self.places)):
            for_stay, for_fresh = jax.random.split(jax.random.fold_in(for_body, place))
            stays = self.stay / rate
            repeats = jax.random.uniform(for_stay, (batch,)) < stays
            fresh = jax.random.categorical(for_fresh, jnp.log(distribution))
            again = jax.nn.one_hot(said[-1], distribution.shape[-1])
            distributions.append(stays[:, None] * again + (1 - stays)[:, None] * distribution)
            said.append(jnp.where(repeats, said[-1], fresh))
        body_tokens = jnp.stack(said, 1)
        tokens = jnp.concatenate([controls, body_tokens[:, :-1]], 1)
        return Queries(tokens, body_tokens, jnp.stack(distributions, 1))


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
        exact = jax.nn.one_hot(verdict, satisfiable + 2, dtype=jnp.float32)
        return Queries(tokens, verdict[:, None], exact[:, None])


class SumSampler(NamedTuple):
    """Sums that are taught: pairs of numbers modulo p."""

    pairs: Int32[Array, "P 2"]
    zeros: Float32[Array, "p"]  # as many as there are numbers

    def draw(self, key: PRNGKeyArray, batch: int) -> Queries:
        """Independent pairs and their sums; all of them once where the batch is as large as that."""
        n, p = len(self.pairs), len(self.zeros)
        which = jnp.arange(n) if batch == n else jax.random.randint(key, (batch,), 0, n)
        tokens = self.pairs[which]
        total = tokens.sum(-1) % p
        return Queries(tokens, total[:, None], jax.nn.one_hot(total, p, dtype=jnp.float32)[:, None])


def sampler(question: processes.constraints.Question) -> Sampler:
    """The device numbers of a query task: a `Ledger`, `Instances` or an `Addition`."""
    if isinstance(question, Addition):
        pairs = jnp.asarray(question.pairs[question.taught], jnp.int32)
        return SumSampler(pairs, jnp.zeros(question.p, jnp.float32))
    if isinstance(question, Ledger):
        forbids = jnp.asarray(question.forbids.reshape(question.slots, question.g, question.V), jnp.float32)
        base, body = jnp.asarray(question.base, jnp.float32), jnp.arange(question.n)
        return LedgerSampler(base, forbids, jnp.float32(question.p), jnp.float32(question.stay), body)
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
