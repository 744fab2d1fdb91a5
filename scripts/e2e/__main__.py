"""`python3 scripts/e2e clients|captured|apps|scenarios|capture|machines [NAME] [--results FILE]`: the end-to-end tests."""

import argparse
import sys

sys.dont_write_bytecode = True

from environment import Missing  # noqa: E402
from results import Results  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["clients", "captured", "apps", "scenarios", "capture", "machines"])
    parser.add_argument("name", nargs="?", help="only those whose names begin so")
    parser.add_argument("--results", help="write the counts there, as JSON")
    options = parser.parse_args()
    results = Results()
    part = __import__(options.part)
    try:
        part.run(results, options.name)
    except Missing as why:
        results.skip(options.part, why)
    except Exception as why:
        results.fail(f"{options.part}: preparation", why if str(why) else repr(why))
    if options.results:
        results.write(options.results)
    return 1 if results.failed else 0


sys.exit(main())
