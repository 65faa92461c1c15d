"""An index in PostgreSQL with pgvector; ``store`` has it as a whole."""
