"""Data fit: what records hold of that which a protocol asks, and what they can never say."""
