"""The trace file: the one contract between capturing a launch and showing it."""
