"""Outcomes and support edges to justifications, repairs, attrition, analyses and audit records."""
