"""`clser doctor`: what is installed, what works, and the way out of what does not."""

import argparse
import json
import sys

NAME = "doctor"
HELP = "Check what is installed and works, and say how to repair what does not."
EPILOG = """\
Exit code 1 when something that is needed is broken; a warning costs a feature or speed. Nothing is
changed, and of the network only the hub of pretrained models is looked for.

example: clser doctor
         clser doctor --json --offline
"""
MARKS = {"ok": "ok", "warning": "!!", "broken": "XX"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--model", default="default", metavar="M", help="bundle to check and run")
    parser.add_argument("--offline", action="store_true", help="do not look for the hub")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Check everything; return 1 if something needed is broken."""
    from clser_engine.cli.doctor_checks import check_everything

    findings = check_everything(model=args.model, offline=args.offline)
    broken = [finding for finding in findings if finding.state == "broken"]
    if args.json:
        values = {
            "healthy": not broken,
            "checks": [
                {"name": f.name, "state": f.state, "found": f.found, "remedy": f.remedy}
                for f in findings
            ],
        }
        print(json.dumps(values, indent=1, ensure_ascii=False))
        return 1 if broken else 0
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(f"{MARKS[finding.state]}  {finding.name:<{width}}  {finding.found}")
        if finding.remedy:
            print(f"    {'':<{width}}  -> {finding.remedy}")
    warnings = sum(finding.state == "warning" for finding in findings)
    if broken:
        names = ", ".join(finding.name for finding in broken)
        print(f"clser: broken: {names}; what to do stands above.", file=sys.stderr)
        return 1
    plural = "" if warnings == 1 else "s"
    tail = f"; {warnings} warning{plural}" if warnings else ""
    print(f"Everything that is needed works{tail}.")
    return 0
