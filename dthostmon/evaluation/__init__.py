"""How good the judgement is: labelled cases through the real pipeline, and what came of them in figures."""

from dthostmon.evaluation.candidate import Candidate, Hearing
from dthostmon.evaluation.case import Case, CaseVisit
from dthostmon.evaluation.comparison import Answers, Column, Comparison, Resistance, compare
from dthostmon.evaluation.document import (
    Document,
    Measured,
    comparison_document,
    figures_document,
    incomparable,
    read_baseline,
    worse,
)
from dthostmon.evaluation.figures import FalseAlarm, Figures, Noise, Share, Verdict, measure
from dthostmon.evaluation.replay import Judged, Outcome, replay
from dthostmon.evaluation.suite import builtin_suites, injection_suite, read_suites, spread

__all__ = [
    "Answers",
    "Candidate",
    "Case",
    "CaseVisit",
    "Column",
    "Comparison",
    "Document",
    "FalseAlarm",
    "Figures",
    "Hearing",
    "Judged",
    "Measured",
    "Noise",
    "Outcome",
    "Resistance",
    "Share",
    "Verdict",
    "builtin_suites",
    "compare",
    "comparison_document",
    "figures_document",
    "incomparable",
    "injection_suite",
    "measure",
    "read_baseline",
    "read_suites",
    "replay",
    "spread",
    "worse",
]
