"""What each claim is about, drawn: one file for each family of claims."""
