"""Where the modules of this room were in the earlier release."""

from .values import earlier

MODULES = {
    "processes.long_filter": "processes.segmented_filter",
    "processes.exchange": "processes.interchange.process_file",
    "processes.mixed_states": "processes.structure.mixed_states",
    "processes.causal_states": "processes.structure.causal_states",
    "processes.epsilon_machine": "processes.structure.epsilon_machine",
    "processes.realisation": "processes.structure.realisation",
    "processes.equivalence": "processes.structure.equivalence",
    "processes.spectrum": "processes.structure.spectrum",
    "processes.synchronisation": "processes.structure.synchronisation",
    "processes.markov": "processes.structure.markov",
    "processes.belief_law": "processes.structure.belief_distribution",
    "processes.bounds": "processes.information.bounds",
    "processes.forgetting": "processes.information.forgetting",
    "processes.surplus": "processes.information.surplus",
    "processes.dimension": "processes.geometry.information_dimension",
    "processes.lyapunov": "processes.geometry.lyapunov",
    "processes.ensemble": "processes.ensembles.hmms",
    "processes.decoy": "processes.ensembles.decoy",
    "processes.leak": "processes.compose.leak",
    "processes.catalogue": "processes.names.catalogue",
    "processes.derived": "processes.names.reading",
    "processes.constraints.written": "processes.constraints.sentences",
    "processes.constraints.ledger": "processes.tasks.ledger",
    "processes.constraints.xorsat": "processes.tasks.xorsat",
    "processes.constraints.instances": "processes.tasks.xorsat_instances",
    "processes.constraints.question": "processes.tasks.question",
    "processes.constraints.ready": "processes.constraints.library",
    "processes.gth": "processes.algebra.gth",
    "processes.pivots": "processes.algebra.pivots",
    "processes.checks": "processes.values.checks",
    "processes.record": "processes.values.record",
    "processes.identity": "processes.values.identity",
    "processes.former": "processes.names.former",
    "processes.json_file": "processes.values.json_file",
    "processes.whole": "processes.values.whole_file",
}

earlier.modules(MODULES)
