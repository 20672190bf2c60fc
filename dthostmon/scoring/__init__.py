"""Findings, and what a model says of them, to a score from 0 to 100. Pure."""

from dthostmon.scoring.combination import Combination, combine
from dthostmon.scoring.grading import MAX_RECOMMENDATIONS, SCORE_CAPS, grade, recommendations, status_word, summary

__all__ = [
    "MAX_RECOMMENDATIONS",
    "SCORE_CAPS",
    "Combination",
    "combine",
    "grade",
    "recommendations",
    "status_word",
    "summary",
]
