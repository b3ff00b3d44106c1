"""What a launch means: small named passes over the graph, in one ordered list."""

from forktrace.analysis.findings import Findings
from forktrace.analysis.passes import PASSES, analyse

__all__ = ["PASSES", "Findings", "analyse"]
