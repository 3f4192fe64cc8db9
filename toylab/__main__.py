"""The command line where its script is not on the path: `python -m toylab`."""

from analysis.commands.main import entry

entry()
