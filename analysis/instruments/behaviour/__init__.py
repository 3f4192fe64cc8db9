"""What networks say and have learned, seen from their predictions alone."""
