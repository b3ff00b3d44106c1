"""One module a format, behind one registry."""
