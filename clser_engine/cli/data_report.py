"""What `clser data` prints: tables of text for people, JSON for programs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clser_engine.data.check import DataReport

MAX_ROWS = 30
MAX_ITEMS = 2


def report_as_json(report: "DataReport", wrong: Sequence[str]) -> dict[str, object]:
    """Return everything that was found, for programs."""
    return {
        "refused": bool(wrong or report.refused),
        "problems": list(wrong),
        "findings": [
            {
                "kind": finding.kind,
                "refused": finding.is_refused,
                "sentence": finding.sentence,
                "items": finding.items,
            }
            for finding in report.findings
        ],
        **report.tables,
    }


def print_report(report: "DataReport") -> None:
    """Print the tables and then what there is to know, the refused apart (on stderr)."""
    for name, rows in report.tables.items():
        if rows:
            print(name.capitalize())
            print_table(rows[:MAX_ROWS], indent="  ")
            if len(rows) > MAX_ROWS:
                print(f"  and {len(rows) - MAX_ROWS} more rows: --json prints all")
            print()
    findings = [finding for finding in report.findings if not finding.is_refused]
    print("To know" if findings else "Nothing else to know.")
    for finding in findings:
        print(f"  {finding.sentence}")
        items = [item for item in finding.items if item not in finding.sentence]
        for item in items[:MAX_ITEMS]:
            print(f"    {item}")
        if len(items) > MAX_ITEMS:
            print(f"    and {len(items) - MAX_ITEMS} more: --json prints all")


def print_table(rows: Sequence[Mapping[str, object]], indent: str = "") -> None:
    """Print rows under a header, numbers to the right; columns without any value are left out."""
    columns = [c for c in rows[0] if any(row[c] not in (None, "") for row in rows)]
    texts = [[("" if row[c] is None else str(row[c])) for c in columns] for row in rows]
    numeric = [all(isinstance(row[c], int | float | None) for row in rows) for c in columns]
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    for line in (columns, *texts):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        print(indent + "  ".join(cells).rstrip())
