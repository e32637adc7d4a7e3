"""Spans, problems, exact numbers and units, calendar, operators."""
