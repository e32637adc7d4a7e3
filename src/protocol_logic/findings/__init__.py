"""Findings plan and facts to possible rows and the evidence they rest on."""
