"""Send and settle, span after span, what lies in the past."""

import threading
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.demo.timetable import Span
from api.demo.world import READINGS_PER_ENVELOPE, World
from oracle.errors import ChainError


def settle_history(
    world: World,
    spans: Sequence[Span],
    console: Console,
    stop: threading.Event,
    readings_per_envelope: int = READINGS_PER_ENVELOPE,
) -> bool:
    """Send and settle span after span; tell whether all of them were.

    Raises:
        ChainError: the nodes do not acknowledge what was sent.

    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("settling", total=len(spans))
        for span in spans:
            progress.update(task, description="sending readings")
            for plant in world.plants:
                world.send(plant, span.after_ms, span.until_ms, readings_per_envelope)
            if not world.wait_delivered(
                stop, lambda left: progress.update(task, description=f"{left} envelopes on their way")
            ):
                raise ChainError("the nodes do not acknowledge: telemetry was not delivered in time")
            progress.update(task, description="attesting and minting")
            if world.settle(span.cutoff_s) is None:
                progress.console.print("[red]too few nodes attest: nothing is published; run with -v to see why[/red]")
                return False
            progress.advance(task)
    return True
