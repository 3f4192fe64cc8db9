"""A claim of your own: a statement that could be false, its threshold fixed beforehand, with controls.

Needs runs/first of 02_train_one_network.py.
"""

# %% The statement, what is measured (one number per network), and where it must be.
import train
from analysis.claim import Claim, Criterion, judge
from analysis.controls import standard
from analysis.instruments.probing.study import Study, study


def first_block(study: Study) -> str:
    """The features that are probed: the residual stream after the first block."""
    return study.layers[1]


def what_the_second_adds(study: Study):
    """Held-out R2 after the last block minus after the first, one number per network."""
    return study.r2(study.final_layer) - study.r2(first_block(study))


early = Claim(
    id="EARLY",
    statement="The first block alone shows the beliefs as well as the last one does.",
    source="this example",
    prediction=lambda process, n_ctx: {"R2 that the second block adds": "under .01"},
    criteria=(Criterion("R2 that the second block adds", what_the_second_adds, below=0.01),),
    controls=standard(first_block),  # trained enough, untrained networks, shuffles; then the rivals
)

# %% Put it to the networks of a run. Two networks are too few for any verdict, and the verdict says so.
run = train.open_run("runs/first")
verdict = judge(early, study(run), run.recipe.ground_truth(), run.recipe.model.n_ctx)
print(verdict.outcome, "-", verdict.reason)
for finding in (*verdict.criteria, *verdict.controls):
    told = ", ".join(f"{value:.4f}" for value in finding.values) if finding.applies else "does not apply"
    print(f"  {finding.name}: {told}")

# %% Name it `xy01_early.py`, give it `tested_on` and `recipes`, put it into a family's folder, and
# `toylab claim EARLY` trains what it needs, keeps the verdict and draws it: see docs/claims.md.
