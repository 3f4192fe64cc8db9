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
from analysis.constraint_load.cl4_rank_budget import Spent
from analysis.constraint_load.cl5_inertia import Heads, Inertia
from analysis.constraint_load.cl6_torque import Strain
from analysis.constraint_load.cl7_hamiltonian import Energy, Terms
from analysis.constraint_load.failure_kinds import KINDS as KINDS_OF_FAILURE
from analysis.constraint_load.ledger_failures import Failures
from analysis.constraint_load.ledger_grid import LoadGrid
from analysis.constraint_load.parities import Held
from analysis.constraint_load.regimes import MEASURES, REGIMES
from analysis.constraint_load.steering_subspaces import WAYS, Allocated
from analysis.constraint_load.subset_violation import SubsetViolation
from analysis.controls import RIVALS
from analysis.instruments import serving
from analysis.instruments.ablation import KINDS as ABLATED
from analysis.instruments.baselines import BASELINES
from analysis.instruments.by_layer import ByLayer
from analysis.instruments.quantisation import WAYS as ROUNDED
from analysis.instruments.superposition.optima import KNOWN
