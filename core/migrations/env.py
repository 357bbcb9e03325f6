"""What Alembic runs: the connection comes from `core.schema`, which is the only caller."""

from alembic import context

from core.schema import OPTIONS
from core.store import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, **OPTIONS)
context.run_migrations()
