"""What networks do when a part, a state or a weight is not what it was."""
