"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"


def upgrade() -> None:
    """Make all tables in an empty database."""
    text, number = sa.String, sa.Float
    op.create_table(
        "clips",
        sa.Column("clip_id", text, primary_key=True),
        sa.Column("path", text, nullable=False),
        sa.Column("language", text, nullable=False),
        sa.Column("speaker", text, nullable=False),
        sa.Column("transcript", text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "labels",
        sa.Column("label_id", text, primary_key=True),
        sa.Column("clip_id", text, nullable=False),
        sa.Column("answer", text, nullable=False),
        sa.Column("origin", text, nullable=False),
        sa.Column("annotator", text, nullable=False),
        sa.Column("created_at", text, nullable=False),
        sa.Column("start_s", number),
        sa.Column("end_s", number),
        sa.Column("suggested_by", text, nullable=False),
        sa.Column("suggestion", text, nullable=False),
        sa.Column("suggestion_confidence", number),
        sa.Column("suggestion_seen", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "emotions",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", text, nullable=False),
        sa.Column("letter", text, nullable=False),
        sa.Column("colour", text, nullable=False),
        sa.Column("key", text, nullable=False),
    )
    op.create_table(
        "edits",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("name", text, nullable=False),
        sa.Column("made_at", text, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "probes",
        sa.Column("path", text, primary_key=True),
        sa.Column("sha256", text, nullable=False),
        sa.Column("duration_s", number),
        sa.Column("sample_rate_hz", sa.Integer),
        sa.Column("channels", sa.Integer),
        sa.Column("problem", text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "guesses",
        sa.Column("clip_id", text, primary_key=True),
        sa.Column("emotion", text, nullable=False),
        sa.Column("confidence", number, nullable=False),
        sa.Column("model", text, nullable=False),
        sa.Column("statistics", text, nullable=False),
        sqlite_with_rowid=False,
    )
    for table in ("view_state", "facts"):
        op.create_table(
            table,
            sa.Column("key", text, primary_key=True),
            sa.Column("value", text, nullable=False),
            sqlite_with_rowid=False,
        )
