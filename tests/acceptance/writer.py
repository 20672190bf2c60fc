"""A program that writes a log as servers do: it keeps the file open, and opens it anew when SIGHUP says so.

    python writer.py LOG

Reads `SIZE` and so many bytes from its standard input, writes them to the log, and says so.
"""

import signal
import sys
from pathlib import Path
from types import FrameType


def main(log: Path) -> None:
    """Write what comes until the input ends."""
    file = log.open("ab", buffering=0)

    def reload(_signal: int, _frame: FrameType | None) -> None:
        nonlocal file
        file.close()
        file = log.open("ab", buffering=0)
        sys.stdout.write("reloaded\n")
        sys.stdout.flush()

    signal.signal(signal.SIGHUP, reload)
    while size := sys.stdin.buffer.readline():
        file.write(sys.stdin.buffer.read(int(size)))
        sys.stdout.write("written\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
