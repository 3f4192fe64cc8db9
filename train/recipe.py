"""What is trained on what, and how: one frozen value from which a run follows."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import tyro

import processes
import toy
from toy.checks import MAX_INT32, check_fields, check_range, fitted

from . import warm_start
from .errors import RecipeError
from .optimiser import MAX_STEPS, Optimiser, check_rate

FORMAT = 2
"""Part of every recipe's hash. Raise it when the same recipe would no longer mean the same training."""
KINDS = {"transformer": toy.TransformerConfig, "recurrent": toy.RecurrentConfig}
"""Models by the name that a written recipe gives them."""
MAX_CHECKPOINTS = 100_000
MAX_PREFIXES = 1_000_000
"""What one step of the population objective can hold."""
MAX_SEEDS = 1_000_000
"""Seeds from here on initialise untrained networks, and JAX's seeds end at 2**32."""
FINISH_WORDS = 1024
"""Of the fixed objective, where contexts are too many to see all in a step."""
NAMING = "give its name, as 'rrxor', or write it with processes.write and give the path of the file"


@dataclass(frozen=True)
class Origin:
    """A warm start: seed s starts from the final parameters of seed s of the run of another recipe."""

    recipe: "Recipe"
    fresh: tuple[str, ...] = ()
    """Parameters that are re-initialised, by the start of their path: "unembed", "blocks.0.attention"."""
    frozen: tuple[str, ...] = ()
    """Parameters that stay as they start, likewise."""

    def __post_init__(self):
        check_fields(self, {}, error=RecipeError)

    @property
    def stage(self) -> int:
        """How many trainings come before the one that starts here."""
        return 1 + (self.recipe.origin.stage if self.recipe.origin else 0)


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run, up to the machine it runs on."""

    process: str
    """Process to learn: a name, name:published_set, or name(parameter=value, ...)."""
    model: toy.Config
    """The network."""
    objective: Literal["sampled", "expected", "stratified", "population", "fixed"]
    """Target of a step: sampled next tokens; their exact distribution on sampled contexts; the same on words
    drawn together; on all contexts at once; or on words drawn together once for all steps.
    """
    optimiser: Optimiser
    """The optimiser."""
    steps: int
    """Number of updates."""
    batch: int | None
    """Words per step; None for the population objective, which sees every prefix in every step."""
    seeds: int
    """Number of networks, trained side by side; they differ in initialisation and samples."""
    first_seed: int = 0
    """Seeds are first_seed, first_seed + 1, ..."""
    checkpoints: int = 16
    """Log-spaced steps at which parameters are kept, the first and the last step included."""
    origin: Annotated[Origin | None, tyro.conf.Suppress] = None
    """The recipe whose networks it starts from; None for newly initialised ones."""

    def __post_init__(self):
        least = {"steps": 1, "seeds": 1, "first_seed": 0, "checkpoints": 2}
        most = {"steps": MAX_STEPS, "checkpoints": MAX_CHECKPOINTS}
        check_fields(self, least, most, error=RecipeError, remedy={"process": NAMING})
        if self.first_seed + self.seeds > MAX_SEEDS:
            raise RecipeError(
                f"first_seed is {self.first_seed} with {self.seeds} seeds; seeds above {MAX_SEEDS} are set "
                "apart for untrained networks"
            )
        self._check_batch()
        if self.optimiser.name == "lbfgs" and self.objective not in ("population", "fixed"):
            raise RecipeError(
                f"lbfgs needs a loss without noise, but the {self.objective} objective draws in every step; "
                "use population, or fixed with a batch of words"
            )
        check_rate(self.optimiser.learning_rate, self.steps)
        if self.optimiser.warmup >= self.steps:
            raise RecipeError(
                f"warmup is {self.optimiser.warmup} steps of {self.steps}; it must end before the last step"
            )
        self._check_source(self.source())
        if self.origin is not None:
            self._check_origin(self.origin)

    def _check_batch(self) -> None:
        if self.objective == "population" and self.batch is not None:
            raise RecipeError(
                f"the population objective sees every prefix in every step, so a batch of {self.batch} words "
                "means nothing; use batch None"
            )
        if self.objective != "population" and (self.batch is None or self.batch < 1):
            raise RecipeError(
                f"batch is {self.batch}; the {self.objective} objective needs at least 1 word per step"
            )
        if self.batch is not None and self.batch * (self.model.n_ctx + 1) > MAX_INT32:
            raise RecipeError(
                f"batch is {self.batch} words of {self.model.n_ctx + 1} tokens; a step can hold at most "
                f"{MAX_INT32} tokens"
            )

    def _check_source(self, source: processes.Source) -> None:
        """Raises `RecipeError` where the network or the objective is not one for what is to be learned."""
        if not isinstance(source, processes.Process):
            if self.objective not in ("sampled", "expected"):
                raise RecipeError(
                    f"{self.process} has too many prefixes for the {self.objective} objective; use sampled "
                    "or expected"
                )
            if self.model.n_ctx != (read := source.slots + source.answers - 1):
                raise RecipeError(
                    f"n_ctx is {self.model.n_ctx}, but {self.process} is answered after {read} "
                    "tokens; set model.n_ctx to that"
                )
        if self.model.vocab != source.vocab:
            raise RecipeError(
                f"the model has a vocabulary of {self.model.vocab} but {self.process} emits {source.vocab} "
                f"symbols; set model.vocab to {source.vocab}"
            )
        if (
            isinstance(source, processes.Process)
            and self.objective == "population"
            and processes.count_words(source, self.model.n_ctx, most=MAX_PREFIXES) is None
        ):
            raise RecipeError(
                f"{self.process} has over {MAX_PREFIXES} prefixes of up to {self.model.n_ctx} tokens, too "
                "many for one step; use the stratified objective with a batch of words (the same expected "
                "gradient), or a smaller model.n_ctx"
            )

    def _check_origin(self, origin: Origin) -> None:
        there = origin.recipe
        if (there.first_seed, there.seeds) != (self.first_seed, self.seeds):
            raise RecipeError(
                f"the origin has {there.seeds} seeds from {there.first_seed} but the recipe {self.seeds} "
                f"from {self.first_seed}; make them equal"
            )
        if self.optimiser.name == "lbfgs" and origin.frozen:
            raise RecipeError(
                f"lbfgs searches along all parameters, but {', '.join(origin.frozen)} are frozen; use "
                "another optimiser, or freeze nothing"
            )
        warm_start.check(self.model, there.model, origin.fresh, origin.frozen)

    @property
    def from_file(self) -> bool:
        """Whether the process, or a part of it, is read from a file."""
        return ".json" in self.process

    def ground_truth(self) -> processes.Process:
        """The process that `process` names. Raises `processes.ProcessError` if it is a question."""
        return processes.named(self.process)

    def source(self) -> processes.Source:
        """What is learned: the process, or the question, that `process` names."""
        return processes.source(self.process)

    def to_json(self) -> dict[str, Any]:
        """Plain values, nested as the dataclasses are; the model also says of which `kind` it is."""
        fields = dataclasses.asdict(self)
        kind = next(name for name, model in KINDS.items() if type(self.model) is model)
        origin = self.origin and fields["origin"] | {"recipe": self.origin.recipe.to_json()}
        return fields | {
            "model": {"kind": kind} | fields["model"],
            "optimiser": self.optimiser.to_json(),
            "origin": origin,
        }

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that change whenever anything that determines the run changes."""
        # The process enters by its numbers, so that a bare name and its published parameters are one recipe.
        identity = self.to_json() | {"process": self.source().digest, "format": FORMAT}
        identity.pop("origin")  # a recipe without one is what it was before there were any
        if self.origin is not None:
            identity["origin"] = [self.origin.recipe.hash, self.origin.fresh, self.origin.frozen]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def finish(recipe: Recipe, steps: int, *, batch: int = FINISH_WORDS) -> Recipe:
    """The recipe of `steps` iterations of L-BFGS that start from the networks of `recipe`.

    Every context is looked at where `recipe` does so, else `batch` words drawn once: of those the minimum is
    found, which is theirs and not the process's once the loss on them is far below that on others.
    `train.obtain` trains both. Raises `RecipeError` for numbers that are none.
    """
    recipe, steps = fitted("recipe", Recipe, recipe, RecipeError), fitted("steps", int, steps, RecipeError)
    check_range("steps", steps, 1, MAX_STEPS, RecipeError)
    whole = recipe.objective == "population"
    return replace(
        recipe,
        objective="population" if whole else "fixed",
        batch=None if whole else batch,
        optimiser=Optimiser("lbfgs", learning_rate=1.0),
        steps=steps,
        origin=Origin(recipe),
    )


