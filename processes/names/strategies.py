"""Hypothesis strategies: random texts that name a process, made of the grammar's own table."""

import math

from hypothesis import assume
from hypothesis import strategies as st

from ..process import Process, ProcessError
from .catalogue import CATALOGUE
from .forms import FORMS
from .reading import named

MOST_NUMBERS = 20_000
"""Entries of T up to which a process goes into another."""
SMALL = tuple(name for name in CATALOGUE if name not in ("quantum_rrxor", "fanizza", "moon", "bloch_walk"))
"""Families that are HMMs, so that they can be constrained and spelt out."""
SENTENCES = (
    "no {}{}",
    "never {}",
    "only {}{}",
    "phases {}/{}",
    "{} before {}",
    "at most 2 of {}",
    "at most  1 of {} in a row",
    "even number of {} in every 3",
    "period 2",
    "depth of {}/{} at most 2",
)


def distributions(n: int) -> st.SearchStrategy[str]:
    """Probabilities of n outcomes, in tenths or as fractions: `[0.3, 0.7]`, `[1/3, 2/3]`."""

    def text(counts: list[int]) -> str:
        total = sum(counts)
        return f"[{', '.join(f'{c / 10!r}' if total == 10 else f'{c}/{total}' for c in counts)}]"

    return st.lists(st.integers(0, 5), min_size=n, max_size=n).filter(any).map(text)


@st.composite
def families(draw, names: tuple[str, ...] = SMALL) -> str:
    """A family of the literature at a published set: by its name, the set's, or its parameters."""
    name = draw(st.sampled_from(names))
    label, values = draw(st.sampled_from([*FORMS[name].published.items()]))
    parameters = [f"{k}={v!r}" for k, v in values.items()]
    forms = [name, f"{name}:{label}", f"{name}({', '.join(draw(st.permutations(parameters)))})"]
    return draw(st.sampled_from(forms))


@st.composite
def expressions(draw, name: str | None = None, *, depth: int = 2) -> str:
    """A text that names a process, of compositions within compositions; the outermost one is `name`."""
    if name is None:
        return draw(st.one_of(families(), expressions(draw(st.sampled_from([*FORMS])), depth=depth - 1)))
    if name in ("addition", "ledger", "xorsat"):
        name, text = "xorsat", f"xorsat(n={draw(st.integers(2, 3))}, k=2)"
        return text
    form = FORMS[name]
    if form.published:
        return draw(families((name,)))
    inner = expressions(depth=depth - 1) if depth > 1 and name != "decoy" else families()  # a second each
    parts = [draw(inner) for _ in range(1 if form.of == "one" else draw(st.integers(1, 3)))]
    made = [_small(part) for part in parts]
    comma = draw(st.sampled_from([", ", ",", " ; "]))
    if name == "product":
        return draw(st.sampled_from([" * ", "*"])).join(parts) if len(parts) > 1 else f"product({parts[0]})"
    if name == "coupled":
        return _coupled(draw, parts, made)
    if name in ("given", "guarded"):
        return f"{name}({'; '.join([parts[0], *_constrained(draw, name, made[0].vocab)])})"
    return f"{name}({comma.join([*parts, *_parameters(draw, name, made)])})"


def _small(text: str) -> Process:
    try:
        made = named(text)
    except ProcessError:  # a block of too many symbols, a constraint that cannot be satisfied
        assume(False)
        raise
    assume(made.T.size <= MOST_NUMBERS)
    return made


def _parameters(draw, name: str, made: list[Process]) -> list[str]:
    """What stands behind the processes."""
    V, K = made[0].vocab, len(made)
    number = draw(st.integers(1, 3))
    tenths = draw(st.integers(0, 10)) / 10
    if name == "mixture":
        weights = [draw(st.sampled_from(["", "weights="])) + draw(distributions(K))]
        return weights if draw(st.booleans()) else []
    if name == "triggered":
        switch = [[tenths / K if k != j else 0.0 for j in range(K)] for k in range(K)]
        return [f"switch={switch}", f"first={draw(distributions(K))}"]
    if name == "relabelled":
        symbols = draw(st.lists(st.integers(0, V), min_size=V, max_size=V))
        return [*map(str, symbols)] if draw(st.booleans()) else [f"symbols={symbols}", f"vocab={V + 1}"]
    if name == "noisy":
        rows = [draw(distributions(number)) for _ in range(V)]
        return [f"channel=[{', '.join(rows)}]"] if V == 1 or draw(st.booleans()) else [f"error={tenths}"]
    if name == "expand":
        return [f"radix={V}", "digits=1"]
    if name == "decoy":
        return [f"seed={number}"]
    value = tenths if name == "leak" else number
    return [draw(st.sampled_from(["", f"{next(iter(FORMS[name].takes))}="])) + str(value)]


def _coupled(draw, parts: list[str], made: list[Process]) -> str:
    """Factors of one or two variants, the second in other words, under a structure whose maps are drawn."""
    factors = []
    for part, process in zip(parts, made, strict=True):
        order = draw(st.permutations(range(process.vocab)))
        factors.append(draw(st.sampled_from([part, f"{part} | relabelled({part}, {[*order]})"])))
    structure = draw(st.sampled_from(["independent", "sequential", "conditional_transitions", "hidden"]))
    assume(structure != "hidden" or all(p.kind == "hmm" for p in made))
    assume(math.prod(p.T.size for p in made) <= MOST_NUMBERS)
    radices = [p.n_states if structure == "hidden" else p.vocab for p in made]
    maps = []
    for i, factor in enumerate(factors):
        others = math.prod(r for j, r in enumerate(radices) if j != i)
        before = radices[i - 1] if i else 1
        n = {"independent": 1, "conditional_transitions": others}.get(structure, before)
        most = 1 if "|" in factor and factor != parts[i] else 0
        maps.append([draw(st.integers(0, most)) for _ in range(n)])
    options = [f"structure={draw(st.sampled_from([structure, repr(structure)]))}", f"maps={maps}"]
    options += draw(st.sampled_from([[], ["coupling=0.5"], ["coupling=1/3"]]))
    return f"coupled({', '.join(factors)}; {'; '.join(options)})"


def _constrained(draw, name: str, vocab: int) -> list[str]:
    """Sentences behind the base."""
    symbol = st.integers(0, vocab - 1)
    count = draw(st.integers(1, 2))
    mark = "," if vocab > 10 else ""
    found = []
    for sentence in draw(st.lists(st.sampled_from(SENTENCES), min_size=count, max_size=count)):
        wide = mark if "{}{}" in sentence else ""
        a, b = f"{draw(symbol)}{wide}", f"{draw(symbol)}"
        found.append(sentence.format(a, b))
    if name == "given":
        return found
    sets = ["none", *map(str, range(count)), *(["01"] if count == 2 else [])]
    on = draw(st.lists(st.sampled_from(sets), min_size=1, max_size=3))
    shares = draw(distributions(len(on)))[1:-1].split(", ")
    when = [
        f"p={draw(st.integers(0, 10)) / 10}",
        f"on={','.join(on)}",
        f"on={','.join(f'{s}:{p}' for s, p in zip(on, shares, strict=True))}",
    ]
    return [*found, draw(st.sampled_from(when))]
