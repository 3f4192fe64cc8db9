"""Functions of the earlier release that read what is constrained or derived; they go with the next one."""

from ..constraints.automaton import Automaton
from ..constraints.conditioned import Given
from ..constraints.protocol import Protocol
from ..process import Process, ProcessError
from ..tasks.ledger import Ledger
from ..tasks.question import Question
from .reading import named as read
from .reading import source


def named_protocol(spec: str, named: object = None) -> Protocol:
    """The protocol behind `guarded(...)`."""
    made = read(spec).made_of
    if not isinstance(made, Protocol):
        raise ProcessError(f"{spec!r} is not guarded; write it like guarded(mess3; never 0; p=0.5)")
    return made


def named_given(spec: str, named: object = None) -> tuple[Process, list[Automaton]]:
    """The base and the constraints behind `given(...)`."""
    made = read(spec).made_of
    if not isinstance(made, Given):
        raise ProcessError(f"{spec!r} is not conditioned; write it like given(mess3; never 0)")
    return made.base, list(made.constraints)


def constrained(spec: str, named: object = None) -> Process | None:
    """The process that `spec` constrains, or None if it is another."""
    return read(spec) if kind(spec) else None


def kind(spec: str) -> str | None:
    """`given` or `guarded`, or None if it is neither."""
    made = read(spec).made_of
    return {Given: "given", Protocol: "guarded"}.get(type(made))


def derived(spec: str, named: object = None) -> Process | None:
    """The process that `spec` means."""
    return read(spec)


def written_question(spec: str) -> Question | None:
    """The question that `spec` names, or None if it is a process."""
    made = source(spec)
    return None if isinstance(made, Process) else made


def written_ledger(spec: str) -> Ledger | None:
    """The ledger that `spec` names, or None if it is something else."""
    made = source(spec)
    return made if isinstance(made, Ledger) else None
