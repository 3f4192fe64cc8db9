"""Independent processes side by side: one token holds a symbol of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from ..filter import Filtered, filter, in_alphabet, predict
from ..process import Process, ProcessError
from ..values.arrays import real
from ..values.checks import checked
from ..values.identity import identified, same_as
from ..values.record import Record
from ..values.structure import listed, remember
from .built import built
from .kronecker import ends, every_symbol_with_every, outer, state_names


@dataclass(frozen=True, eq=False)
class Product(Record):
    """Independent factors. The token of symbols (x_0, .., x_K-1) is their mixed-radix number, factor 0 most
    significant.

    T[x] = T_0[x_0] (x) ... (x) T_K-1[x_K-1] (Kronecker), so the joint belief is the product of the factors'
    beliefs: everything below but `process` costs the sum of the factors' sizes, never their product.
    """

    factors: tuple[Process, ...]

    @property
    def name(self) -> str:
        """Names of the factors, joined."""
        return " x ".join(p.name for p in self.factors)

    @property
    def spec(self) -> str | None:
        """`A * B`, as `named` reads it; None where a factor cannot be written."""
        return listed([p.spec for p in self.factors], " * ")

    @property
    def radices(self) -> tuple[int, ...]:
        """Number of symbols of each factor."""
        return tuple(p.vocab for p in self.factors)

    @property
    def vocab(self) -> int:
        """Number of composite tokens."""
        return int(np.prod(self.radices, dtype=object))

    @property
    def digits(self) -> Int[np.ndarray, "V K"]:
        """The symbols of every composite token: column k reads factor k (what `pulled_back` needs to
        constrain one factor).
        """
        return np.stack(self.split(np.arange(self.vocab)), -1)

    @checked
    def split(self, tokens: Int[np.ndarray, "*batch"]) -> tuple[Int[np.ndarray, "*batch"], ...]:
        """Composite tokens as the symbols of each factor; raises `ProcessError` on a token outside 0..V-1."""
        return tuple(np.unravel_index(in_alphabet(tokens, self.vocab, self.name), self.radices))

    @checked
    def join(self, symbols: Sequence[Int[np.ndarray, "*batch"]]) -> Int[np.ndarray, "*batch"]:
        """The symbols of each factor as composite tokens, the inverse of `split`; raises `ProcessError` on a
        foreign symbol.
        """
        if len(symbols) != len(self.factors):
            raise ProcessError(
                f"{len(symbols)} sequences of symbols for {len(self.factors)} factors; give one per factor"
            )
        for p, x in zip(self.factors, symbols, strict=True):
            in_alphabet(x, p.vocab, p.name)
            if x.shape != symbols[0].shape:
                raise ProcessError(
                    f"symbols of shapes {symbols[0].shape} and {x.shape}; give as many of every factor, in "
                    "one arrangement"
                )
        return np.ravel_multi_index(tuple(symbols), self.radices)

    @checked
    def filter(self, words: Int[np.ndarray, "*batch L"]) -> tuple[Filtered, ...]:
        """The exact filter of each factor on its own symbols; log-probabilities add, beliefs multiply."""
        return tuple(filter(p, x) for p, x in zip(self.factors, self.split(words), strict=True))

    @checked
    def next_tokens(
        self, words: Int[np.ndarray, "*batch L"]
    ) -> tuple[Float64[np.ndarray, "*batch L _"], ...]:
        """Distribution of each factor's next symbol after each prefix of the words; `joint_distribution`
        turns these into the distribution of the next token.
        """
        return tuple(predict(p, f.belief) for p, f in zip(self.factors, self.filter(words), strict=True))

    @checked
    def joint_distribution(
        self, distributions: Sequence[Float64[np.ndarray, "*batch _"]]
    ) -> Float64[np.ndarray, "*batch n"]:
        """The outer product of one distribution (or belief) per factor, flattened in the order of composite
        tokens (or joint states).
        """
        if len(distributions) != len(self.factors) or len({p.shape[:-1] for p in distributions}) > 1:
            raise ProcessError(
                f"distributions of shapes {[p.shape for p in distributions]} for {len(self.factors)} "
                "factors; give one per factor, as many of each"
            )
        return outer([real(p, "a distribution") for p in distributions])

    @checked
    def process(self, *, max_entries: int = 20_000_000) -> Process:
        """The joint process, with V S^2 entries; raises `ProcessError` beyond `max_entries` of them."""
        states = int(np.prod([p.n_states for p in self.factors], dtype=object))
        if self.vocab * states**2 > max_entries:
            known = max(self.vocab, states) < 10**15  # Python prints no number of thousands of digits
            size = (
                f"{self.vocab} tokens and {states} joint states"
                if known
                else "over 10^15 tokens or joint states"
            )
            raise ProcessError(f"{self.name} has {size}, too many to write out; work with its factors")
        T = every_symbol_with_every([p.T for p in self.factors])
        names = state_names(self.factors)
        made = built(T, *ends(self.factors), parts=self.factors, name=self.name, states=names)
        if len(self.factors) == 1:
            return same_as(made, self.factors[0])
        # A factor that is a product itself stands for its own factors: the Kronecker product is associative.
        parts = [
            part
            for p in self.factors
            for part in (p.identity[1:] if p.identity[0] == "product" else [p.identity])
        ]
        factors = [
            factor
            for p in self.factors
            for factor in (p.made_of.factors if isinstance(p.made_of, Product) else [p])
        ]
        return remember(identified(made, "product", *parts), Product(tuple(factors)))


@checked
def product(factors: Sequence[Process]) -> Product:
    """Independent processes in one token; raises `ProcessError` without factors."""
    if not factors:
        raise ProcessError("a product needs at least one factor")
    return Product(tuple(factors))
