"""A mount that hangs holds up its own readers, and neither other work nor the end of the process."""

import subprocess
import sys

# Only a dead server makes a mount hang, so the call that would hang on one is replaced.
VISIT = """
import asyncio, os, threading
from dthostmon.transport import framing, local

real_stat, hung = os.stat, threading.Event()

def stat(path, **options):
    return hung.wait() if path == b"/hanging" else real_stat(path, **options)

async def main():
    files = local.LocalSession(framing.Limits(), lambda: "").files
    os.stat = stat
    visits = [asyncio.create_task(files.stat("/hanging")) for _ in range(3)]
    print((await files.stat("/")).directory, await asyncio.to_thread(lambda: "other work"), flush=True)
    for visit in visits:
        visit.cancel()
    await asyncio.wait(visits)

asyncio.run(main())
"""


def test_a_hanging_file_holds_up_neither_other_work_nor_the_end() -> None:
    visit = subprocess.run([sys.executable, "-c", VISIT], check=True, capture_output=True, text=True, timeout=60)
    assert visit.stdout == "True other work\n"
