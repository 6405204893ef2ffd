#!/usr/bin/env python3
"""A grid of trivial stages: what a cell costs, and what a run costs that has nothing to do, ours beside others'.

usage: grid.py APPRENTICE CELLS… [--peers FOLDER] [--runs N] [--scratch FOLDER]

Every cell is a program of its own that writes one row. Prints a line of JSON for every tool and number of cells: seconds
of the first run, milliseconds a cell, milliseconds of a run with nothing to do (the best of N, default 7) and the most
memory in MB. FOLDER/snakemake/bin/snakemake and FOLDER/dvc/bin/dvc are measured where they are; all tools in turn, on the
same cells, with two jobs at once (dvc has no jobs).
"""
import argparse, json, os, resource, shutil, subprocess, sys, tempfile, time

MANIFEST = """name: one
revision: 1
summary: One row.
in: {}
out: { dataset: { kind: dataset } }
parameters: { x: { type: integer, default: 0, doc: The number. } }
run: { command: [sh, one.sh], code: [one.sh] }
"""
PROGRAM = """out=$(sed -n 's/.*"out":{"dataset":"\\([^"]*\\)".*/\\1/p' "$APPRENTICE_ACTION")
x=$(sed -n 's/.*"x":\\([0-9]*\\).*/\\1/p' "$APPRENTICE_ACTION")
echo '{"id":"train-0","prompt":"p","completion":"'$x'","references":["r"]}' > "$out/train.jsonl"
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def ours(folder, cells, program):
    write(f"{folder}/one/stage.yaml", MANIFEST)
    write(f"{folder}/one/one.sh", PROGRAM)
    values = ", ".join(map(str, range(cells)))
    write(
        f"{folder}/grid.yaml",
        "apprentice: 1\nname: grid\nstages:\n  a:\n    uses: ./one\n"
        f"    matrix: {{ x: [{values}] }}\n    with: {{ x: \"${{matrix.x}}\" }}\n")
    return [program, "run", "grid.yaml"]


def snakemake(folder, cells, program):
    write(
        f"{folder}/Snakefile",
        f"rule all:\n    input: expand('out/{{x}}.jsonl', x=range({cells}))\n"
        "rule one:\n    output: 'out/{x}.jsonl'\n"
        "    shell: \"echo '{wildcards.x}' > {output}\"\n")
    return [program, "--cores", "2", "-q", "all"]


def dvc(folder, cells, program):
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run([program, "init", "-q"], cwd=folder, check=True)
    for name in ["core.analytics", "core.check_update"]:
        subprocess.run([program, "config", name, "false"], cwd=folder, check=True)
    values = ", ".join(map(str, range(cells)))
    write(
        f"{folder}/dvc.yaml",
        f"stages:\n  one:\n    matrix:\n      x: [{values}]\n"
        "    cmd: mkdir -p out && echo '${item.x}' > out/${item.x}.jsonl\n    outs: ['out/${item.x}.jsonl']\n")
    return [program, "repro", "-q"]


def timed(command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: {errors.decode(errors='replace')[-400:]}")
    return time.perf_counter() - start, usage.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2].removeprefix("usage: "))
    parser.add_argument("apprentice")
    parser.add_argument("cells", type=int, nargs="+")
    parser.add_argument("--peers", default="")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--scratch")
    options = parser.parse_args()
    tools = [("apprentice", ours, os.path.abspath(options.apprentice))]
    for name, prepare in [("snakemake", snakemake), ("dvc", dvc)]:
        program = os.path.abspath(os.path.join(options.peers, name, "bin", name))
        if options.peers and os.path.exists(program):
            tools.append((name, prepare, program))
    folders = []
    try:
        for cells in options.cells:
            for name, prepare, program in tools:
                folder = tempfile.mkdtemp(dir=options.scratch, prefix="grid-")
                folders.append(folder)
                command = prepare(folder, cells, program)
                first, memory = timed(command, folder)
                # What is younger than two seconds is looked at again; so is it by others.
                time.sleep(2.5)
                noop = min(timed(command, folder)[0] for _ in range(options.runs))
                print(json.dumps({
                    "tool": name, "cells": cells, "first_s": round(first, 2), "cell_ms": round(1000 * first / cells, 1),
                    "noop_ms": round(1000 * noop, 1), "peak_mb": round(memory)}), flush=True)
    finally:
        # Not one by one: ext4 passes over inodes that were freed in the last minutes, which the next tool would pay for.
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


main()
