"""What a process that only serves does about garbage. Run as a process of its own: it changes the whole interpreter."""

import subprocess
import sys

SCRIPT = """
import gc
from oracle.pauses import keep_pauses_short
import api.app

class Node:
    pass

def cycle():
    node = Node()
    node.itself = node

before = gc.get_threshold()
keep_pauses_short()
assert gc.isenabled()
assert gc.get_freeze_count() > 10_000, "what is there now is not gone through again"
assert gc.get_threshold() > before
for _ in range(100_000):
    cycle()
left = sum(isinstance(each, Node) for each in gc.get_objects())
assert left < 50_000, f"{left} cycles are left: garbage is still to be found"
"""


def test_the_heap_is_seldom_gone_through_and_new_garbage_still_found():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
