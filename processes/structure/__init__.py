"""What a process is: mixed and causal states, machines, minimal realisations, spectrum, synchronisation."""
