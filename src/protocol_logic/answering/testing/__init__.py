"""Examples and worked cases against what the program says; what they leave untried."""
