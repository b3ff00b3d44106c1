"""Whole Debian machines, emulated, in which forktrace's tests run as on a user's machine."""
