"""Measures retrieval and answers on gold questions."""
