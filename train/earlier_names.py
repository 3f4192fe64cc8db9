"""Where the modules of this room were in the earlier release."""

from processes.values import earlier

MODULES = {
    "train.twins": "train.samplers",
    "train.origin": "train.warm_start",
    "train.pruned": "train.loss_bounds",
    "train.numerics": "train.machine.numerics",
    "train.environment": "train.machine.environment",
    "train.devices": "train.machine.devices",
    "train.folder": "train.runs.folder",
    "train.checkpoints": "train.runs.checkpoints",
    "train.run": "train.runs.run",
    "train.store": "train.runs.run",
    "train.runs.store": "train.runs.run",
    "train.grid": "train.sweeps.grid",
    "train.sweep": "train.sweeps.sweep",
    "train.cluster": "train.sweeps.cluster",
    "train.tidy": "train.sweeps.table",
    "train.generators": "train.rules.generators",
}

earlier.modules(MODULES)
