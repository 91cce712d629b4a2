"""Steps from one schema of `project.sqlite` to the next, each in its own transaction.

A step is a module with a `revision`, counted upwards from `0001`, and a function `upgrade` that
uses `alembic.op`. They are imported by name, not found on disk, so that a frozen program has them.
To add one: write the module, name it in `STEPS`, change `project_tables` and its `HEAD_REVISION`.
"""

import importlib
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, update

from app.services.project_database import BACKUPS_NAME, back_up
from app.services.project_tables import alembic_version

STEPS = ("r0001_first", "r0002_chains_and_file_stamps", "r0003_notices", "r0004_not_known")
"""Modules of this package in their order; the n-th makes revision n."""


def migrate(connection: Connection, folder: Path, found: str) -> None:
    """Bring a project up to the newest schema, after a backup of it as it is.

    Args:
        connection: The open database, outside a transaction.
        folder: The project's folder.
        found: Its revision.

    Raises:
        ProjectError: If the backup cannot be written; then nothing was changed.
        sqlalchemy.exc.DBAPIError: If a step fails; then the steps before it stay.
    """
    back_up(connection, folder / BACKUPS_NAME / f"format-{found}.sqlite")
    for step in STEPS[int(found) :]:
        module = importlib.import_module(f"{__name__}.{step}")
        with connection.begin():
            with Operations.context(MigrationContext.configure(connection)):
                module.upgrade()
            connection.execute(update(alembic_version).values(version_num=module.revision))
