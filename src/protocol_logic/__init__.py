"""Clinical trial eligibility criteria as readable, executable and explainable logic."""

__version__ = "0.1.0"
