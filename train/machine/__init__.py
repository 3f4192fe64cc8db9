"""What a run's bits may depend on, held still: the options of JAX, versions, devices."""
