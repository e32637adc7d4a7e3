"""Rows of many patients at once. Needs numpy: imported only where it is used."""
