"""Names to what the knowledge base says of them, and to where it and the grammar lie."""
