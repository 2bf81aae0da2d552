"""Lines of results, and the results they become."""
