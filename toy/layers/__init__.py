"""What blocks are made of: attention, states that decay or are carried on, layers that train fast on CPUs."""
