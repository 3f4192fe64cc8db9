"""Composite processes as other generators write them in JSON: `nonergodic` mixtures and `factored` ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..compose import Coupled, Mixture, Product, coupled, mixture, relabelled
from ..process import Process, ProcessError, ghmm, hmm, renamed
from ..values.arrays import integers, real, shown
from ..values.checks import checked
from .moore import from_moore
from .process_file import KEYS, numbers, numeric
from .simplexity import from_simplexity

COMPOSITES = ("nonergodic", "factored")
"""Types that hold other processes."""
MOST_ENTRIES = 30_000_000
"""Entries of T in a composite: as by name."""
STRUCTURES = ("independent", "sequential", "conditional_transitions", "fully_conditional")


def from_json(content: Any, where: str | Path) -> Process:
    """The process that a JSON object describes, a composite or not; raises `ProcessError`, naming the place.

    `nonergodic`: component i says its symbol x as `vocab_maps[i][x]`, and is drawn once with `weights[i]`.
    `factored`: factors of variants (K, V, S, S) under a `structure`, tokens in mixed radix or as
    `composite_encoding` lists them. What that format leaves to filters alone is refused with the reason.
    """
    if not isinstance(content, Mapping):
        raise ProcessError(f"{where} is {shown(content)}; it must be an object with the key {KEYS[1]!r}")
    try:
        if "process_name" in content:
            parameters = content.get("process_params", {})
            return from_simplexity(content["process_name"], parameters)
        if not is_foreign(content):
            return numbers(content, where)
        if content.get("type") not in COMPOSITES:
            return _moore(content, where)
        made = _mixture(content, where) if content["type"] == "nonergodic" else _factored(content, where)
    except ProcessError as error:
        told = str(error)
        raise ProcessError(told if told.startswith(str(where)) else f"{where}: {told}") from None
    return renamed(made, _name(content, where))


def _name(content: Mapping[str, Any], where: str | Path) -> str:
    name = content.get("name", Path(where).stem)
    if not isinstance(name, str):
        raise ProcessError(f"{where}: name is {shown(name)}; it must be a string")
    return name


def is_foreign(content: Mapping[str, Any]) -> bool:
    """Whether a JSON object describes a process otherwise than by labelled transition matrices of ours."""
    emitting = "transition" in content and KEYS[1] not in content
    return emitting or content.get("type") in COMPOSITES or "process_name" in content


def _moore(content: Mapping[str, Any], where: str | Path) -> Process:
    """`start`, `transition`, `emission` and `emits`, as of `from_moore`."""
    depths = {"start": 1, "transition": 2, "emission": 2}
    missing = [key for key in depths if key not in content and key != "start"]
    if missing:
        raise ProcessError(
            f"{where} has no key {missing[0]!r}; states that emit need transition and emission"
        )
    parts = [
        None if content.get(key) is None else numeric(content[key], depth, f"{where}: {key}")
        for key, depth in depths.items()
    ]
    emits = content.get("emits", "left")
    if emits not in ("left", "arrived"):
        raise ProcessError(f"emits is {emits!r}; it must be 'left' or 'arrived'")
    made = from_moore(*parts, emits=emits, name=_name(content, where))
    states = content.get("states")
    if states is None:
        return made
    if not isinstance(states, list) or len(states) != len(parts[1] or ()):
        raise ProcessError(f"states is {shown(states)}; it must be a list of strings, one per state")
    names = [*made.states[: made.n_states - len(states)], *states]
    return hmm(made.T, made.start, name=made.name, states=names)


def _mixture(content: Mapping[str, Any], where: str | Path) -> Process:
    components = _listed(content, "components", where)
    weights = numeric(_listed(content, "weights", where), 1, "weights")
    parts = [from_json(part, f"{where}: components[{i}]") for i, part in enumerate(components)]
    maps = content.get("vocab_maps")
    if maps is None:
        maps = [list(range(p.vocab)) for p in parts]
    if not isinstance(maps, list) or len(maps) != len(parts):
        raise ProcessError(
            f"vocab_maps is {shown(maps)}; give one list for each of the {len(parts)} components"
        )
    symbols = [integers(_whole(row, f"vocab_maps[{i}]"), f"vocab_maps[{i}]") for i, row in enumerate(maps)]
    for i, (row, p) in enumerate(zip(symbols, parts, strict=True)):
        if row.shape != (p.vocab,) or len({*row.tolist()}) < p.vocab or row.min() < 0:
            raise ProcessError(
                f"vocab_maps[{i}] is {row.tolist()}; give {p.vocab} different symbols, one for each that "
                "its component says"
            )
    vocab = 1 + max(int(row.max()) for row in symbols)
    spoken = [relabelled(p, row, vocab=vocab) for p, row in zip(parts, symbols, strict=True)]
    return mixture(spoken, weights).process()


def _factored(content: Mapping[str, Any], where: str | Path) -> Process:
    factors = [_variants(factor, i) for i, factor in enumerate(_listed(content, "factors", where))]
    structure = content.get("structure")
    kind = structure.get("type") if isinstance(structure, Mapping) else None
    if kind not in STRUCTURES:
        raise ProcessError(
            f"structure is {shown(structure)}; it must be an object with the type {', '.join(STRUCTURES)}"
        )
    assert isinstance(structure, Mapping)
    maps, emission = structure.get("control_maps"), None
    if kind == "independent":
        fixed = structure.get("variant_indices")
        maps = None if fixed is None else [[k] for k in _whole(fixed, "variant_indices")]
    elif kind == "conditional_transitions":
        maps = structure.get("transition_control_maps", structure.get("control_maps_transition"))
        emission = structure.get("emission_variant_indices")
        chained = structure.get("emission_control_maps")
        if (emission is None) == (chained is None):
            emission = [0] * len(factors) if emission is None else emission
            if chained is not None:
                raise ProcessError(
                    "structure gives both emission_variant_indices and emission_control_maps; give one"
                )
        emission = emission if chained is None else chained
    for key, given in (("control_maps", maps), ("emission", emission)):
        for row in given if isinstance(given, list) else []:
            _whole(row if isinstance(row, list) else [] if row is None else [row], key)
    made = coupled(factors, kind, maps=maps, emission=emission, tokens=_tokens(content))
    if kind == "conditional_transitions":
        _filters_agree(made)
    return made.process(max_entries=MOST_ENTRIES)


def _variants(factor: Any, i: int) -> list[Process]:
    if not isinstance(factor, Mapping) or KEYS[1] not in factor:
        raise ProcessError(f"factors[{i}] has no key {KEYS[1]!r}; it holds its variants, (K, V, S, S)")
    kind = factor.get("component_type", "hmm")
    if kind not in ("hmm", "ghmm"):
        raise ProcessError(f"factors[{i}]: component_type is {kind!r}; it must be 'hmm' or 'ghmm'")
    what = f"factors[{i}]: {KEYS[1]}"
    T = real(numeric(factor[KEYS[1]], 4, what), what)
    size = factor.get("vocab_size", T.shape[1])
    if size != T.shape[1]:
        raise ProcessError(f"factors[{i}]: vocab_size is {size!r} and its matrices have {T.shape[1]} symbols")
    start = factor.get("initial_state")
    if start is not None:
        start = numeric(start, 1, f"factors[{i}]: initial_state")
    if start is None and len(T) > 1:
        raise ProcessError(
            f"factors[{i}] has {len(T)} variants and no initial_state; give it, since their stationary "
            "distributions may differ"
        )
    names = [f"factor {i}, variant {k}" if len(T) > 1 else f"factor {i}" for k in range(len(T))]
    if kind == "hmm":
        return [hmm(A, start, name=name) for A, name in zip(T, names, strict=True)]
    made = [ghmm(A, name=name) for A, name in zip(T, names, strict=True)]
    if start is None:
        return made
    row = real(start, f"factors[{i}]: initial_state")
    return [ghmm(p.T, row / (row @ p.w), w=p.w, name=p.name) for p in made]


def _tokens(content: Mapping[str, Any]) -> Any:
    encoding = content.get("composite_encoding")
    if encoding is None:
        return None
    if (
        not isinstance(encoding, Mapping)
        or encoding.get("type") != "explicit"
        or "token_to_tuple" not in encoding
    ):
        raise ProcessError(
            f"composite_encoding is {shown(encoding)}; it must have the type 'explicit' and token_to_tuple"
        )
    found = encoding["token_to_tuple"]
    for row in found if isinstance(found, list) else []:
        _whole(row, "token_to_tuple")
    return found


def _whole(value: Any, what: str) -> list[int]:
    """A list of whole numbers, of which true is none."""
    if not isinstance(value, list) or not all(isinstance(v, int) and not isinstance(v, bool) for v in value):
        raise ProcessError(f"{what} is {shown(value)}; it must be a list of whole numbers")
    return value


def _filters_agree(made: Coupled) -> None:
    """Raise `ProcessError` where symbols that one variant emits move beliefs as another one says, who emits
    otherwise: that format then updates beliefs by no rule of Bayes.
    """
    digits = made.digits
    for i, variants in enumerate(made.factors):
        e, m = (rule[i].of(digits, made.radices) for rule in (made.emits, made.moves))
        for a, b in {*zip(e.tolist(), m.tolist(), strict=True)}:
            for x in range(variants[0].vocab):
                says, said = (variants[k].T[x] @ variants[k].w for k in (a, b))
                if not np.allclose(says * said.sum(), said * says.sum(), rtol=0, atol=1e-9):
                    raise ProcessError(
                        f"factor {i} emits as variant {a} and moves on as variant {b}, which emits symbol "
                        f"{x} otherwise: that format's filter is then no rule of Bayes and its words are "
                        "those of no finite set of states; let both emit alike, or take `processes.coupled`, "
                        "where states emit and then move"
                    )


@checked
def to_json(process: Process) -> dict[str, Any]:
    """Plain values for other generators, as `read` reads them: `factored` of coupled factors and products,
    `nonergodic` of mixtures, else labelled transition matrices.

    Raises `ProcessError` for factors that these formats cannot say: chosen by hidden states, or by other
    factors than the one before; `write` writes the joint matrices of such a one.
    """
    made = process.made_of
    if isinstance(made, Mixture):
        parts = [to_json(part) for part in made.components]
        maps = [list(range(process.vocab))] * len(parts)
        weights = made.weights.tolist()
        return {"type": "nonergodic", "components": parts, "weights": weights, "vocab_maps": maps}
    if isinstance(made, Product):
        factors = [_factor([p.T], p) for p in made.factors]
        return {"type": "factored", "factors": factors, "structure": {"type": "independent"}}
    if isinstance(made, Coupled):
        return _coupled(made)
    return {
        "type": process.kind,
        "transition_matrices": process.T.tolist(),
        "initial_state": process.start.tolist(),
    }


def _coupled(made: Coupled) -> dict[str, Any]:
    """Factors whose variants heed their choosers already to the degree that the coupling says."""
    chain = [*range(-1, len(made.factors) - 1)]
    parents = [rule.parents[0] if rule.parents else -1 for rule in made.moves]
    by_others = [
        made.structure == "sequential" and p not in (-1, c) for p, c in zip(parents, chain, strict=True)
    ]
    if not made.factorises or any(by_others):
        raise ProcessError(
            f"{made.name} couples its factors by hidden states or by others than the one before, which the "
            "format has no words for; `write` writes its joint matrices"
        )
    structure: dict[str, Any] = {"type": made.structure}
    maps = [list(rule.variants) for rule in made.moves]
    if made.structure == "independent":
        structure["variant_indices"] = [row[0] for row in maps]
    elif made.structure == "sequential":
        structure["control_maps"] = maps
    else:
        _filters_agree(made)
        structure["transition_control_maps"] = maps
        structure["emission_control_maps"] = [list(rule.variants) for rule in made.emits]
    c = made.coupling
    factors = [_factor([(1 - c) * v[0].T + c * p.T for p in v], v[0]) for v in made.factors]
    found = {"type": "factored", "factors": factors, "structure": structure}
    if made.tokens is not None:
        rows = [list(row) for row in made.tokens]
        found["composite_encoding"] = {"type": "explicit", "token_to_tuple": rows}
    return found


def _factor(variants: list[np.ndarray], first: Process) -> dict[str, Any]:
    return {
        "component_type": first.kind,
        "transition_matrices": [T.tolist() for T in variants],
        "initial_state": first.start.tolist(),
        "vocab_size": first.vocab,
    }


def _listed(content: Mapping[str, Any], key: str, where: str | Path) -> list[Any]:
    if key not in content:
        raise ProcessError(f"{where} has no key {key!r}; {content['type']} processes need it")
    found = content[key]
    if not isinstance(found, list) or not found:
        raise ProcessError(f"{where}: {key} is {shown(found)}; it must be a list with at least one entry")
    return found
