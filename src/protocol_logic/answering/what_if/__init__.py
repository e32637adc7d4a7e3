"""What would make it otherwise: change sets, repairs, days, what to measure, and trying it."""
