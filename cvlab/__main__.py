"""The entry point: a check goes to the warm engine if there is one, and everything else to the command line."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from cvlab.engine import client


def main() -> NoReturn:
    """Run the command line and end the process. An engine, or its absence, costs a few milliseconds here."""
    arguments = sys.argv[1:]
    code = client.run_warm(arguments) if client.can_be_warm(arguments) else None
    if code is not None:
        sys.stderr.flush()
        os._exit(code)
    from cvlab.cli import main as run_cold

    run_cold(arguments)


if __name__ == "__main__":
    main()
