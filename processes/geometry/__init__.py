"""The geometry of belief: information dimension and Lyapunov exponents."""
