"""The rows of Parquet files as a dataset, a batch in memory at a time."""

import datetime
import decimal
import json
import os
import pathlib
import re
import sys

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    sys.exit("pyarrow is not installed for this python3: python3 -m pip install pyarrow, in an environment that stands "
             "first on PATH")

action = json.loads(pathlib.Path(os.environ["APPRENTICE_ACTION"]).read_text())
source = pathlib.Path(action["in"]["source"][0]["path"])
target = pathlib.Path(action["out"]["dataset"])
options = action["parameters"]
events = os.fdopen(int(os.environ["APPRENTICE_EVENTS"]), "w", buffering=1)
SPLITS = ("train", "validation", "test")


def tell(event, **members):
    print(json.dumps({"event": event, **members}), file=events)


def named():
    """Split to its files, sorted by name."""
    wanted = options["files"]
    for split in wanted:
        if split not in SPLITS:
            sys.exit(f"files names the split {split}; expected train, validation or test")
    if not source.is_dir():
        if wanted:
            sys.exit(f"{source} is a file, but files names some below it")
        return {"train": [source]}
    files = {}
    for split in wanted or SPLITS:
        if wanted:
            found = sorted(source.glob(wanted[split]))
            if not found:
                sys.exit(f"{source} holds no {wanted[split]} for {split}")
        else:
            # train.parquet, or train-00000-of-00002.parquet and its like.
            found = sorted(p for p in source.rglob("*.parquet") if p.name.split("-")[0].split(".")[0] == split)
        if found:
            files[split] = found
    return files or sys.exit(f"{source} holds no train, validation or test .parquet; name the files with files")


def parse(template):
    """[(literal, column or None)] of a template."""
    parts = []
    for piece in re.findall(r"\{\{|\}\}|\{[^}]*\}|[^{}]+|[{}]", template):
        if piece in ("{", "}"):
            sys.exit(f"template {template!r}: a brace without partner; write {{{{ or }}}} for a brace")
        is_column = len(piece) > 1 and piece[0] == "{" and piece != "{{"
        parts.append((None, piece[1:-1]) if is_column else ({"{{": "{", "}}": "}"}.get(piece, piece), None))
    return parts


def text(value, place):
    """A value as text: no digit is lost and nothing is left out in silence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, decimal.Decimal, datetime.timedelta)):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    sys.exit(f"{place}: expected a text or a number, found {'null' if value is None else type(value).__name__}")


def fill(parts, row, place):
    return "".join(literal if column is None else text(row[column], f"{place}, column {column}")
                   for literal, column in parts)


prompt, completion = parse(options["prompt"]), parse(options["completion"])
wanted = {column for _, column in prompt + completion if column is not None}
wanted |= {options["references"]} - {""}
tell("environment", environment={"pyarrow": pyarrow.__version__})
counts = []


def is_full(count):
    return 0 < options["limit"] <= count


for split, files in named().items():
    count = 0
    with open(target / f"{split}.jsonl", "w", encoding="utf-8") as output:
        for file in files:
            if is_full(count):
                break
            try:
                table = pyarrow.parquet.ParquetFile(file)
            except (pyarrow.ArrowInvalid, OSError) as error:
                sys.exit(f"{file} is no Parquet file: {error}")
            names = table.schema_arrow.names
            for column in sorted(wanted.difference(names)):
                sys.exit(f"{file} has no column {column}; it has {', '.join(names)}")
            for batch in table.iter_batches(columns=sorted(wanted), batch_size=4096):
                if is_full(count):
                    break
                for row in batch.to_pylist():
                    if is_full(count):
                        break
                    place = f"{file}, row {split}-{count}"
                    answer = fill(completion, row, place)
                    if not answer:
                        sys.exit(f"{place} has an empty completion")
                    answers = row[options["references"]] if options["references"] else [answer]
                    answers = answers if isinstance(answers, list) else [answers]
                    output.write(json.dumps({
                        "id": f"{split}-{count}", "prompt": fill(prompt, row, place), "completion": answer,
                        "references": [text(value, f"{place}, references") for value in answers] or [answer],
                    }, ensure_ascii=False) + "\n")
                    count += 1
                tell("progress", done=count, unit="rows", note=split)
    counts.append(f"{count} {split}")
tell("summary", text=" · ".join(counts))
