"""Results, from wherever a job put them."""
