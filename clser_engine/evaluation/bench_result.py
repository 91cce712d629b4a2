"""What every bench returns."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """Figures and what is behind them.

    Args:
        figures: Flat, name to number; percent, ms or s unless the name says otherwise.
        rows: The table behind them.
        settings: Everything that decided them: seeds, draws, hashes of data and models.
    """

    figures: dict[str, float]
    rows: list[dict[str, object]]
    settings: dict[str, object] = field(default_factory=dict)
