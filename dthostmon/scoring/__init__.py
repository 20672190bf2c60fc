"""Findings to a score from 0 to 100. Pure."""

from dthostmon.scoring.grading import SCORE_CAPS, grade, recommendations, status_word, summary

__all__ = ["SCORE_CAPS", "grade", "recommendations", "status_word", "summary"]
