"""Does the evidence carry the sentence? A check in code, whatever model wrote it."""

from rag.grounding.check import Verdict, check_sentence

__all__ = ["Verdict", "check_sentence"]
