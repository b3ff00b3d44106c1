"""Choose what a view shows, by small passes over process ids that can be combined.

A pass takes a selection and returns one with fewer rows. Nothing is lost silently: a row counts
what it stands for, and ``Selection.left_out`` lists what no row stands for. Whatever stands above
a row, in the order of the view, has a row too, so no tree or lane hangs in the air.
"""
