"""Coupled processes side by side: which variant of a factor acts hangs on what the other factors say, or on
where they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from jaxtyping import Float64, Int

from ..algebra.chain import closed_classes, stationary
from ..filter import Filtered, in_alphabet
from ..process import ROW_TOLERANCE, Process, ProcessError
from ..values.arrays import real
from ..values.checks import checked
from ..values.identity import identified
from ..values.record import Record, remembered
from ..values.structure import FromFile, listed, remember
from .built import built
from .kronecker import ends, outer, state_names, symbol_by_symbol
from .product import product


@dataclass(frozen=True, eq=False)
class Rule(Record):
    """Which variant of a factor acts: `variants` at the number that the values of its `parents` spell in
    mixed radix.
    """

    parents: tuple[int, ...]  # factors, in order; none where the variant is always the same
    variants: tuple[int, ...]  # a variant for each combination of values, the first parent most significant

    def of(self, values: np.ndarray, radices: Sequence[int]) -> np.ndarray:
        """The variants (n,) for rows (n, factors) of what each factor says, or where it is."""
        if not self.parents:
            return np.full(len(values), self.variants[0])
        places = np.ravel_multi_index(
            tuple(values[:, p] for p in self.parents), tuple(radices[p] for p in self.parents)
        )
        return np.array(self.variants)[places]


@dataclass(frozen=True, eq=False)
class Coupled(Record):
    """Factors of several variants each, and the rules by which the others choose among them.

    With x the symbols and k_i(x) the variant of factor i that the others' symbols choose,
    T[x] = T_0|k_0[x_0] (x) ... (x) T_K-1|k_K-1[x_K-1] (Kronecker). The joint belief is then the product of
    the factors' beliefs, as where factors are independent, although their tokens are not: `filter` and
    `next_token` cost the sum of the factors' sizes. Where hidden states choose, k_i(s), beliefs do not
    factor, and the joint process starts stationary where that is unique.

    Factor i emits as the variant that `emits` names and moves on as the one that `moves` names: from state s
    with symbol x to s' with probability P_emits(x | s) P_moves(s' | s, x). Where both are one, that is T[x].
    """

    factors: tuple[tuple[Process, ...], ...]  # the variants of each
    structure: str
    emits: tuple[Rule, ...]
    moves: tuple[Rule, ...]
    coupling: float  # in each step a factor does as its rule says with this probability, else as its first
    tokens: tuple[tuple[int, ...], ...] | None  # symbols of each token; None: all, factor 0 most significant
    file: str | None = None  # where it was read from, if no text can name its variants

    @property
    def name(self) -> str:
        """Names of the variants, the factors in a row."""
        return f"coupled({', '.join(' | '.join(p.name for p in variants) for variants in self.factors)})"

    @property
    def spec(self) -> str | None:
        """`coupled(A, B | C; structure='sequential'; ..)`, as `named` reads it; None where a variant cannot
        be written and it is of no file.
        """
        if self.file is not None:
            return FromFile(self.file).spec
        parents = [rule.parents[0] if rule.parents else -1 for rule in self.moves]
        options = [f"structure={self.structure!r}", f"maps={_lists(rule.variants for rule in self.moves)}"]
        if self.structure == "conditional_transitions":
            options += [f"emission={_lists(rule.variants for rule in self.emits)}"]
        elif parents != [*range(-1, len(parents) - 1)]:
            options += [f"parents={parents}"]
        options += [f"coupling={self.coupling!r}"] if self.coupling != 1 else []
        options += [f"tokens={_lists(self.tokens)}"] if self.tokens is not None else []
        factors = [listed([p.spec for p in variants], " | ") for variants in self.factors]
        return listed(factors, ", ", f"coupled({{}}; {'; '.join(options)})")

    @property
    def radices(self) -> tuple[int, ...]:
        """Number of symbols of each factor."""
        return tuple(variants[0].vocab for variants in self.factors)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of hidden states of each factor."""
        return tuple(variants[0].n_states for variants in self.factors)

    @property
    def factorises(self) -> bool:
        """Whether beliefs about the factors are independent: everywhere but where hidden states choose."""
        return self.structure != "hidden"

    @remembered
    def digits(self) -> Int[np.ndarray, "V K"]:
        """The symbols of every token, a column for each factor."""
        if self.tokens is not None:
            return np.array(self.tokens, dtype=np.int64).reshape(len(self.tokens), -1)
        return np.stack(np.unravel_index(np.arange(int(np.prod(self.radices))), self.radices), -1)

    @property
    def vocab(self) -> int:
        """Number of tokens."""
        return int(np.prod(self.radices, dtype=object)) if self.tokens is None else len(self.tokens)

    @property
    def start(self) -> tuple[Float64[np.ndarray, "_"], ...]:
        """Where each factor starts: as its first variant does."""
        return tuple(variants[0].start for variants in self.factors)

    @remembered
    def operators(self) -> tuple[Float64[np.ndarray, "V _ _"], ...]:
        """Of each factor, what every token does to the belief about it: T[x] is their Kronecker product.

        Raises `ProcessError` where hidden states choose.
        """
        if not self.factorises:
            raise ProcessError(
                "variants are chosen by hidden states here, so beliefs about the factors are not "
                "independent: filter with its process(), or couple the factors by their symbols"
            )
        digits = self.digits
        return tuple(
            self._acting(i)(self.emits[i].of(digits, self.radices), self.moves[i].of(digits, self.radices))[
                np.arange(len(digits)), digits[:, i]
            ]
            for i in range(len(self.factors))
        )

    @checked
    def filter(self, words: Int[np.ndarray, "*batch L"]) -> tuple[Filtered, ...]:
        """The exact filter of each factor: beliefs about its states, and the sums of log P(its symbol | the
        symbols by which its variant is chosen, all before), which add up to log P(word).

        Raises `ProcessError` on a token outside 0..V-1, on a word of probability zero, and where hidden
        states choose.
        """
        words = in_alphabet(words, self.vocab, self.name)
        return tuple(self._filtered(i, words) for i in range(len(self.factors)))

    @checked
    def next_token(
        self, beliefs: Sequence[Float64[np.ndarray, "*batch _"]]
    ) -> Float64[np.ndarray, "*batch V"]:
        """The distribution of the next token, from a belief about each factor.

        Raises `ProcessError` unless there is one for each factor, and where hidden states choose.
        """
        fits = len(beliefs) == len(self.factors) and len({b.shape[:-1] for b in beliefs}) == 1
        if not fits or tuple(b.shape[-1] for b in beliefs) != self.sizes:
            raise ProcessError(
                f"beliefs of shapes {[b.shape for b in beliefs]} for factors of {list(self.sizes)} states; "
                "give one about each factor, as many of each"
            )
        parts = [
            real(b, "a belief") @ (A @ variants[0].w).T
            for b, A, variants in zip(beliefs, self.operators, self.factors, strict=True)
        ]
        return reduce(np.multiply, parts)

    @checked
    def process(self, *, max_entries: int = 20_000_000) -> Process:
        """The joint process, with V S^2 entries; raises `ProcessError` beyond `max_entries` of them, and
        where a variant cannot say what another one says for it.
        """
        n = int(np.prod(self.sizes, dtype=object))
        if self.vocab * n**2 > max_entries:
            raise ProcessError(
                f"{self.name} has over {max_entries} entries in its {self.vocab} joint matrices; couple "
                "fewer or smaller factors, or work with its filter"
            )
        if (same := self._independent()) is not None and self.tokens is None:
            return product(same).process(max_entries=max_entries)
        T = symbol_by_symbol(self.operators) if self.factorises else self._by_state()
        first = [variants[0] for variants in self.factors]
        start, w = ends(first)
        if not self.factorises and len(closed_classes(T.sum(0))) == 1:
            start = stationary(T.sum(0))
        self._nothing_is_left_out(T.sum(0) @ w - w)
        parts = [p for variants in self.factors for p in variants]
        made = built(T, start, w, parts=parts, name=self.name, states=state_names(first))
        rules = [[[*rule.parents], [*rule.variants]] for rule in (*self.emits, *self.moves)]
        variants = [[p.identity for p in family] for family in self.factors]
        by = "symbols" if self.factorises else "states"
        identified(made, "coupled", variants, by, rules, self.coupling, self.tokens)
        return remember(made, self)

    def _independent(self) -> list[Process] | None:
        """The factors, where no other one has a say in what they do."""
        if self.coupling == 0:
            return [variants[0] for variants in self.factors]
        rules = [
            {*emits.variants, *moves.variants} for emits, moves in zip(self.emits, self.moves, strict=True)
        ]
        if any(len(used) > 1 for used in rules) or (self.coupling < 1 and any(used != {0} for used in rules)):
            return None
        return [variants[used.pop()] for variants, used in zip(self.factors, rules, strict=True)]

    def _nothing_is_left_out(self, lost: np.ndarray) -> None:
        """Raise `ProcessError` where symbols that can occur together are no token."""
        if self.tokens is None or np.abs(lost).max() < ROW_TOLERANCE:
            return
        every = replace(self, tokens=None)
        can = every.operators if self.factorises else (every._by_state(),)
        possible = reduce(np.logical_and, [(A != 0).any((1, 2)) for A in can])
        missing = next(d for d in every.digits[possible].tolist() if tuple(d) not in self.tokens)
        raise ProcessError(
            f"tokens leaves out the symbols {missing}, which can occur together; list them, or leave tokens "
            "out, for all combinations"
        )

    def _acting(self, i: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """Matrices (n, V_i, S_i, S_i) of factor i where variants (n,) emit and others (n,) move."""
        given = np.stack([p.T for p in self.factors[i]])
        A = (1 - self.coupling) * given[0] + self.coupling * given if self.coupling != 1 else given
        emission = A @ self.factors[i][0].w  # (K, V, S): P(x | s) of each variant

        def acting(emits: np.ndarray, moves: np.ndarray) -> np.ndarray:
            pairs, where = np.unique(np.stack([emits, moves], -1), axis=0, return_inverse=True)
            made = [
                A[m] if e == m else _moved(A[m], emission[e], emission[m], self.factors[i][m], (i, e, m))
                for e, m in pairs.tolist()
            ]
            return np.stack(made)[where.reshape(-1)]

        return acting

    def _by_state(self) -> Float64[np.ndarray, "V S S"]:
        """T[x, s, s'] = product over factors of T_i|k_i(s)[x_i, s_i, s'_i]."""
        states = np.stack(np.unravel_index(np.arange(int(np.prod(self.sizes))), self.sizes), -1)
        rows = []
        for i in range(len(self.factors)):
            chosen = self.moves[i].of(states, self.sizes)
            A = self._acting(i)(chosen, chosen)[np.arange(len(states)), :, states[:, i]]  # (S, V_i, S_i)
            rows.append(A[:, self.digits[:, i]])
        return outer(rows).transpose(1, 0, 2)

    def _filtered(self, i: int, words: np.ndarray) -> Filtered:
        A, w, belief = self.operators[i], self.factors[i][0].w, self.start[i]
        zero = self.factors[i][0].zero
        found, logs = np.empty((*words.shape, len(w))), np.empty(words.shape)
        belief = np.broadcast_to(belief, (*words.shape[:-1], len(w)))
        for t in range(words.shape[-1]):
            joint = np.einsum("...i,...ij->...j", belief, A[words[..., t]])
            p = np.asarray(joint @ w)
            if not (p > zero).all():
                raise ProcessError(
                    f"a word has probability zero under {self.name} (at its position {t}, by factor {i}); "
                    "only words the process can emit have a belief"
                )
            belief = found[..., t, :] = joint / p[..., None]
            logs[..., t] = np.log(np.minimum(p, 1.0))
        return Filtered(found, np.cumsum(logs, -1))


def _moved(
    A: np.ndarray, says: np.ndarray, said: np.ndarray, variant: Process, where: tuple[int, int, int]
) -> np.ndarray:
    """Matrices (V, S, S) of a variant that moves on as it does after symbols that another one emits:
    probabilities `says` (V, S) in place of its own, `said`.
    """
    if np.allclose(says, said, rtol=0, atol=1e-12):
        return A
    i, e, m = where
    lost = np.argwhere((said <= 0) & (says > 0))
    if variant.kind == "ghmm" or lost.size:
        why = (
            f"is generalised and emits otherwise than variant {e}, and its states are no events"
            if variant.kind == "ghmm"
            else f"cannot emit symbol {lost[0][0]} from state {lost[0][1]}, as variant {e} can"
        )
        raise ProcessError(
            f"variant {m} of factor {i} {why}, so it does not say where to go then; let it emit the same, or "
            "choose emission and transition alike"
        )
    return A * np.divide(says, said, out=np.zeros_like(says), where=said > 0)[..., None]


def _lists(rows) -> str:
    return f"[{', '.join(str([*row]) for row in rows)}]"
