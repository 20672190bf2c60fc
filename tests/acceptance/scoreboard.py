"""What rotates and breaks logs in the field, each as a story that real programs play: logrotate, a writer that is told
to reload, a file system that gives an inode again. A story may lose nothing: what is written is seen before it goes.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import parts

WRITER = Path(__file__).with_name("writer.py")
WRITER_SECONDS = 10.0
INODE_TRIES = 50
EXT_FILESYSTEM = 0xEF53  # what statfs tells of ext2, ext3 and ext4


@dataclass
class Scene:
    """A log of unique numbered lines, what rotates it, and how it is visited."""

    log: Path
    folder: Path
    visit: Callable[[], None]
    count: int = 0
    writer: "subprocess.Popen[bytes] | None" = field(default=None)

    def write(self, lines: int) -> None:
        """Append whole lines, through the writer where one runs."""
        text = b"".join(b"line %06d of a log that somebody watches\n" % (self.count + index) for index in range(lines))
        self.count += lines
        if self.writer is None:
            with self.log.open("ab") as file:
                file.write(text)
            return
        assert self.writer.stdin is not None
        assert self.writer.stdout is not None
        self.writer.stdin.write(b"%d\n" % len(text) + text)
        self.writer.stdin.flush()
        assert self.writer.stdout.readline() == b"written\n"

    def rotate(self, *options: str) -> None:
        """Let logrotate rotate the log now."""
        settings = "\n  ".join(("missingok", "rotate 9", "nomail", *options))
        configuration = self.folder / "logrotate.conf"
        configuration.write_text(f'"{self.log}" {{\n  {settings}\n}}\n')
        configuration.chmod(0o644)
        command = [parts.program("logrotate"), "--force", "--state", str(self.folder / "state"), str(configuration)]
        subprocess.run(command, check=True, capture_output=True)

    def start_writer(self) -> None:
        """Start a program that keeps its log open until SIGHUP tells it to open it anew."""
        self.writer = subprocess.Popen(
            [sys.executable, str(WRITER), str(self.log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def reload_writer(self) -> None:
        """Tell the writer to open its log anew, and wait until it did."""
        assert self.writer is not None
        assert self.writer.stdout is not None
        self.writer.send_signal(signal.SIGHUP)
        assert self.writer.stdout.readline() == b"reloaded\n"

    def stop_writer(self) -> None:
        """End the writer."""
        if self.writer:
            self.writer.kill()
            self.writer.communicate(timeout=WRITER_SECONDS)
            self.writer = None


def rotate_with_create(scene: Scene) -> None:
    for _ in range(3):
        scene.write(12)
        scene.visit()
        scene.write(5)
        scene.rotate("create")
        scene.write(5)
    scene.visit()


def rotate_with_copytruncate(scene: Scene) -> None:
    for _ in range(3):
        scene.write(12)
        scene.visit()
        scene.write(5)
        scene.rotate("copytruncate")
        scene.write(5)
    scene.visit()


def rotate_with_dates(scene: Scene) -> None:
    for hour in range(3):
        scene.write(12)
        scene.visit()
        scene.write(5)
        scene.rotate("create", "dateext", f"dateformat -2026010{hour + 1}")
        scene.write(5)
    scene.visit()


def truncate(scene: Scene) -> None:
    scene.write(20)
    scene.visit()
    os.truncate(scene.log, 0)
    scene.write(5)
    scene.visit()
    os.truncate(scene.log, 0)
    scene.write(60)  # past the place where the last visit stood
    scene.visit()


def reload_by_sighup(scene: Scene) -> None:
    scene.start_writer()
    for _ in range(2):
        scene.write(12)
        scene.visit()
        scene.write(5)
        scene.rotate("create")
        scene.write(5)  # into the renamed file: the writer has not heard of it yet
        scene.visit()
        scene.write(5)
        scene.reload_writer()
        scene.write(5)
        scene.visit()
    scene.stop_writer()


def double_rotation(scene: Scene) -> None:
    scene.write(12)
    scene.visit()
    for _ in range(2):
        scene.write(5)
        scene.rotate("create")
    scene.write(5)
    scene.visit()
    for _ in range(4):
        scene.write(5)
        scene.rotate("create")
    scene.write(5)
    scene.visit()


def compressed_remainder(scene: Scene) -> None:
    kinds: Sequence[tuple[str, ...]] = (
        ("compress",),
        ("compress", f"compresscmd {parts.program('xz')}", "compressext .xz"),
        ("compress", f"compresscmd {parts.program('zstd')}", "compressext .zst"),
    )
    for options in kinds:
        for earlier in scene.log.parent.glob(f"{scene.log.name}.*"):
            earlier.unlink()  # all of it was read; one log has one way of compressing
        scene.write(12)
        scene.visit()
        scene.write(300)
        scene.rotate("create", *options)
        scene.write(5)
        scene.rotate("create", *options)
        scene.write(5)
        scene.visit()


def inode_reuse(scene: Scene) -> None:
    if _filesystem(scene.log.parent) != EXT_FILESYSTEM:
        parts.missing("a folder for temporary files on ext4, which gives an inode again at once")
    scene.write(30)
    scene.visit()
    reused = 0
    for _ in range(INODE_TRIES):
        before = scene.log.stat().st_ino
        scene.log.unlink()
        scene.write(40)  # longer than what was read: size and inode say that nothing happened
        reused += scene.log.stat().st_ino == before
        scene.visit()
        if reused == 3:
            return
    raise AssertionError(f"the file system gave an inode again {reused} times in {INODE_TRIES}")


def _filesystem(folder: Path) -> int:
    told = subprocess.run(["stat", "-f", "-c", "%t", str(folder)], check=True, capture_output=True).stdout
    return int(told, 16)


STORIES: dict[str, Callable[[Scene], None]] = {
    "rotate with create": rotate_with_create,
    "rotate with copytruncate": rotate_with_copytruncate,
    "rotate with dates": rotate_with_dates,
    "truncate": truncate,
    "reload by SIGHUP": reload_by_sighup,
    "double rotation": double_rotation,
    "compressed remainder": compressed_remainder,
    "inode reuse": inode_reuse,
}
