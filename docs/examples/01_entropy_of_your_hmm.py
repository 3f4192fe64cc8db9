"""Write down a hidden Markov model and ask everything exact about it: entropies, beliefs, mixed states.

NumPy alone; JAX is never imported. Entropies are in nats.
"""

# %% A process is T[x, i, j] = P(emit x, go to state j | in state i).
import math

import numpy as np

import processes

p, q = 0.8, 0.5
T = np.zeros((2, 3, 3))
T[0, 0, 1] = p  # A says 0 and goes to B
T[1, 0, 2] = 1 - p  # or 1 and goes to C
T[0, 1, 2] = q  # B says 0 or 1 and goes to C
T[1, 1, 2] = 1 - q
T[1, 2, 0] = 1.0  # C says 1 and goes back to A
mine = processes.hmm(T, name="mine", states=("A", "B", "C"))

# %% How random it is. Bounds coincide where the value is exact.
rate = processes.entropy_rate(mine)
print(f"entropy rate {rate.value:.6f} nats = {rate.value / math.log(2):.6f} bits")
print(f"known within {rate.upper - rate.lower:.1e} nats")
print("h(1) .. h(6)", processes.h(mine, 6).round(4))
print("excess entropy", processes.excess_entropy(mine), "C_mu", processes.statistical_complexity(mine))

# %% What an ideal observer believes after each symbol of 0, 1, 1, 0: a distribution over A, B, C.
seen = processes.filter(mine, [0, 1, 1, 0])
for symbol, belief in zip([0, 1, 1, 0], seen.belief, strict=True):
    print(f"after {symbol}: {belief.round(3)}, next symbol {processes.predict(mine, belief).round(3)}")

# %% All beliefs it can ever hold: here they are finitely many.
states = processes.mixed_states(mine)
assert states is not None
print(f"{len(states)} mixed states, {int(states.recurrent.sum())} of them recurrent")

# %% Kept in a file, every command of the lab takes it: toylab process mine.json
processes.write(mine, "mine.json")
assert processes.read("mine.json").digest == mine.digest
