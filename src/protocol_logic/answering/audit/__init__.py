"""The audit record: what was decided, by what, from what, as a chain of lines."""
