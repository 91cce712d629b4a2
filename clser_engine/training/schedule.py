"""Learning rates as a function of the step, so that no schedule has a state to lose."""

import math

from clser_engine.config.sections import ScheduleSettings


def learning_rate_share(settings: ScheduleSettings, step: int, num_steps: int) -> float:
    """Return the part of its highest learning rate that each group has in a step.

    Args:
        settings: Shape, warm-up and what is left at the end.
        step: Counted from 0.
        num_steps: Steps of the whole run, as planned.
    """
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    if settings.kind == "constant":
        return 1.0
    behind = step - settings.warmup_steps
    progress = min(1.0, behind / max(1, num_steps - 1 - settings.warmup_steps))
    fall = progress if settings.kind == "linear" else (1 - math.cos(math.pi * progress)) / 2
    return 1.0 - (1.0 - settings.final_share) * fall
