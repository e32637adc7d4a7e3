"""Tree to checked protocol, and on to its ASP program and findings plan."""
