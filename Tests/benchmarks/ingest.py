#!/usr/bin/env python3
"""The peers of ingest: rows of JSONL by orjson, segments of WMT's XML by lxml.iterparse, written as a dataset.

usage: ingest.py make FOLDER            writes rows.jsonl and rows.xml, about 100 MB each, from a seed
       ingest.py jsonl|xml FILE OUTPUT  reads a file and writes train.jsonl
"""
import os, random, sys


def make(folder):
    draw = random.Random(7)
    words = ["".join(draw.choices("abcdefghijklmnoprstuvwzé", k=draw.randint(2, 9))) for _ in range(5000)]

    def sentence():
        return " ".join(draw.choices(words, k=draw.randint(8, 40)))

    with open(os.path.join(folder, "rows.jsonl"), "w", encoding="utf-8") as file:
        while file.tell() < 100_000_000:
            for _ in range(1000):
                file.write('{"id": %d, "question": "%s \\"%s\\"", "answer": "%s\\n%s", "score": %.4f}\n' % (
                    draw.randint(0, 10**6), sentence(), draw.choice(words), sentence(), sentence(), draw.random()))
    with open(os.path.join(folder, "rows.xml"), "w", encoding="utf-8") as file:
        file.write("<?xml version='1.0' encoding='utf-8'?>\n<dataset id=\"made\">\n")
        document = 0
        while file.tell() < 100_000_000:
            document += 1
            count = draw.randint(5, 40)
            file.write('<doc id="d%d" origlang="en">\n' % document)
            for tag in ('src lang="en"', 'ref lang="de" translator="A"', 'hyp lang="de" system="S"'):
                segments = "".join(
                    '<seg id="%d">%s &amp; %s</seg>\n' % (n + 1, sentence(), draw.choice(words)) for n in range(count))
                file.write("<%s><p>\n%s</p></%s>\n" % (tag, segments, tag.split()[0]))
            file.write("</doc>\n")
        file.write("</dataset>\n")


def write(rows, output):
    import orjson

    with open(output, "wb") as file:
        for number, (prompt, completion) in enumerate(rows):
            file.write(orjson.dumps({
                "id": f"train-{number}", "prompt": prompt, "completion": completion, "references": [completion]}))
            file.write(b"\n")


def jsonl(path):
    import orjson

    with open(path, "rb") as file:
        for line in file:
            row = orjson.loads(line)
            yield row["question"], row["answer"]


def xml(path):
    from lxml import etree

    for _, document in etree.iterparse(path, tag="doc"):
        source = {segment.get("id"): segment.text for segment in document.find("src").iter("seg")}
        answer = {segment.get("id"): segment.text for segment in document.find("ref").iter("seg")}
        for identity, text in source.items():
            yield text, answer[identity]
        document.clear()
        while document.getprevious() is not None:
            del document.getparent()[0]


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    write({"jsonl": jsonl, "xml": xml}[sys.argv[1]](sys.argv[2]), sys.argv[3])
