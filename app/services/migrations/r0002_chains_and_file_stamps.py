"""Steps that are undone together, and the size and time by which a changed file is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"


def upgrade() -> None:
    """Add the columns; no step of before is chained, no file of before has a stamp."""
    op.add_column(
        "edits", sa.Column("chained", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("probes", sa.Column("size_bytes", sa.Integer))
    op.add_column("probes", sa.Column("modified_ns", sa.Integer))
