"""The command line, a command to a file. Imports nothing: `main` has to settle the environment first."""
