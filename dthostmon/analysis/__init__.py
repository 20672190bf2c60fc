"""Understanding: what came in of a host's logs and metrics, as templates and findings. Pure."""

from dthostmon.analysis.assignment import Assignment, assign
from dthostmon.analysis.examination import Examination, Tally, examine

__all__ = ["Assignment", "Examination", "Tally", "assign", "examine"]
