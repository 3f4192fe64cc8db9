"""How training refuses: what cannot be used as asked, in one sentence."""


class RunError(ValueError):
    """A run, its folder or an environment that cannot be used as asked; the message says which, why and the
    remedy.
    """


class Busy(RunError):
    """A run folder that another process is using now."""
