"""Whether a request is sound, and the form in which it is sent. Pure."""
