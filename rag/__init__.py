"""Question -> cited, checked answer."""

from rag.assistant import Answer, Assistant, answer
from rag.citations import Citation
from rag.retriever import Retriever

__all__ = ["Answer", "Assistant", "Citation", "Retriever", "answer"]
