"""Processes by name: what the command line, recipes and files mean when they say `rrxor` or `mess3(x=0.15,
a=0.6) * coin`.
"""

import difflib
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..compose import Coupled
from ..interchange import process_file
from ..interchange.composites import from_json, is_foreign
from ..process import Process, ProcessError, renamed
from ..tasks.ledger import Ledger
from ..values import structure
from ..values.checks import checked
from .catalogue import short
from .forms import FORMS, Form, Source
from .grammar import MISSING, SENTENCES, parse
from .tree import Call, File, Name, Node, Place, Times, Value, Variants

T = TypeVar("T")

QUESTIONS = ("addition", "ledger", "xorsat")
"""Names that may make a question, which is not remembered: some are large, and all quickly made."""


@checked
def named(spec: str) -> Process:
    """The process that `spec` means:

    `rrxor`, `mess3:shai2024`, `mess3(x=0.05, a=1/2)`   a family: at its first published set, at another, or
                                                        at these parameters (numbers, fractions, lists)
    `mess3 * rrxor`, `product(mess3, rrxor)`            independent processes in one token
    `coupled(coin(p=0.6), coin(p=0.7) | coin(p=0.2); structure='sequential')`
                                                        variants of a factor, chosen by another one
    `mixture(even, golden_mean; 0.3, 0.7)`              one of them, drawn once and for ever; without numbers
                                                        equally likely
    `triggered(even, coin; switch=[[0, .1], [.2, 0]]; first=[.5, .5])`
    `relabelled(mess3, 2, 0, 1)`                        symbol x becomes the x-th number
    `synonyms(mess3, 2)`                                so many spellings of every symbol
    `noisy(mess3, error=0.1)`, `noisy(coin, channel=[[.9, .1], [0, 1]])`, `leak(rrxor, 0.1)`
    `block(mess3, 2)`, `expand(mess:four, radix=2, digits=2)`, `markov(mess3, 2)`
    `decoy(rrxor)`                                      a random process of equal entropy rate, ever the same
    `given(coin; no 11)`, `guarded(mess3; no 00; never 2; p=0.5)`   constrained (see `constraints.constraint`)
    `xorsat(n=4, k=3)`                                  random equations and whether they can be satisfied
    `mine.json`                                         a file that `write` wrote, or another program

    and any of these inside another. `Process.spec` is such a text for whatever was made of these.

    Raises `ProcessError` where the text cannot be read, with the place, on an unknown name or set (with the
    nearest known one), on wrong or missing parameters, on values that make no process, and on a file that
    holds none.

    >>> import processes
    >>> processes.named("mess3")
    <mess3(x=0.05, a=0.85): 3 symbols, 3 states>
    >>> processes.named("even * golden_mean").vocab
    4
    """
    return _named(spec) if ".json" in spec else _remembered(spec)  # a file may hold another process tomorrow


@checked
def source(spec: str) -> Source:
    """What `spec` means where more than processes are understood: a process (see `named`), or a question,
    `ledger(K=32, g=4, p=0.5)`, `xorsat(n=10, k=3, m=9)` or `addition(p=23, share=0.75)`.

    Raises `ProcessError` where neither can be read.
    """
    tree = _tree(spec)
    return _source(tree) if isinstance(tree, Call) and tree.name.text in QUESTIONS else named(spec)


