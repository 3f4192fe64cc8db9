"""Random processes, and surrogates of a given one."""
