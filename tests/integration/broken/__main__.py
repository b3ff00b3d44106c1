"""Take a rule away, bring an order about, and be forktrace."""

import sys

from forktrace.cli.main import main
from tests.integration.broken import ORDERS, RULES

rule, order, *arguments = sys.argv[1:]
if rule != "-":
    RULES[rule]()
if order != "-":
    ORDERS[order]()
sys.argv = ["forktrace", *arguments]
sys.exit(main())