def reseeded(recipe: Recipe, first_seed: int, seeds: int) -> Recipe:
    """The same training of other networks: `seeds` of them from `first_seed` on, and so at every origin.

    Raises `RecipeError` for seeds that there are none of.

    >>> import toy
    >>> import train
    >>> model = toy.TransformerConfig(vocab=3, n_ctx=6, n_layers=1, n_heads=1, d_model=8, d_head=8, d_mlp=16)
    >>> adam = train.Optimiser("adam", learning_rate=1e-2)
    >>> recipe = train.Recipe("mess3", model, "expected", adam, steps=100, batch=32, seeds=4, checkpoints=2)
    >>> more = train.reseeded(recipe, 4, 8)
    >>> more.seeds, more.first_seed, more.hash == recipe.hash
    (8, 4, False)
    """
    recipe = fitted("recipe", Recipe, recipe, RecipeError)
    origin = recipe.origin
    if origin is not None:
        origin = replace(origin, recipe=reseeded(origin.recipe, first_seed, seeds))
    return replace(recipe, first_seed=first_seed, seeds=seeds, origin=origin)


def from_json(fields: dict[str, Any]) -> Recipe:
    """The recipe that `to_json` wrote. Raises `RecipeError` on missing or unknown fields and on values of a
    wrong type.
    """
    fields = fitted("the recipe", Mapping, fields, RecipeError, "give what Recipe.to_json wrote")
    try:
        model, origin = {**fields["model"]}, fields.get("origin")
        parts: dict[str, Any] = {
            "model": KINDS[fitted("kind", str, model.pop("kind"), RecipeError)](**model),
            "optimiser": Optimiser(**fields["optimiser"]),
        }
        if origin is not None:
            names: dict[str, Any] = {
                part: tuple(given) if isinstance(given, list) else given for part, given in origin.items()
            }  # JSON has no tuples
            parts["origin"] = Origin(**{**names, "recipe": from_json(origin["recipe"])})
        return Recipe(**{**fields, **parts})
    except (KeyError, TypeError, AttributeError) as error:
        raise RecipeError(
            f"the recipe has missing or unknown fields ({error}); write it with Recipe.to_json"
        ) from None