@checked
def read(path: str | Path) -> Process:
    """The process in a JSON file: `transition_matrices`, (V, S, S); `type` (hmm or ghmm), `initial_state`,
    `name` and `states` may be missing.

    The type is then hmm, the start distribution the stationary one, the name that of the file. States that
    emit (`transition`, `emission`, and if one likes `start` and `emits`, see `from_moore`) are read as well,
    the composite types of other generators, `nonergodic` (components, weights, vocab_maps) and `factored`
    (factors, structure; see `coupled`), and simplexity's `process_name` with `process_params`. Numbers may be
    fractions in quotes, "1/3".

    Other keys, such as `notes`, are ignored, so that the output of `toylab process NAME --json` can be read;
    `identity` too, unless the `seal` says that the numbers are still its own. What the process is made of is
    read from `spec` where that names the very same process; else it is made of this file. Raises
    `ProcessError`, naming the file, if there is no such file, if it is not JSON, if a key is missing or of
    the wrong type, and if the numbers are no process (naming the row and the value).
    """
    content = process_file.load(path)
    if is_foreign(content):
        made = from_json(content, path)
        if made.spec is not None:
            return made
        read_from: structure.Structure = structure.FromFile(str(path))
        if isinstance(made.made_of, Coupled):  # what is asked of its factors can still be asked
            read_from = replace(made.made_of, file=str(path))
        return structure.remember(made, read_from)
    found, spec = process_file.numbers(content, path), content.get("spec")
    if isinstance(spec, str) and ".json" not in spec:  # no file is read for what another one says
        try:
            meant = named(spec)
        except ProcessError:  # written by a later version, or by hand
            meant = None
        if meant is not None and meant.made_of is not None and meant.identity == found.identity:
            return structure.remember(found, meant.made_of)
    return structure.remember(found, structure.FromFile(str(path)))


def _named(spec: str) -> Process:
    return _process(_tree(spec))


_remembered = lru_cache(maxsize=64)(
    _named
)  # recipes ask for their process many times, and a protocol takes a tenth of a second to build


def _tree(spec: str) -> Node:
    text = spec.strip()
    if text.endswith(".json") and ("*" not in text or os.path.exists(text)):
        return File(Place(spec, 0, len(spec)), text)
    return parse(spec)


def _process(node: Node) -> Process:
    """What a part of the tree means, where it has to be a process."""
    found = _source(node)
    if not isinstance(found, Process):
        raise ProcessError(
            f"{node.place.text} is a question, of which the answers alone are scored, and this "
            "needs a process; recipes take it, and claims CL1, CL4 and CL8 take a ledger"
        )
    return found


def _source(node: Node) -> Source:
    """What a part of the tree means."""
    if isinstance(node, File):
        return read(node.path)
    if isinstance(node, Times):
        return _built(FORMS["product"], node.place, [_process(factor) for factor in node.factors], {})
    if isinstance(node, Name):
        return _published(node)
    if isinstance(node, Call):
        return _called(node)
    if isinstance(node, Variants):
        node.place.refuse(
            "| stands between the variants of a factor, in coupled alone; write one process here"
        )
    node.place.refuse(MISSING)


def _published(node: Name) -> Source:
    form = _look_up(node.name, FORMS, "process", "`toylab list` shows them all", node.place)
    if not form.published:
        node.place.refuse(f"{node.name} takes what stands in brackets; write it like {form.example}")
    if node.published is None:
        return _built(form, node.place, [], next(iter(form.published.values())))
    what = f"published parameter set of {node.name}"
    parameters = _look_up(
        node.published.text, form.published, what, "or write its parameters out", node.published
    )
    return _built(form, node.place, [], parameters)


def _called(call: Call) -> Source:
    name = call.name.text
    form = _look_up(name, FORMS, "process", "`toylab list` shows them all", call.name)
    if name in SENTENCES:
        base, *sentences = (argument.value for argument in call.arguments)
        places = [sentence.place for sentence in sentences]
        if not places or not all(place.text for place in places):
            call.place.refuse(
                f"it names no constraint, or an empty one; parted by semicolons, like {form.example}"
            )
        made = form.build(_process(base), places)  # which points at the sentence that is wrong
        assert isinstance(made, Process)
        return renamed(made, call.place.text)
    made = _built(form, call.place, _parts(call, form), _parameters(call, form))
    return replace(made, name=call.place.text) if isinstance(made, Ledger) else made


def _built(form: Form, place: Place, parts: list[Any], parameters: Mapping[str, Any]) -> Source:
    try:
        return form.build(*([parts] if form.of in ("some", "variants") else parts), **parameters)
    except ProcessError as error:
        raise ProcessError(f"{place.text} is no process: {error}") from None


