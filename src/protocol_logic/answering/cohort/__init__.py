"""Many patients of one protocol: who is lost at which criterion, and what other limits would do."""
