"""Linear algebra that is exact where ours has to be: GTH elimination, pivots, subspaces."""
