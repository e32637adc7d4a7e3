"""The package in Python: protocols, cohorts and patients, as `protocol_logic` gives them."""
