"""Lay out the lane diagram: a horizontal lane a process, a column an event, from left to right."""
