"""`python -m analysis`: the command line, where no console script is installed."""

from .commands.main import entry

if __name__ == "__main__":
    entry()
