"""Lines that belong together count for one template."""

import pytest

from dthostmon.analysis import assign
from dthostmon.rules import RuleSet

PYTHON = """\
2026-07-28 09:30:00,123 ERROR app.worker: job 7 failed
Traceback (most recent call last):
  File "/srv/app/worker.py", line 12, in run
    go()
ValueError: 7 is odd
2026-07-28 09:30:01,123 INFO app.worker: next job
"""
JAVA = """\
2026-07-28 09:30:00,123 ERROR [main] org.example.App: request failed
java.lang.IllegalStateException: closed
\tat org.example.App.run(App.java:12)
\t... 12 more
Caused by: java.io.IOException: gone
\tat org.example.Disk.read(Disk.java:7)
2026-07-28 09:30:01,123 INFO [main] org.example.App: next request
"""
GO = """\
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
\t/srv/app/main.go:12 +0x1d
exit
"""
CONTAINER = """\
2026-07-28T09:30:00.123456789Z Exception in thread "main" java.lang.Error: x
2026-07-28T09:30:00.123456790Z \tat org.example.App.run(App.java:12)
2026-07-28T09:30:01.123456790Z started again
"""
KERNEL = """\
Jul 28 09:30:00 web1 kernel: [   12.5] BUG: unable to handle page fault for address: 00000000
Jul 28 09:30:00 web1 sshd[7]: Connection closed by 203.0.113.7
Jul 28 09:30:00 web1 kernel: [   12.5] Call Trace:
Jul 28 09:30:00 web1 kernel: [   12.5]  ? do_thing+0x12/0x20
Jul 28 09:30:00 web1 kernel: [   12.5] RIP: 0010:do_thing+0x12/0x20
Jul 28 09:30:00 web1 kernel: [   12.6] eth0: link up
"""
POSTGRESQL = """\
2026-07-28 09:30:00.120 UTC [7710] app@shop ERROR:  duplicate key value violates unique constraint "a"
2026-07-28 09:30:00.120 UTC [7710] app@shop DETAIL:  Key (id)=(7) already exists.
2026-07-28 09:30:00.120 UTC [7710] app@shop STATEMENT:  INSERT INTO a
\tVALUES (7)
2026-07-28 09:30:01.120 UTC [12] LOG:  checkpoint starting: time
"""


@pytest.mark.parametrize(
    ("log", "records"),
    [
        (PYTHON, [0, 0, 0, 0, 0, 5]),
        (JAVA, [0, 0, 0, 0, 0, 0, 6]),
        (GO, [0, 0, 0, 0, 0, 5]),
        (CONTAINER, [0, 0, 2]),
        (KERNEL, [0, 1, 0, 0, 0, 5]),
        (POSTGRESQL, [0, 0, 0, 0, 4]),
    ],
    ids=["python", "java", "go", "container", "kernel", "postgresql"],
)
def test_a_record_of_many_lines_has_one_template(log: str, records: list[int]) -> None:
    found = [one.template_id for one in assign([("log", log.encode())], RuleSet(()))]
    assert [found.index(template) for template in found] == records


@pytest.mark.parametrize(
    "log",
    [
        "Jul 28 09:30:00 web1 cron[1]: job\nJul 28 09:30:00 web1 sudo:    bob : TTY=pts/0 ; USER=root\n",
        "2026-07-28 09:30:00 INFO app: served\nTraceback (most recent call last):\n",
        "a list:\n  indented\n",
        "Jul 28 09:30:00 web1 kernel: [   12.5] a map:\nJul 28 09:30:00 web1 kernel: [   12.5]  a line of it\n",
        "2026-07-28 09:30:00\tINFO\tone\n2026-07-28 09:30:00\tINFO\tother\n",
        "2026-07-28 09:30:00      INFO  one\n2026-07-28 09:30:00      INFO  other\n",
        "09:30:01        all     0.50\n09:40:01        idle     0.50\n",
    ],
    ids=["sudo", "trace after news", "plain text", "kernel", "columns by tabs", "columns by blanks", "table"],
)
def test_a_line_that_only_looks_like_a_part_is_a_record(log: str) -> None:
    first, second = assign([("log", log.encode())], RuleSet(()))
    assert first.template_id != second.template_id
