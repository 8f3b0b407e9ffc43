"""A learner's own folder: files to write, and what is remembered of the way."""
