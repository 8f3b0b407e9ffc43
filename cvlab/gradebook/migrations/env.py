"""Runs migrations on the connection that `cvlab.gradebook.opening` hands over."""

from alembic import context

from cvlab.gradebook.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
