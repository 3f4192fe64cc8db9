"""Speed on a shared machine: by the clock and by the core-second, measures taken in turn, the best of their
rounds.
"""

import os
import resource
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PAUSE = 0.3
"""Seconds before every measure."""


class Speed(NamedTuple):
    """How much is done in a second, and in a second of one core."""

    clock: float
    core: float
    """Hardly moved by other work on the machine, but blind to cores left idle."""


def timed(work: Callable[[], float]) -> Speed:
    """The speed of `work`, which returns how much it did in this process."""
    begun, spent = time.perf_counter(), time.process_time()
    done = work()
    return Speed(done / (time.perf_counter() - begun), done / (time.process_time() - spent))


def together(answers: Iterable[Mapping[str, Any]]) -> Speed:
    """The speed of processes that worked at the same time, from their `done`, `seconds` and
    `core_seconds`."""
    answers = list(answers)
    done = sum(a["done"] for a in answers)
    return Speed(
        sum(a["done"] / a["seconds"] for a in answers), done / sum(a["core_seconds"] for a in answers)
    )


def interleaved(measures: Mapping[str, Callable[[], Speed]], rounds: int) -> dict[str, Speed]:
    """The best of each measure, taken in turn so that other work falls on all alike; it can only make a round
    worse.

    A pause before each: the threads of OpenMP, hence of PyTorch, spin for a fifth of a second after their
    work is done.
    """
    seen: dict[str, list[Speed]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            time.sleep(PAUSE)
            seen[name].append(measure())
    return {
        name: Speed(max(s.clock for s in speeds), max(s.core for s in speeds))
        for name, speeds in seen.items()
    }


def fastest(speeds: Mapping[str, Speed], start: str) -> tuple[Speed, str]:
    """The best of the measures whose name begins with `start`: by either count, and the rest of its name by
    the clock.
    """
    mine = {name.removeprefix(start): s for name, s in speeds.items() if name.startswith(start)}
    name = max(mine, key=lambda n: mine[n].clock)
    return Speed(mine[name].clock, max(s.core for s in mine.values())), name


class Bystanders:
    """How much of the machine other processes take while this one measures (Linux; NaN elsewhere)."""

    def __init__(self):
        self.begun, self.spent = self._busy(), self._own()
        self.clock = time.perf_counter()

    def share(self) -> float:
        """Core-seconds of others per core-second that there was, since this was made; own processes must have
        been waited for.
        """
        there = (time.perf_counter() - self.clock) * (os.cpu_count() or 1)
        return (self._busy() - self.begun - (self._own() - self.spent)) / there

    @staticmethod
    def _busy() -> float:
        try:
            user, nice, system, _, _, irq, softirq, steal = map(
                int, Path("/proc/stat").read_text().split()[1:9]
            )
        except OSError:
            return float("nan")
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def _own() -> float:
        usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return sum(u.ru_utime + u.ru_stime for u in usages)
