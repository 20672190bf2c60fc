"""No size that a host tells is too large for a database, not even the sum of a folder of them."""

import os
import stat

from dthostmon.transport import collector, local
from dthostmon.transport.session import LONGEST_FILE_BYTES


def test_a_sparse_file_of_this_machine_is_no_longer_than_a_file_can_be() -> None:
    told = os.stat_result((stat.S_IFREG, 1, 1, 1, 0, 0, 2**63 - 1, 0, 0, 0))
    assert local._file_stat(told).size == LONGEST_FILE_BYTES


def test_a_size_that_a_collector_tells_is_no_longer_than_a_file_can_be() -> None:
    [entry] = collector._entries(b"81a4 9999999999999999999 1700000000 7 app.log\0")
    assert entry.stat.size == LONGEST_FILE_BYTES
