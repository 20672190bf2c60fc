"""Whatever visits come in whatever order: what is stored is what was appended, once each."""

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dthostmon.errors import CursorConflictError
from dthostmon.model import Visit
from dthostmon.store import Store
from tests.integration.store.visits import coverage, failed_run, reading, run, stored

PATHS = ("/var/log/syslog", "/var/log/auth.log")
HOSTS = count()

appended = st.tuples(st.sampled_from(["read", "read late"]), st.sampled_from(PATHS), st.binary(max_size=200))
failed = st.tuples(st.just("fail"), st.just(""), st.just(b""))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visits=st.lists(st.one_of(appended, failed), max_size=12))
async def test_any_visits_store_every_byte_once(store: Store, visits: list[tuple[str, str, bytes]]):
    host = f"host{next(HOSTS)}"
    expected = dict.fromkeys(PATHS, b"")
    known = await store.load_state(host)
    for minute, (kind, path, data) in enumerate(visits):
        if kind == "fail":
            await store.save_run(Visit(failed_run(host, minute)))
            continue
        state = known if kind == "read late" else await store.load_state(host)
        visit = Visit(run(host, minute, logs=(coverage(len(data), path=path),)), (reading(state, data, path),))
        current = (await store.load_state(host)).cursors.get(path) == state.cursors.get(path)
        try:
            await store.save_run(visit)
        except CursorConflictError:
            assert not current
        else:
            assert current
            expected[path] += data
        known = state
    for path in PATHS:
        assert await stored(store, host, path) == expected[path]
        assert sum(entry.bytes_appeared for entry in await store.coverage(host) if entry.path == path) == len(
            expected[path]
        )
