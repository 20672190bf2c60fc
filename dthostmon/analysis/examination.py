"""Logs and metrics of one visit to templates and findings."""

from collections.abc import Sequence

from dthostmon.analysis.conclusion import Examination, conclude
from dthostmon.analysis.garbage import rare_collections
from dthostmon.analysis.limits import NOTHING_RECENT, Recent
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.observation import observe
from dthostmon.analysis.own_logins import OwnLogins
from dthostmon.model import History, Learning, Metrics, Thresholds
from dthostmon.rules import RuleSet


@rare_collections()
def examine(
    logs: Sequence[tuple[str, bytes]],
    rules: RuleSet,
    thresholds: Thresholds,
    metrics: Metrics | None,
    own: OwnLogins | None = None,
    moment: Moment | None = None,
    recent: Recent = NOTHING_RECENT,
) -> Examination:
    """Understand the new bytes of a host's logs, (path, data) each, and its metrics, where nothing is known of before
    but `recent` metrics.

    `own` tells who we are there. Without a `moment` no line has a time, and all of them count as seen at one.
    """
    observed = observe(logs, rules, own, moment)
    return conclude(observed, rules, History(), thresholds, metrics, Learning(), moment, recent=recent)
