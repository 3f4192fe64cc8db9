"""What each claim is about, drawn beside its findings: a family of claims to a file."""
