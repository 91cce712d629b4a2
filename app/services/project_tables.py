"""The tables of `project.sqlite`, as of the newest schema.

What the person decides (clips, labels, emotions) changes through edits alone, each in the log.
What the program finds out (probes, guesses, view state) is beside it and never undone.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    false,
    true,
)

HEAD_REVISION = "0004"
"""The newest revision in `app.services.migrations`; revisions are counted upwards."""

APPLICATION_ID = 0x434C5352
"""`CLSR` in the header of the file, so that a project is told from any other database."""

metadata = MetaData()

clips = Table(
    "clips",
    metadata,
    Column("clip_id", String, primary_key=True),
    Column("path", String, nullable=False),
    Column("language", String, nullable=False),
    Column("speaker", String, nullable=False),
    Column("transcript", String, nullable=False),
    sqlite_with_rowid=False,
)

labels = Table(
    "labels",
    metadata,
    Column("label_id", String, primary_key=True),
    Column("clip_id", String, nullable=False),
    Column("answer", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("annotator", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("start_s", Float),
    Column("end_s", Float),
    Column("suggested_by", String, nullable=False),
    Column("suggestion", String, nullable=False),
    Column("suggestion_confidence", Float),
    Column("suggestion_seen", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

emotions = Table(
    "emotions",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("letter", String, nullable=False),
    Column("colour", String, nullable=False),
    Column("key", String, nullable=False),
)

edits = Table(
    "edits",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("made_at", String, nullable=False),
    Column("undone", Boolean, nullable=False),
    Column("rows", LargeBinary, nullable=False),  # see edit_codec
    Column("chained", Boolean, nullable=False, server_default=false()),
)

probes = Table(
    "probes",
    metadata,
    Column("path", String, primary_key=True),
    Column("sha256", String, nullable=False),
    Column("duration_s", Float),
    Column("sample_rate_hz", Integer),
    Column("channels", Integer),
    Column("problem", String, nullable=False),
    Column("size_bytes", Integer),
    Column("modified_ns", Integer),
    Column("notice", String, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

guesses = Table(
    "guesses",
    metadata,
    Column("clip_id", String, primary_key=True),
    Column("emotion", String, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("model", String, nullable=False),
    Column("statistics", String, nullable=False),
    Column("is_known", Boolean, nullable=False, server_default=true()),
    Column("notice", String, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

view_state = Table(
    "view_state",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
    sqlite_with_rowid=False,
)

facts = Table(
    "facts",
    metadata,
    Column("key", String, primary_key=True),  # name, made_by, created_at
    Column("value", String, nullable=False),
    sqlite_with_rowid=False,
)

alembic_version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), primary_key=True),
)
