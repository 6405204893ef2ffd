#!/usr/bin/env python3
"""A store of 1 GiB, half text and half weights, as a pipeline leaves it.

usage: bundle.py make TOOL FOLDER   writes FOLDER/big.yaml and runs it into FOLDER/store
"""
import os, random, subprocess, sys

PIPELINE = """\
apprentice: 1
name: big
stages:
  corpus:
    uses: ingest
    in: { source: ./rows }
    with: { files: { train: train.jsonl } }
  fresh:
    uses: init-model
    with: { layers: 8, width: 1024, heads: 8, vocab_size: 16384, end_token: 0, tied: true }
"""


def make(tool, folder):
    draw = random.Random(7)
    words = ["".join(draw.choices("abcdefghijklmnoprstuvwz", k=draw.randint(2, 9))) for _ in range(20000)]
    os.makedirs(os.path.join(folder, "rows"))
    with open(os.path.join(folder, "rows", "train.jsonl"), "w") as file:
        sentences = [" ".join(draw.choices(words, k=draw.randint(8, 60))) for _ in range(200_000)]
        number = 0
        while file.tell() < 350 << 20:
            for _ in range(1000):
                number += 1
                file.write('{"prompt": "%d %s", "completion": "%s"}\n' % (
                    number, sentences[draw.randrange(200_000)], sentences[draw.randrange(200_000)]))
    with open(os.path.join(folder, "big.yaml"), "w") as file:
        file.write(PIPELINE)
    subprocess.run(
        [tool, "run", os.path.join(folder, "big.yaml"), "--store", os.path.join(folder, "store"), "--no-results"],
        check=True, stdout=sys.stderr)


make(*sys.argv[2:4])
