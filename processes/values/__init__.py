"""What all values here share: checked when made, immutable, identified by content, written whole."""
