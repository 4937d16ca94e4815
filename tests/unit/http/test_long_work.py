import asyncio
import threading

import pytest

from api.http.problems import ProblemError
from api.routes.reading import LongWork


def test_reads_go_on_while_long_work_is_done_and_too_much_is_turned_away():
    async def crowd():
        work, gate = LongWork(workers=1, waiting=2), threading.Event()
        taken = [asyncio.create_task(work.run(lambda n=n: gate.wait(10) and n)) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(ProblemError) as refused:
            await work.run(lambda: 4)
        assert (refused.value.type.slug, refused.value.retry_after_s) == ("too-many-requests", 5)
        gate.set()
        assert await asyncio.gather(*taken) == [0, 1, 2]
        assert await work.run(lambda: 5) == 5

    asyncio.run(crowd())


def test_what_fails_gives_its_place_back():
    async def fail():
        work = LongWork(workers=1, waiting=0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await work.run(lambda: 1 // 0)
        assert await work.run(lambda: 1) == 1

    asyncio.run(fail())
