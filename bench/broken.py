"""A submission that cannot be imported."""

import no_such_module  # noqa: F401 - that is the point
