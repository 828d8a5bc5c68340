#!/usr/bin/env python3
"""Writes manual pages from what `lethe --experimental-dump-help` says: lethe.1, and one for each command.

    man.py LETHE FOLDER
"""

import json
import pathlib
import subprocess
import sys


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def spelled(argument):
    names = []
    for name in argument.get("names") or []:
        names.append(("--" if name["kind"] == "long" else "-") + name["name"])
    value = argument.get("valueName", "value")
    if argument["kind"] == "positional":
        return f"<{value}>"
    return ", ".join(names) + (f" <{value}>" if argument["kind"] == "option" else "")


def page(command, path):
    name = "-".join(path)
    lines = [f'.TH "{name.upper()}" 1', ".SH NAME", f"{escape(name)} \\- {escape(command.get('abstract', ''))}"]
    arguments = [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]
    children = [c for c in command.get("subcommands", []) if c.get("shouldDisplay", True) and c["commandName"] != "help"]
    lines += [".SH SYNOPSIS", f".B {escape(' '.join(path))}"]
    for argument in arguments:
        text = spelled(argument)
        lines.append(escape(f"[{text}]" if argument.get("isOptional") else text))
    if children:
        lines.append("<command>")
    if command.get("discussion"):
        lines += [".SH DESCRIPTION", escape(command["discussion"])]
    if children:
        lines.append(".SH COMMANDS")
        for child in children:
            lines += [".TP", f".B {escape(child['commandName'])}", escape(child.get("abstract", ""))]
    if arguments:
        lines.append(".SH OPTIONS")
        for argument in arguments:
            text = " ".join(filter(None, [argument.get("abstract"), argument.get("discussion")]))
            if argument.get("defaultValue"):
                text += f" (default: {argument['defaultValue']})"
            lines += [".TP", f".B {escape(spelled(argument))}", escape(text)]
    if children:
        lines += [".SH SEE ALSO", "\n".join(f".BR {escape(name + '-' + c['commandName'])} (1)" for c in children)]
    else:
        lines += [".SH SEE ALSO", f".BR {escape(path[0])} (1)"]
    return name, "\n".join(lines) + "\n", children


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    help_text = subprocess.run(
        [sys.argv[1], "--experimental-dump-help"], check=True, stdout=subprocess.PIPE).stdout
    pending = [(json.loads(help_text)["command"], ("lethe",))]
    while pending:
        command, path = pending.pop()
        name, text, children = page(command, path)
        (folder / f"{name}.1").write_text(text)
        pending += [(child, path + (child["commandName"],)) for child in children]


if __name__ == "__main__":
    main()
