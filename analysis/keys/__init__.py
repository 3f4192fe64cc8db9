"""What a verdict's key follows from, and how those of earlier versions are found again."""
