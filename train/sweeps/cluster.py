"""Sweeps on a Dask cluster: the recipes of a sweep handed to workers, and what they measured brought back by
value.
"""

import contextlib
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import distributed
import jax

import processes

from ..errors import Busy, RunError
from ..fit import Progress
from ..machine.devices import use_all_cores
from ..recipe import Recipe
from ..runs.checkpoints import first_line
from .outcome import Measure, Outcome, Status, outcome

CONNECT_SECONDS = 8.0
"""Seconds within which a scheduler must answer."""
_alone = threading.Lock()
"""A worker process trains one recipe at a time, with all its threads."""


def outcomes(scheduler: str) -> Callable[..., Iterator[tuple[str, Outcome]]]:
    """What trains recipes on the workers of the scheduler at this address, as `train.sweep` asks for it.

    Raises `RunError` if no scheduler answers there, or when it goes away.
    """
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise RunError(
            f"no Dask scheduler answers at {scheduler!r} ({first_line(error)}); start one with `dask "
            "scheduler`"
        ) from None

    def there(
        recipes: Mapping[str, Recipe], store: Path, measure: Measure, watch: Callable[[Status], None]
    ) -> Iterator[tuple[str, Outcome]]:
        with contextlib.closing(client):
            yield from _outcomes(client, recipes, store, measure, watch)

    return there


def _outcomes(
    client: Any, recipes: Mapping[str, Recipe], store: Path, measure: Measure, watch: Callable[[Status], None]
):
    """As many recipes are handed out as there are workers: one that only waits at a worker would be blamed
    for that worker's loss.
    """
    topic, waiting, done = f"toylab-{uuid.uuid4().hex}", deque(recipes), 0
    running: dict[Any, str] = {}
    begun: dict[str, int] = {}
    training: dict[str, tuple[int, float]] = {}

    def heard(event: tuple[float, dict[str, Any]]) -> None:
        hash, step, excess = event[1]["hash"], event[1]["step"], event[1]["excess"]
        begun[hash] = begun.get(hash, 0) + (step == 0)
        training[hash] = (step, excess)

    def status(finished: tuple[str, Outcome] | None = None) -> Status:
        now = {hash: training.get(hash, (0, float("nan"))) for hash in running.values()}
        return Status(done, len(recipes), now, finished, workers, sum(begun.values()) - len(begun))

    client.subscribe_topic(topic, heard)
    try:
        while waiting or running:
            if client.status != "running":
                raise RunError(
                    "the connection to the Dask scheduler was lost; what has been measured is kept, the same "
                    "call goes on from here"
                )
            workers = len(client.nthreads())
            while waiting and len(running) < max(1, workers):
                hash = waiting.popleft()
                future = _handed_out(client, topic, hash, recipes[hash], store, measure)
                running[future] = hash
            with (
                client.as_current(),
                contextlib.suppress(distributed.TimeoutError, distributed.client.FutureCancelledError),
            ):
                distributed.wait(list(running), timeout=0.5, return_when="FIRST_COMPLETED")
            for future in [f for f in running if f.done()]:
                hash, outcome_there = running.pop(future), _result(future)
                done += 1
                yield hash, outcome_there
                watch(status((hash, outcome_there)))
            watch(status())
    finally:  # also on Ctrl-C: workers stop, and keep what they have computed
        client.cancel(list(running))


def _handed_out(client: Any, topic: str, hash: str, recipe: Recipe, store: Path, measure: Measure) -> Any:
    """The future of one recipe, which workers train."""
    truth = recipe.ground_truth() if recipe.from_file else None  # a file that workers need not have
    cache = jax.config.values["jax_compilation_cache_dir"]
    task = (_task, hash, recipe, truth, store, measure, topic, cache)
    return client.submit(*task, key=f"{topic}-{hash}", pure=False, retries=3)


def _result(future: Any) -> Outcome:
    try:
        return future.result()
    except distributed.scheduler.KilledWorker as error:
        return Outcome(
            error=(
                f"every worker that trained it was lost, the last at {error.last_worker.address}; does it "
                "need more memory?"
            )
        )
    except distributed.client.FutureCancelledError:
        raise RunError(
            "the Dask scheduler forgot the sweep; what has been measured is kept, the same call goes on from "
            "here"
        ) from None
    except Exception as error:
        return Outcome(error=f"the worker could not run it: {type(error).__name__}: {first_line(error)}")


def _task(
    hash: str,
    recipe: Recipe,
    truth: processes.Process | None,
    store: Path,
    measure: Measure,
    topic: str,
    cache: str | None,
) -> Outcome:
    """One recipe, on a worker."""
    worker, key, reported_at = distributed.get_worker(), distributed.get_worker().get_current_task(), 0.0

    def say(step: int, excess: float) -> None:
        worker.log_event(topic, {"hash": hash, "step": step, "excess": excess})

    def watch(progress: Progress) -> None:
        nonlocal reported_at
        known = worker.state.tasks.get(key)
        if known is None or known.state == "cancelled":
            raise RuntimeError("nobody waits for this task any more")
        if time.monotonic() - reported_at > 1:
            reported_at = time.monotonic()
            say(progress.step, float(progress.excess.mean()))

    with _alone, tempfile.TemporaryDirectory() as folder:
        _prepare(worker.state.nthreads, cache)
        say(0, float("nan"))
        if truth is not None:
            processes.write(truth, Path(folder) / "process.json")
            recipe = replace(recipe, process=str(Path(folder) / "process.json"))
        while True:
            try:
                return outcome(recipe, store, measure, watch)
            except Busy:
                # Another worker, perhaps one that the scheduler has lost but that lives: its result will do.
                time.sleep(1)


def _prepare(threads: int, cache: str | None) -> None:
    """Give a worker process its share of the machine, once, before JAX computes anything in it."""
    with contextlib.suppress(RunError):  # JAX has begun to compute here: its devices stay
        use_all_cores(threads)
    if cache is not None and jax.config.values["jax_compilation_cache_dir"] is None:
        jax.config.update("jax_compilation_cache_dir", cache)
