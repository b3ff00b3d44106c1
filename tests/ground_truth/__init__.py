"""Compare what forktrace recorded of a run with the kernel's own record of the same run."""
