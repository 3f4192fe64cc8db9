"""The command `toylab identify`: on the beliefs of which process activations lie nearest, without inputs."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

import processes
from processes.names.grammar import split

from ..claim.latest import published
from .arguments import Refused, parse
from .refusal import networks_there
from .terminal import printable

if TYPE_CHECKING:
    from ..instruments.blind import Identification
    from ..instruments.contexts import Contexts

ARRAYS = (".npy", ".npz")
"""Files of activations."""
ACTIVATIONS, WEIGHT = "activations", "weight"
"""What a .npz file may call its arrays."""
NAMED = "log distance, nearest wrong process over the right one"
"""The criterion of MI15 that counts networks to which the process they were trained on lies nearest."""


@dataclass(frozen=True)
class Options:
    """Lay activations alone, in no order, without inputs and labels, on the beliefs of some processes: which
    lies nearest? The nearest need not be the process that the network was trained on.
    """

    what: Positional[str]
    """Folder of a finished run, the name of a network that came with the lab, or a .npy or .npz file of
    activations (N, d); in a .npz they are `activations`, or its only array, and `weight` (N,) may be beside
    them.
    """
    among: str = ""
    """Candidates, separated by commas: mess3,nemo,my.json. By default ten whose beliefs lie in a plane, and
    the process of a run.
    """
    site: str = ""
    """Of a run: where activations are read; by default the residual stream after the last block."""
    seed: int | None = None
    """Of a run: which network; the first by default."""
    n_ctx: int | None = None
    """Of a file: how many tokens the network reads."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=("-o",))] = None
    """Figure to write, .pdf, .svg or .png: the cloud as it lies on the beliefs of the nearest candidate."""
    json: bool = False
    """Print everything as JSON."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked about: activations, and what is known of the contexts of a run, for the figure alone."""

    activations: np.ndarray
    weight: np.ndarray | None
    n_ctx: int
    own: processes.Process | None
    contexts: "Contexts | None"


def identify(argv: list[str], console: Console) -> int:
    """Run the command; returns its exit status."""
    asked = parse(Options, argv, "toylab identify")
    if asked.out is not None and asked.out.suffix not in (".pdf", ".svg", ".png"):
        raise Refused(f"a figure cannot be written to {asked.out}; its name must end in .pdf, .svg or .png")
    if asked.n_ctx is not None and asked.n_ctx < 1:
        raise Refused(f"--n-ctx is {asked.n_ctx}; it must be at least 1")
    among = [processes.named(name.strip()) for name in split(asked.among, ",") if name.strip()]
    given = _of_file(asked) if Path(asked.what).suffix in ARRAYS else _of_run(asked)
    from ..instruments.blind import CANDIDATES, identify

    own = () if given.own is None else (given.own,)
    found = identify(given.activations, among or (*own, *CANDIDATES), n_ctx=given.n_ctx, weight=given.weight)
    if asked.json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        _tell(found, console)
    if asked.out is not None:
        _draw(found, given, asked.out)
        if not asked.json:
            console.print(printable(f"{asked.out}: the cloud on the nearest beliefs"), soft_wrap=True)
    return 0


def _of_run(asked: Options) -> Asked:
    """Activations of a network of ours on every context."""
    if asked.n_ctx is not None:
        raise Refused("--n-ctx is for a file of activations; a run knows how many tokens its networks read")
    networks_there(asked.what)
    from ..instruments.activations import activations
    from .export import networks_of

    networks, _ = networks_of(asked.what)
    recipe = networks.recipe
    which = 0 if asked.seed is None else asked.seed - recipe.first_seed
    if not 0 <= which < recipe.seeds:
        last = recipe.first_seed + recipe.seeds - 1
        raise Refused(f"--seed is {asked.seed}; {asked.what} has seeds {recipe.first_seed} to {last}")
    site = asked.site or recipe.model.stream[-1]
    seen = activations(networks, (site,))
    x, t = seen.values[site][which], seen.contexts
    if x.ndim != 2:
        raise Refused(f"--site is {site}, which gives no vector for a context; try {recipe.model.stream[-1]}")
    return Asked(x, t.weight, t.n_ctx, t.process, t)


