"""Findings of many patients at once, as columns. Imports numpy: import it where it is used."""
