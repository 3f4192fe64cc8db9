"""Networks that were trained elsewhere: any function from tokens to named arrays and logits, observed on
every context as our own are, so that every claim on a `Study` can be put to them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import processes
import toy
from toy.checks import fitted
from toy.sites import shown

from .contexts import Contexts, contexts
from .evidence import Evidence
from .forward import log_distribution
from .probing.study import CONCATENATED, Study, check
from .statistics import evenly

NetworkFunction = Callable[[Int[np.ndarray, "N T"]], Mapping[str, Any]]
"""From words of n_ctx tokens to `logits` (N, T, V) and arrays (N, T, d) by name, in the order of depth:
NumPy's, JAX's or PyTorch's.
"""
AT_ONCE = 1024
"""Words that a network is given at once."""
LOGITS = "logits"
LOOKED_AT = 8
"""Pairs of words that part, each at another position, to see whether what stands before is the same."""
UNEQUAL = 1e-4
"""What differs by more than this share of the largest number is no rounding of float32."""


def study_of(
    process: processes.Process | str,
    n_ctx: int,
    networks: Sequence[NetworkFunction],
    untrained: Sequence[NetworkFunction],
    *,
    layers: Sequence[str] | None = None,
) -> Study:
    """The study of networks that were trained elsewhere, and of untrained ones of the same shape.

    A network is a function that is given words (N, n_ctx) of integers and returns a mapping with `logits` (N,
    n_ctx, V), whose entry at position t is about token t + 1, and arrays (N, n_ctx, d) under names of your
    own. `layers` are those that stand for the residual stream: before the first block, then after each; by
    default all, as the first network gives them. What is called a seed elsewhere is here a place in
    `networks`.

    Raises `toy.ModelError` for what is no such network: other shapes or names, numbers that are not finite,
    another vocabulary, or one that looks at later tokens. Raises `processes.ProcessError` if networks on
    this process could not be probed.
    """
    process = fitted("process", processes.Process | str, process)
    process = processes.named(process) if isinstance(process, str) else process
    n_ctx = fitted("n_ctx", int, n_ctx)
    groups = {
        "networks": _listed("networks", networks),
        "untrained": _listed("untrained", untrained),
    }
    asked = None if layers is None else fitted("layers", tuple[str, ...], layers)
    check(process, n_ctx)
    what = contexts(process, n_ctx)
    names: tuple[str, ...] = ()
    seen: dict[str, list[Evidence]] = {}
    for group, functions in groups.items():
        seen[group] = []
        for i, function in enumerate(functions):
            network = _Observed(f"{group}[{i}]", function, what, asked)
            names = names or network.layers()
            like = seen["networks"][0] if seen["networks"] else None
            seen[group].append(network.evidence(names, like))
    return Study(what, names, seen["networks"], seen["untrained"])


def _listed(name: str, given: Any) -> tuple[NetworkFunction, ...]:
    remedy = "give a list of functions from tokens (N, T) to a mapping of `logits` (N, T, V) and named arrays"
    if not isinstance(given, list | tuple) or not all(map(callable, given)):
        raise toy.ModelError(f"{name} is {shown(given)}; {remedy}")
    if not given:
        raise toy.ModelError(f"{name} is empty; {remedy}, at least one")
    return tuple(given)


class _Observed:
    """One function, and the words that it is run on."""

    def __init__(
        self, name: str, function: NetworkFunction, contexts: Contexts, asked: tuple[str, ...] | None
    ):
        self.name, self.function, self.contexts, self.asked = name, function, contexts, asked
        self.words, self.row = words_of(contexts)
        self.pairs = _pairs(self.words)

    def layers(self) -> tuple[str, ...]:
        """The names of what stands for the residual stream."""
        given = self._call(self.words[:1])
        names = self.asked or tuple(name for name in given if name != LOGITS)
        if len(names) < 2 or len(set(names)) < len(names) or {CONCATENATED, LOGITS} & set(names):
            raise toy.ModelError(
                f"the layers are {', '.join(map(repr, names)) or 'none'}; there must be two or more of "
                f"different names, none of them {CONCATENATED!r} or {LOGITS!r}: what enters the first block, "
                "such as the embedding, then what leaves each block"
            )
        return names

    def evidence(self, layers: tuple[str, ...], like: Evidence | None) -> Evidence:
        """What the network does on every context. Raises `toy.ModelError` if it is none, or not `like` the
        first one.
        """
        self._check_causality(layers)
        N, position = len(self.contexts.length), self.contexts.position
        found: dict[str, np.ndarray] = {}
        order = np.argsort(self.row, kind="stable")
        bounds = np.searchsorted(self.row[order], np.arange(0, len(self.words) + AT_ONCE, AT_ONCE))
        for i, first in enumerate(range(0, len(self.words), AT_ONCE)):
            here = order[bounds[i] : bounds[i + 1]]
            for name, value in self._read(self.words[first : first + AT_ONCE], layers).items():
                if name not in found:
                    found[name] = np.empty((N, value.shape[-1]), np.float32)
                found[name][here] = value[self.row[here] - first, position[here]]
        logits = found.pop(LOGITS)
        for name, held in like.activations.items() if like else ():
            width = held.shape[1]
            if found[name].shape[1] != width:
                raise toy.ModelError(
                    f"{self.name} gives {name!r} of width {found[name].shape[1]} but networks[0] of {width}; "
                    "all networks of a study have one shape"
                )
        return Evidence(self.contexts, found, log_distribution(logits))

    def _check_causality(self, layers: tuple[str, ...]) -> None:
        """Go on otherwise after the beginning of a few words, and see whether it notices."""
        first, second, parted = self.pairs
        before = np.arange(self.contexts.n_ctx) < parted[:, None]
        # In another company, so that what depends on the other words, or on chance, is noticed as well.
        plain = self._read(first, layers)
        other = self._read(np.concatenate([second, second]), layers)
        for name, value in plain.items():
            apart = np.abs(value - other[name][: len(first)])[before].max()
            if apart > UNEQUAL * np.abs(value).max():
                raise toy.ModelError(
                    f"{self.name} gives other {name!r} at a position when later tokens change, or the other "
                    "words, or when it is called again; a network may look at the tokens up to there only"
                )

    def _read(self, words: np.ndarray, layers: tuple[str, ...]) -> dict[str, Float[np.ndarray, "N T d"]]:
        given = self._call(words)
        V = self.contexts.process.vocab
        return {
            name: self._array(name, given, (*words.shape, V if name == LOGITS else None))
            for name in (*layers, LOGITS)
        }

    def _call(self, words: np.ndarray) -> Mapping[str, Any]:
        given = self.function(words.copy())
        if not isinstance(given, Mapping) or LOGITS not in given:
            what = (
                f"a mapping of {', '.join(map(str, given))}" if isinstance(given, Mapping) else shown(given)
            )
            raise toy.ModelError(
                f"{self.name} returns {what}; it must return a mapping with {LOGITS!r} (N, T, V), and arrays "
                "(N, T, d) by name"
            )
        return given

    def _array(self, name: str, given: Mapping[str, Any], shape: tuple[int | None, ...]) -> np.ndarray:
        if name not in given:
            raise toy.ModelError(
                f"{self.name} gives no {name!r}, which every network of a study must; it gives "
                f"{', '.join(map(str, given))}"
            )
        value = _numbers(given[name])
        if value is None:
            raise toy.ModelError(
                f"{self.name} gives {name!r} as {shown(given[name])}; it must be an array of numbers"
            )
        width = value.shape[-1] if value.ndim == 3 and shape[2] is None else shape[2]
        if value.shape != (*shape[:2], width) or not width:
            process = self.contexts.process
            wanted = f"({shape[0]}, {shape[1]}, {'d' if shape[2] is None else shape[2]})"
            about = f", for {process.name} has {process.vocab} symbols" if name == LOGITS else ""
            raise toy.ModelError(
                f"{self.name} gives {name!r} of shape {value.shape} for {shape[0]} words of {shape[1]} "
                f"tokens; it must be {wanted}{about}"
            )
        if not np.isfinite(value).all():
            raise toy.ModelError(f"{self.name} gives {name!r} with numbers that are not finite in float32")
        return value


def words_of(contexts: Contexts) -> tuple[np.ndarray, np.ndarray]:
    """Words of full length in which every context is a beginning, and for each context which of them."""
    if contexts.drawn is not None:
        return contexts.drawn.astype(np.int64), np.repeat(np.arange(len(contexts.drawn)), contexts.n_ctx)
    tree = contexts.tree
    assert tree is not None
    row, longest = np.zeros(len(tree), np.int64), tree.level(contexts.n_ctx)
    row[longest] = np.arange(longest.stop - longest.start)
    for depth in range(contexts.n_ctx, 1, -1):  # a context goes on in one of its children's words
        level = tree.level(depth)
        row[tree.parent[level]] = row[level]
    return tree.words[longest].astype(np.int64), row[1:]


def _pairs(words: Int[np.ndarray, "N T"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A few words, as many others that begin alike, and where they part: words that the process can emit, for
    a network may know no others.
    """
    words = np.unique(words, axis=0)
    parts = (words[1:] != words[:-1]).argmax(1)
    at = [np.flatnonzero(parts == position) for position in np.unique(parts[parts > 0])]
    chosen = np.array([at[i][len(at[i]) // 2] for i in evenly(len(at), LOOKED_AT)], int)
    return words[chosen], words[chosen + 1], parts[chosen]


def _numbers(value: Any) -> np.ndarray | None:
    """An array as float32, as our own networks compute; None if it is none."""
    for method in ("detach", "cpu", "float"):  # of PyTorch, whose bfloat16 NumPy does not know
        if callable(getattr(value, method, None)):
            value = getattr(value, method)()
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
            return None
        with np.errstate(over="ignore"):
            return array.astype(np.float32)
    except (TypeError, ValueError):
        return None
