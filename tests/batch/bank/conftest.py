"""The checks in this bank belong to its drills: `cvlab verify` runs them, pytest must not."""

collect_ignore_glob = ["*"]
