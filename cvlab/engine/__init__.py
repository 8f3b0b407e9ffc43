"""The warm engine as its clients see it: where its socket lies, what is said on it, how a check is handed over.

Nothing here imports more than the standard library's cheap parts: a check that finds an engine is to answer at once.
The process on the other side of the socket is `cvlab.serving`.
"""
