"""ASP program and distinct rows to answers, by clingo."""
