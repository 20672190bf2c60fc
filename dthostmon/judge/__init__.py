"""The judge: asks models about what rules alone cannot decide. What they say is checked, bounded and never trusted."""

from dthostmon.judge.asked import Asked, RulesOnlyReason, judged_by
from dthostmon.judge.assessor import Assessment, Assessor, Enquiry
from dthostmon.judge.budget import Prices
from dthostmon.judge.documents import evidence_document, evidence_value
from dthostmon.judge.judge import Judge
from dthostmon.judge.verdict import judged, unasked

__all__ = [
    "Asked",
    "Assessment",
    "Assessor",
    "Enquiry",
    "Judge",
    "Prices",
    "RulesOnlyReason",
    "evidence_document",
    "evidence_value",
    "judged",
    "judged_by",
    "unasked",
]