def _of_file(asked: Options) -> Asked:
    """Activations of a file."""
    for flag, value in (("--site", asked.site or None), ("--seed", asked.seed)):
        if value is not None:
            raise Refused(f"{flag} is for a run; {asked.what} has the activations of one network at one site")
    if asked.n_ctx is None:
        raise Refused("--n-ctx is missing: say how many tokens the network of these activations reads")
    try:
        content: Any = np.load(asked.what, allow_pickle=False)
        arrays = {ACTIVATIONS: content} if isinstance(content, np.ndarray) else dict(content)
    except FileNotFoundError:
        raise Refused(f"there is no file {asked.what}") from None
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise Refused(f"{asked.what} is no file of arrays that NumPy wrote ({error})") from None
    others = [name for name in arrays if name != WEIGHT]
    name = ACTIVATIONS if ACTIVATIONS in arrays else others[0] if len(others) == 1 else None
    if name is None:
        there = ", ".join(arrays) or "nothing"
        raise Refused(f"{asked.what} holds {there}; call the array of activations `{ACTIVATIONS}`")
    return Asked(arrays[name], arrays.get(WEIGHT), asked.n_ctx, None, None)


def _tell(found: "Identification", console: Console) -> None:
    """A row for each candidate, nearest first, and what could not be told."""
    table = Table("nearest first", "dimension", "distance", "a Gaussian's", box=None, header_style="dim")
    for named in found.candidates:
        row = f"{named.distance:.3f}", f"{named.gaussian:.3f}"
        table.add_row(printable(named.process.name), str(named.match.exact.dimension), *row)
    console.print(table)
    for remark in remarks(found):
        console.print(printable(remark), soft_wrap=True, highlight=False)


def named_right() -> tuple[int, int, int]:
    """Of the networks of the published verdicts of MI15, to how many the process they were trained on lay
    nearest of ten; how many networks; on how many processes.
    """
    found = published("MI15")
    asked = [next(c for c in verdict.criteria if c.name == NAMED) for verdict in found]
    right = sum(round(c.share.mean * len(c.values)) for c in asked if c.share is not None)
    return right, sum(len(c.values) for c in asked), len(found)


def remarks(found: "Identification") -> list[str]:
    """What of the nearest candidate could not be told, or that it is none."""
    name, other = found.nearest.process.name, found.runner_up
    said = [
        "distances are sliced Wasserstein's, in standard deviations of beliefs; 0 is the exact distribution"
    ]
    if not found.structured:
        said.append(
            f"nothing is named: a cloud that holds the beliefs of {name} would lie much nearer to them"
        )
    elif other is not None and not found.told:
        said.append(
            f"nothing is named: {other.process.name} is only {found.margin:.2f} times as far as {name}, and "
            "a blurred cloud may lie nearer to a wrong process than to the right one"
        )
    right, networks, on = named_right()
    said.append(
        f"nearest is no name: of {networks} trained networks on {on} processes {right or 'none'} lay nearest "
        "to the process that they were trained on (toylab claim MI15)"
    )
    if found.same:
        said.append(f"no activations tell {name} from {', '.join(found.same)}: their beliefs are one cloud")
    if found.symmetries > 1:
        said.append(
            f"{found.symmetries} exchanges of states leave the beliefs of {name} the same cloud: which state "
            "is which is known up to those"
        )
    if len({named.match.exact.dimension for named in found.candidates}) > 1:
        said.append("candidates of other dimensions are compared in other planes, and less is said by that")
    return said


def _draw(found: "Identification", given: Asked, file: Path) -> None:
    """The cloud as it lies on the beliefs of the nearest candidate. The contexts of a run of that candidate
    have the colour of their exact belief; what knows none has that of where it lies.
    """
    from ..figures.laid import Page, laid
    from ..figures.style import style, write
    from ..instruments.blind import explained, symmetric_beliefs

    nearest, t = found.nearest, given.contexts
    mapped, exact = nearest.match.belief, nearest.match.exact
    belief, weight = mapped, np.ones(len(mapped)) if given.weight is None else given.weight
    said = f"activations, laid on them\ndistance {nearest.distance:.3f}"
    if t is not None and t.process.digest == exact.process.digest:
        r2, belief = max(
            ((explained(mapped, belief, t.weight), belief) for belief in symmetric_beliefs(exact, t)),
            key=lambda found: found[0],
        )
        said += f", R² {r2:.3f}"
    with style():
        made = laid(
            Page(exact.belief, exact.weight), mapped, belief, weight, of=exact.process.name, said=said
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        write(made, file)
