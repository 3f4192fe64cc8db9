"""Many recipes: the grid of their fields, one table of results, a cluster where there is one."""
