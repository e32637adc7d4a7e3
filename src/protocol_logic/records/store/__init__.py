"""A store: what sources state, read once for all protocols, in one file of DuckDB."""
