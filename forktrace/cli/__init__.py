"""The command line: one file a command; domain errors become exit statuses in one place."""