def _parts(call: Call, form: Form) -> list[Any]:
    """The processes among the arguments of a call, or the variants of each."""
    nodes = [a.value for a in call.arguments if a.keyword is None and not isinstance(a.value, Value)]
    if nodes and not form.of:
        nodes[0].place.refuse(f"{call.name.text} is made of numbers alone; write it like {form.example}")
    if form.of == "one" and len(nodes) != 1 or form.of in ("some", "variants") and not nodes:
        number, some = len(nodes) or "none", form.of != "one"
        call.place.refuse(
            f"{call.name.text} is of {'some' if some else 'one'} process{'es' * some} and names {number}; "
            f"write it like {form.example}"
        )
    if form.of == "variants":
        return [[_process(v) for v in (n.variants if isinstance(n, Variants) else (n,))] for n in nodes]
    return [_process(node) for node in nodes]


def _parameters(call: Call, form: Form) -> dict[str, Any]:
    """The other arguments of a call, by parameter, in the types that they have there."""
    name, given = call.name.text, dict[str, Node]()
    for argument in call.arguments:
        if argument.keyword is not None:
            if argument.keyword.text in given:
                argument.keyword.refuse(f"{argument.keyword.text} is given twice; delete one of them")
            given[argument.keyword.text] = argument.value
    values = [a.value for a in call.arguments if a.keyword is None and isinstance(a.value, Value)]
    if values and not form.by_position:
        values[0].place.refuse(
            f"{name} takes 0 numbers without a name{' after the process' * bool(form.of)}; write it like "
            f"{form.example}"
        )
    free = [parameter for parameter in form.takes if parameter not in given]
    while values and free:
        parameter = free.pop(0)
        if isinstance(form.takes[parameter], list) and not isinstance(values[0].value, tuple):
            whole = Place(call.place.whole, values[0].place.start, values[-1].place.end)
            given[parameter], values = Value(whole, tuple(v.value for v in values)), []
        else:
            given[parameter] = values.pop(0)
    if values:
        values[0].place.refuse(f"{name} takes no further number here; write it like {form.example}")
    missing = set(form.takes) - set(given) - set(form.optional)
    if missing or set(given) - set(form.takes):
        call.place.refuse(
            f"{name} takes the parameters {', '.join(sorted(form.takes)) or 'of no name'}, but "
            f"{call.place.text!r} "
            f"gives {', '.join(sorted(given)) or 'none'}; write it like {form.example}"
        )
    return {
        k: _like(form.takes[k], given[k], f"the parameter {k} of {name}") for k in form.takes if k in given
    }


def _like(template: Any, node: Node, what: str) -> Any:
    """What is written there in the type of `template`: an integer, a float, or a (nested) list of them."""

    def refuse(expected: str) -> NoReturn:
        node.place.refuse(f"{what} is {node.place.text}; it must be {expected}, like {short(template)}")

    def like(template: Any, value: Any) -> Any:
        if isinstance(template, str):
            return value if isinstance(value, str) else refuse("a word")
        if isinstance(template, list):
            return [like(template[0], v) for v in value] if isinstance(value, tuple) else refuse("a list")
        if not isinstance(value, int | float):
            refuse("a number")
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
        if math.isinf(found):
            node.place.refuse(f"{what} is too large for a float; give a smaller number")
        if isinstance(template, int):
            return int(value) if value == int(value) else refuse("a whole number")
        return found

    if isinstance(node, Name) and node.published is None:  # a word needs no quotes
        return like(template, node.name)
    return like(template, node.value if isinstance(node, Value) else None)


def _look_up(name: str, table: Mapping[str, T], what: str, otherwise: str, place: Place) -> T:
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1, cutoff=0.6)
    near += [known for known in table if len(name) > 3 and name in known]  # half of a name
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(table)};"
    place.refuse(f"there is no {what} called {name!r}; {hint} {otherwise}")
