"""Taking requests in: read once, checked, keyed and spooled."""
