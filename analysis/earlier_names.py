"""Where the modules of this room were in the earlier release."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MOVED = {
    "analysis.belief_geometry.contributions": "analysis.belief_geometry.bg11_contributions",
    "analysis.constraint_load.attention_rank": "analysis.constraint_load.cl5_attention_rank",
    "analysis.constraint_load.drawn_constraints": "analysis.constraint_load.cl6_drawn_constraints",
    "analysis.constraint_load.failure_kinds": "analysis.constraint_load.cl8_failure_kinds",
    "analysis.constraint_load.gradient_overlap": "analysis.constraint_load.cl6_gradient_overlap",
    "analysis.constraint_load.ledger_failures": "analysis.constraint_load.cl8_ledger_failures",
    "analysis.constraint_load.parities": "analysis.constraint_load.cl4_parities",
    "analysis.constraint_load.short_training": "analysis.constraint_load.cl6_short_training",
    "analysis.constraint_load.stacking_design": "analysis.constraint_load.cl3_stacking_design",
    "analysis.constraint_load.steering_subspaces": "analysis.constraint_load.cl4_steering_subspaces",
    "analysis.model_organisms.doses": "analysis.model_organisms.mo1_doses",
    "analysis.simulators.generator_states": "analysis.simulators.sm07_generator_states",
    "analysis.simulators.myopic_design": "analysis.simulators.sm03_myopic_design",
    "analysis.simulators.rashomon_design": "analysis.simulators.sm06_rashomon_design",
    "analysis.simulators.task_depth": "analysis.simulators.sm08_task_depth",
    "analysis.simulators.task_grid": "analysis.simulators.sm08_task_grid",
    "analysis.mechanisms.erased": "analysis.mechanisms.mi09_erased",
    "analysis.mechanisms.found_features": "analysis.mechanisms.mi02_found_features",
    "analysis.mechanisms.grokked": "analysis.mechanisms.mi05_grokked",
    "analysis.mechanisms.laid_clouds": "analysis.mechanisms.mi15_laid_clouds",
    "analysis.mechanisms.steered": "analysis.mechanisms.mi03_steered",
}
"""Modules that have moved since verdicts were kept whose keys hold their names: keys go on telling these
(`keys/walk.py`).
"""

MODULES = {
    **MOVED,
    "analysis.search": "analysis.testing",
    "analysis.experiment": "analysis.report",
    "analysis.truth": "analysis.instruments.contexts",
    "analysis.evidence": "analysis.instruments.evidence",
    "analysis.probe": "analysis.instruments.probe",
    "analysis.intervention": "analysis.instruments.intervention",
    "analysis.statistics": "analysis.instruments.statistics",
    "analysis.summary": "analysis.instruments.summary",
    "analysis.study": "analysis.instruments.study",
    "analysis.erasure": "analysis.instruments.erasure",
    "analysis.bottleneck": "analysis.constraint_load.bottleneck",
    "analysis.load_grid": "analysis.constraint_load.ledger_grid",
    "analysis.violation": "analysis.constraint_load.violation",
    "analysis.regimes": "analysis.constraint_load.regimes",
    "analysis.parities": "analysis.constraint_load.cl4_parities",
    "analysis.obedience": "analysis.constraint_load.subset_violation",
    "analysis.allocation": "analysis.constraint_load.cl4_steering_subspaces",
    "analysis.contextual_mass": "analysis.constraint_load.cl5_attention_rank",
    "analysis.inertia": "analysis.constraint_load.cl5_inertia",
    "analysis.torque": "analysis.constraint_load.cl6_gradient_overlap",
    "analysis.hamiltonian": "analysis.constraint_load.cl7_hamiltonian",
    "analysis.counterfactual": "analysis.belief_geometry.bg13_write_belief",
    "analysis.emergence": "analysis.belief_geometry.bg06_appears_with_loss",
    "analysis.capacity": "analysis.belief_geometry.bg07_capacity_knee",
    "analysis.merging": "analysis.belief_geometry.bg17_merging",
    "analysis.scaling": "analysis.belief_geometry.bg05_fractal_dimension",
    "analysis.claims.affine_image": "analysis.belief_geometry.bg01_affine_image",
    "analysis.claims.spread_over_layers": "analysis.belief_geometry.bg03_spread_over_layers",
    "analysis.claims.beyond_next_token": "analysis.belief_geometry.bg04_beyond_next_token",
    "analysis.claims.fractal_dimension": "analysis.belief_geometry.bg05_fractal_dimension",
    "analysis.claims.appears_with_loss": "analysis.belief_geometry.bg06_appears_with_loss",
    "analysis.claims.capacity_knee": "analysis.belief_geometry.bg07_capacity_knee",
    "analysis.claims.any_architecture": "analysis.belief_geometry.bg08_any_architecture",
    "analysis.claims.minimal_model": "analysis.belief_geometry.bg09_minimal_model",
    "analysis.claims.factored": "analysis.belief_geometry.bg10_factored",
    "analysis.claims.constrained_update": "analysis.belief_geometry.bg11_constrained_update",
    "analysis.claims.synchronisation_depth": "analysis.belief_geometry.bg12_synchronisation",
    "analysis.claims.causal": "analysis.belief_geometry.bg13_write_belief",
    "analysis.claims.transfer": "analysis.belief_geometry.bg15_transfer",
    "analysis.claims.random_hmms": "analysis.belief_geometry.bg16_random_hmms",
    "analysis.claims.merging": "analysis.belief_geometry.bg17_merging",
    "analysis.claims.whole_future": "analysis.belief_geometry.bg18_whole_future",
    "analysis.claims.phase_transition": "analysis.constraint_load.cl1_phase_transition",
    "analysis.claims.load_decides": "analysis.constraint_load.cl2_load_decides",
    "analysis.claims.intervention_paradox": "analysis.constraint_load.cl3_intervention_paradox",
    "analysis.claims.rank_budget": "analysis.constraint_load.cl4_rank_budget",
    "analysis.claims.inertia": "analysis.constraint_load.cl5_inertia",
    "analysis.claims.torque": "analysis.constraint_load.cl6_torque",
    "analysis.claims.hamiltonian": "analysis.constraint_load.cl7_hamiltonian",
    "analysis.claims.pathologies": "analysis.constraint_load.cl8_pathologies",
    "analysis.figures.panels": "analysis.figures.verdict",
    "analysis.figures.panels.geometry": "analysis.belief_geometry.panels.bg05_06_07_08_09_networks",
    "analysis.figures.panels.layers": "analysis.belief_geometry.panels.bg01_02_03_04_18_probes",
    "analysis.figures.panels.dynamics": "analysis.belief_geometry.panels.bg10_11_12_positions",
    "analysis.figures.panels.causal": "analysis.belief_geometry.panels.bg13_14_interventions",
    "analysis.figures.panels.transfer": "analysis.belief_geometry.panels.bg15_transfer",
    "analysis.figures.panels.merging": "analysis.belief_geometry.panels.bg17_merging",
    "analysis.figures.panels.load": "analysis.constraint_load.panels.cl1_4_8_load",
    "analysis.figures.panels.guarded": "analysis.constraint_load.panels.cl2_3_guarded",
    "analysis.figures.panels.inertia": "analysis.constraint_load.panels.cl5_6_7_attention",
    "analysis.figures.claims": "analysis.figures.verdict",
    "analysis.figures.process": "analysis.figures.portrait",
    "analysis.cli": "analysis.commands.main",
    "analysis.run_command": "analysis.commands.run",
    "analysis.claim_commands": "analysis.commands.claims",
    "analysis.sweep_command": "analysis.commands.sweep",
    "analysis.takeover_command": "analysis.commands.migrate",
    "analysis.interrupt": "analysis.commands.interrupt",
    "analysis.arguments": "analysis.commands.arguments",
    "analysis.terminal": "analysis.commands.terminal",
    "analysis.show": "analysis.commands.tables",
    "analysis.source": "analysis.keys.source",
    "analysis.text": "analysis.keys.text",
    "analysis.takeover": "analysis.commands.takeover",
    "analysis.claims": "analysis.families",
    "analysis.counterexamples": "analysis.testing",
    "analysis.shown": "analysis.claim.shown",
}


class _Finder:
    """As `processes.values.earlier` has it, which is imported when an earlier name is asked for: the command
    line imports nothing before it hears signals.
    """

    @staticmethod
    def find_spec(fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in MODULES:
            return None
        from processes.values.earlier import Earlier

        return Earlier(MODULES).find_spec(fullname, path, target)


sys.meta_path.append(_Finder)
