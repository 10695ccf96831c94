"""`python -m gatewright`, and the command `gatewright`."""

import sys


def main() -> int:
    """Run one command; 130 if it was interrupted, while modules are loaded too."""
    try:
        from .cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
