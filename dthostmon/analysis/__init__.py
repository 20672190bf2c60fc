"""Understanding: what came in of a host's logs and metrics, as templates and findings. Pure."""

from dthostmon.analysis.assignment import Assignment, assign
from dthostmon.analysis.conclusion import Examination, conclude
from dthostmon.analysis.examination import examine
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.observation import Observation, Tally, observe
from dthostmon.analysis.own_logins import OwnLogins
from dthostmon.analysis.silence import new_rhythms, silences

__all__ = [
    "Assignment",
    "Examination",
    "Moment",
    "Observation",
    "OwnLogins",
    "Tally",
    "assign",
    "conclude",
    "examine",
    "new_rhythms",
    "observe",
    "silences",
]
