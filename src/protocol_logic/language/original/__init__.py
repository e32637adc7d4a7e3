"""The protocol's own text, as a registry or a document gives it: read, cut, quoted, covered."""
