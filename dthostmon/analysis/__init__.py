"""Understanding: what came in of a host's logs and metrics, as templates and findings. Pure."""

from dthostmon.analysis.assignment import Assignment, assign
from dthostmon.analysis.examination import Examination, Tally, examine
from dthostmon.analysis.own_logins import OwnLogins, normal_address

__all__ = ["Assignment", "Examination", "OwnLogins", "Tally", "assign", "examine", "normal_address"]
