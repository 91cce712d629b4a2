"""Whether a model knows the like of a recording, and what there is to say of its guess."""

import sqlalchemy as sa
from alembic import op

revision = "0004"


def upgrade() -> None:
    """Add the columns; a guess of before claimed to know, as models then all did."""
    op.add_column(
        "guesses", sa.Column("is_known", sa.Boolean, nullable=False, server_default=sa.true())
    )
    op.add_column("guesses", sa.Column("notice", sa.String, nullable=False, server_default=""))
