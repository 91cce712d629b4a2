"""What is said of a recording that ends early and can be used all the same."""

import sqlalchemy as sa
from alembic import op

revision = "0003"


def upgrade() -> None:
    """Add the column; what was read before keeps silent until its file changes."""
    op.add_column("probes", sa.Column("notice", sa.String, nullable=False, server_default=""))
