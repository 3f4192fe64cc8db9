"""The command `toylab prove`: whether networks keep to a bound after every prefix. Imports JAX only for a
statement that could be one.
"""

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from tyro.conf import Positional

from .arguments import Refused, parse
from .refusal import networks_there
from .terminal import printable

if TYPE_CHECKING:
    from ..instruments.proofs import Proof

SHOWN = 24
"""Symbols of a word that are printed; of longer ones the last."""


@dataclass(frozen=True)
class Options:
    """Prove or refute that networks never give a symbol more than some probability, after whatever prefix: of
    any length for recurrent networks, within its window for a transformer; words that the process never emits
    are meant too. What is neither proved nor refuted in time is undecided.
    """

    run: Positional[str]
    """Folder of a finished run, or the name of a network that came with the lab."""
    token: int
    """The symbol."""
    at_most: float
    """The probability that it is never given more than."""
    seconds: float = 60.0
    """Time for all networks together."""
    networks: int | None = None
    """How many networks of the run are asked, the first ones; all by default."""
    json: bool = False
    """Print everything as JSON."""
    check: bool = False
    """Exit with status 1 unless it is proved of every network."""


def prove(argv: list[str], console: Console) -> int:
    """Run the command; returns its exit status."""
    asked = parse(Options, argv, "toylab prove")
    _check(asked)
    from ..instruments.proofs import prove as proofs
    from .export import networks_of

    run, _ = networks_of(asked.run)
    found = proofs(run, asked.token, asked.at_most, seconds=asked.seconds, networks=asked.networks)
    if asked.json:
        print(json.dumps([proof.to_json() for proof in found], indent=2))
    else:
        _tell(found, console)
    return int(asked.check and any(proof.outcome != "proved" for proof in found))


def _check(asked: Options) -> None:
    """Raises `Refused` for what could be no statement."""
    if asked.token < 0:
        raise Refused(f"--token is {asked.token}; symbols are counted from 0")
    if not 0 < asked.at_most < 1:
        raise Refused(f"--at-most is {asked.at_most}; it must be a probability between 0 and 1")
    if not (asked.seconds > 0 and math.isfinite(asked.seconds)):
        raise Refused(f"--seconds is {asked.seconds}; it must be more than 0")
    if asked.networks is not None and asked.networks < 1:
        raise Refused(f"--networks is {asked.networks}; it must be at least 1")
    networks_there(asked.run)


def _tell(found: "list[Proof]", console: Console) -> None:
    """A line for each network, and what is meant by it."""
    for proof in found:
        console.print(printable(f"seed {proof.seed}: {_sentence(proof)}"), soft_wrap=True, highlight=False)
    first = found[0]
    if first.process is not None:
        console.print(
            f"an ideal observer of the process: at most {first.process.high:.6f}",
            highlight=False,
            soft_wrap=True,
        )


def _sentence(proof: "Proof") -> str:
    largest = proof.largest
    scope = "any prefix" if largest.window is None else f"any prefix of up to {largest.window} symbols"
    if proof.outcome == "proved":
        how = (
            f"a closed cover of {largest.sets} sets"
            if largest.method == "closed cover"
            else f"all {largest.sets} words"
        )
        return (
            f"proved: at most {largest.high:.6f} after {scope}, by {how} (reached: {largest.low:.6f} after "
            f"{_word(largest.word)}); float32 differs by at most {largest.float32:.1e}"
        )
    if proof.outcome == "refuted":
        where = {True: ", which the process emits", False: ", which the process never emits", None: ""}
        return f"refuted: {largest.low:.6f} after {_word(largest.word)}{where[proof.on_support]}"
    why = f" ({largest.why})" if largest.why else ""
    bound = f"at most {largest.high:.6f} is proved" if largest.method != "none" else "no bound is proved"
    return f"undecided: {bound}{why}; {largest.low:.6f} is reached after {_word(largest.word)}"


def _word(word: tuple[int, ...]) -> str:
    """A word, or its end."""
    text = " ".join(map(str, word[-SHOWN:]))
    return text if len(word) <= SHOWN else f"{len(word)} symbols ending in {text}"
