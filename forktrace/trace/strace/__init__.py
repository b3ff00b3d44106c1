"""Read logs of strace: lines, then whole calls, then the events of a trace."""
