"""Answers to what people see: the only rooms that print, open, listen and exit."""
