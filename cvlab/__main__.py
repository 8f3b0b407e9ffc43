"""Lets `python -m cvlab` do what `cvlab` does."""

from __future__ import annotations

from cvlab.cli import main

if __name__ == "__main__":
    main()
