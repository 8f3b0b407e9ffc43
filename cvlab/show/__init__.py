"""What a person sees of a report: on a terminal, in plain words, on a page."""
