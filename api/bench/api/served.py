"""What is measured, each as a process of its own: the application as `heliograph api` serves it, and an empty route."""

import threading
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from fastapi import FastAPI

from api.bench.api import fleet
from api.bench.api.asking import EMPTY_PATH
from api.bench.children import child
from api.projection.projection import Projection
from api.server import serve
from oracle.pauses import keep_pauses_short


@child
def empty(pipe: Pipe) -> None:
    """Serve a route that answers `{}`; tell the port, then wait until the pipe closes."""
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get(EMPTY_PATH)
    async def nothing() -> dict[str, str]:
        return {}

    keep_pauses_short()  # as the other: what is compared is what each does for an answer
    with serve(app, 0) as address:
        pipe.send(int(address.rpartition(":")[2]))
        pipe.recv()


@child
def heliograph(pipe: Pipe, folder: Path) -> None:
    """Serve a filled projection; tell the port and an operator's key.

    Through the pipe come (how many events, pause between them [s]): they are written as a follower would, and
    the answer is [(number, instant at which writing it began [ns, monotonic])].
    """
    from api.bench.api.parts import bench_application  # noqa: PLC0415  slow to import, and only needed here

    with bench_application(folder) as (app, projection, key):
        keep_pauses_short()
        with serve(app, 0) as address:
            pipe.send((int(address.rpartition(":")[2]), key))
            while True:
                count, pause_s = pipe.recv()
                told: list[tuple[int, int]] = []
                writing = threading.Thread(
                    target=lambda: told.extend(_tell(projection, count, pause_s)),  # noqa: B023
                    name="follows",
                )
                writing.start()
                writing.join()
                pipe.send(told)


def _tell(projection: Projection, count: int, pause_s: float) -> list[tuple[int, int]]:
    """Write events, one a transaction, as followers do; return the number of each and when writing it began."""
    told = []
    for n in range(count):
        began_ns = time.perf_counter_ns()
        with projection.writing() as writing:
            number = writing.asset(fleet.asset_id(n % 7))
            document = {"meter_id": f"met-{n % 7}", "power_w": n, "export_wh": n}
            writing.tell("reading", number, time.time_ns() // 1_000_000, document)
            writing.touch([number], booked=False)
        told.append((projection.last_event(), began_ns))
        time.sleep(pause_s)
    return told
