"""The breaker of a provider: when it opens, for how long, and who finds out that the provider is back."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dthostmon.judge.breaker import Breaker, BreakerState, pause_seconds

MIDDLE = 0.5  # the draw without jitter


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    fail(breaker, now, 3)
    return breaker


def fail(breaker: Breaker, now: float, times: int = 1) -> bool:
    did_open = False
    for _ in range(times):
        permit = breaker.enter(now)
        assert permit is not None
        did_open = breaker.failed(permit, now, MIDDLE)
        breaker.leave(permit)
    return did_open


def test_it_opens_at_the_third_failure_in_a_row():
    breaker = Breaker()
    assert not fail(breaker, 0.0, 2)
    assert breaker.state(0.0) is BreakerState.CLOSED
    assert fail(breaker, 0.0)
    assert breaker.state(29.9) is BreakerState.OPEN
    assert breaker.enter(29.9) is None


def test_an_answer_between_failures_starts_the_count_again():
    breaker = Breaker()
    fail(breaker, 0.0, 2)
    assert breaker.answered() is False
    assert not fail(breaker, 0.0, 2)
    assert breaker.state(0.0) is BreakerState.CLOSED


def test_one_probe_at_a_time_may_enter_after_the_pause():
    breaker = opened()
    permit = breaker.enter(30.0)
    assert permit is not None
    assert breaker.state(30.0) is BreakerState.HALF_OPEN
    assert breaker.enter(30.0) is None
    breaker.leave(permit)  # cancelled: nobody knows more than before
    assert breaker.enter(30.0) is not None


def test_the_pause_doubles_with_each_failed_probe_up_to_a_quarter_of_an_hour():
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(8):
        assert breaker.until is not None
        pauses.append(breaker.until - now)
        now = breaker.until
        assert fail(breaker, now)
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]


def test_an_answer_to_the_probe_closes_it_and_the_next_pause_is_short_again():
    breaker = opened()
    fail(breaker, 30.0)
    permit = breaker.enter(90.0)
    assert permit is not None
    assert breaker.answered() is True
    breaker.leave(permit)
    assert breaker.state(90.0) is BreakerState.CLOSED
    fail(breaker, 100.0, 3)
    assert breaker.until == 130.0


def test_the_pause_is_spread_by_a_fifth_either_way():
    assert [pause_seconds(0, draw) for draw in (0.0, 0.5, 1.0)] == [24, 30, 36]
    assert [pause_seconds(50, draw) for draw in (0.0, 1.0)] == [720, 1080]


def test_what_a_person_has_to_mend_opens_it_for_an_hour_at_once():
    breaker = Breaker()
    permits = [breaker.enter(0.0), breaker.enter(0.0)]
    assert permits == [0, 0]
    assert breaker.refused(0, 5.0) is True
    assert breaker.refused(0, 6.0) is False, "told once for each opening"
    assert breaker.enter(3604.9) is None
    assert breaker.enter(3605.0) is not None


def test_failures_of_requests_from_before_it_opened_do_not_lengthen_the_pause():
    breaker = Breaker()
    late = [breaker.enter(0.0) for _ in range(10)]
    for permit in late:
        assert permit is not None
        breaker.failed(permit, 1.0, MIDDLE)
    assert breaker.until == 31.0
    assert breaker.doublings == 1


def test_a_late_failure_does_not_end_a_probe():
    breaker = Breaker()
    late = breaker.enter(0.0)
    fail(breaker, 0.0, 3)
    probe = breaker.enter(30.0)
    assert late is not None
    assert breaker.failed(late, 31.0, MIDDLE) is False
    breaker.leave(late)
    assert breaker.enter(31.0) is None, "the probe is still out"
    assert probe is not None
    assert breaker.answered() is True


ENDS = ["failure", "failure", "failure", "answer", "refusal", "cancel"]  # most stories are to see it open


class BreakerStories(RuleBasedStateMachine):
    """Any order of requests, their ends and time: what holds always."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = 0.0
        self.out: list[tuple[int, bool]] = []  # permits, and whether each is a probe

    @rule(seconds=st.floats(0, 4000))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def a_request_asks_to_enter(self) -> None:
        state, may = self.breaker.state(self.now), self.breaker.lets(self.now)
        permit = self.breaker.enter(self.now)
        assert (permit is not None) is may
        if permit is not None:
            assert state is not BreakerState.OPEN
            self.out.append((permit, state is BreakerState.HALF_OPEN))

    @precondition(lambda self: self.out)
    @rule(end=st.sampled_from(ENDS), which=st.integers(0), draw=st.floats(0, 1))
    def a_request_ends(self, end: str, which: int, draw: float) -> None:
        permit, is_probe = self.out.pop(which % len(self.out))
        opened = False
        if end == "answer":
            self.breaker.answered()
            assert self.breaker.state(self.now) is BreakerState.CLOSED
            self.out = [(each, False) for each, _ in self.out]  # whoever is out now is a request like others
        elif end == "failure":
            opened = self.breaker.failed(permit, self.now, draw)
            assert opened or not is_probe, "a probe that fails opens it again"
        elif end == "refusal":
            opened = self.breaker.refused(permit, self.now)
        self.breaker.leave(permit)
        if opened:
            assert self.breaker.until is not None
            assert 23.9 <= self.breaker.until - self.now <= 3600.1

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        if self.breaker.state(self.now) is not BreakerState.CLOSED:
            assert sum(is_probe for _, is_probe in self.out) <= 1

    @invariant()
    def it_can_always_be_left_again(self) -> None:
        probes = [each for each in self.out if each[1]]
        assert probes or self.breaker.lets(self.now + 3600.1), "nobody is out to close it, and nobody may enter"

    @invariant()
    def three_failures_without_an_answer_open_it(self) -> None:
        assert self.breaker.failures < 3 or self.breaker.until is not None


TestBreakerStories = BreakerStories.TestCase
TestBreakerStories.settings = settings(max_examples=100, deadline=None)
