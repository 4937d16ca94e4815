"""A progress bar on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHOWN_EVERY_S = 0.1


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show on a terminal's stderr what is being done, and how many are done of how many; gone at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)
        shown: tuple[str, float] = ("", 0.0)

        def on_progress(what: str, done: int, total: int) -> None:
            nonlocal shown
            now = time.monotonic()
            if what != shown[0] or now - shown[1] > SHOWN_EVERY_S:  # it is told of every row, and drawing is dear
                shown = what, now
                bar.update(task, description=what, completed=done, total=total)

        yield on_progress
