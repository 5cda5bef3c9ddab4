"""The fuzzer as a program."""

import argparse

from fuzz import builds


def parse(words=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--call", type=int, help="make this call alone")
    parser.add_argument("--kind", choices=builds.KINDS, default="plain")
    parser.add_argument("--target", action="append", help="instruction sets, all by default")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--until", help="end at a finding that this expression matches")
    return parser.parse_args(words)


if __name__ == "__main__":
    arguments = parse()
    builds.enter(arguments.kind)
    from fuzz import program  # with the extension, for which the process is now right

    program.main(arguments)
