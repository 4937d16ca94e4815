"""What the routes that read have in common: what changes with time alone, and long work beside the event loop."""

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from api.http.answers import PRIVATE, Kept, ready, send
from api.http.lists import written
from api.http.problems import ProblemError

STEP_S = 2
"""What also changes as time passes (what is stale, what is today) is kept no longer than this [s]."""
WORKERS = 2
"""Long pieces of work at a time: proofs and explanations take seconds of a processor."""
WAITING = 16
"""Long pieces of work that wait at most."""
RETRY_S = 5
"""When to come again where more would have to wait [s]."""

Result = TypeVar("Result")


def now_step() -> int:
    """Return a number that changes as time passes, for the key of what depends on it."""
    return int(time.time() // STEP_S)


def answer_one(  # noqa: PLR0913, PLR0917  who asks, and what is kept under which key and version
    request: Request,
    kept: Kept,
    key: Hashable,
    make: Callable[[], BaseModel],
    cache_control: str = PRIVATE,
    version: Hashable = None,
) -> Response:
    """Answer with one model as JSON, made if it is not kept."""
    return send(request, kept.get(key, lambda: ready(written(make())), version), cache_control)


class LongWork:
    """Work that takes long, in threads of its own, so that reads do not wait for it; more than can wait is turned away."""

    def __init__(self, workers: int = WORKERS, waiting: int = WAITING) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="proof")
        self._limit = workers + waiting
        self._taken = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do some work, and return what it gives.

        Raises:
            ProblemError: too much waits already.

        """
        if self._taken >= self._limit:
            detail = f"all workers for proofs and explanations are taken; try again in {RETRY_S} seconds"
            raise ProblemError("too-many-requests", detail, retry_after_s=RETRY_S)
        self._taken += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._taken -= 1
