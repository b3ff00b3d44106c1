"""Run test suites that others wrote, with and without forktrace, and compare test by test."""
