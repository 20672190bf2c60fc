"""How good the judgement is: labelled cases through the real pipeline, and what came of them in figures."""

from dthostmon.evaluation.case import Case, CaseVisit
from dthostmon.evaluation.document import Document, Measured, figures_document, incomparable, read_baseline, worse
from dthostmon.evaluation.figures import FalseAlarm, Figures, Noise, Share, Verdict, measure
from dthostmon.evaluation.replay import Judged, Outcome, replay
from dthostmon.evaluation.suite import builtin_suites, read_suites

__all__ = [
    "Case",
    "CaseVisit",
    "Document",
    "FalseAlarm",
    "Figures",
    "Judged",
    "Measured",
    "Noise",
    "Outcome",
    "Share",
    "Verdict",
    "builtin_suites",
    "figures_document",
    "incomparable",
    "measure",
    "read_baseline",
    "read_suites",
    "replay",
    "worse",
]
