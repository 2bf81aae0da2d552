"""Moving big things: plans that are pure arithmetic, and the drivers that follow them."""
