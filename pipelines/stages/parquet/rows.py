"""The rows of Parquet files as a dataset, a batch in memory at a time."""

import datetime
import decimal
import json
import math
import os
import pathlib
import re
import struct
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


def warn(text):
    tell("warning", text=text)


def shard(file):
    """Number and count in a name such as train-00000-of-00002.parquet, or None."""
    found = re.match(r"[^.]*?-([0-9]+)-of-([0-9]+)(?![0-9])", file.name)
    return found and (int(found[1]), int(found[2]))


def stem(file):
    """train of train.parquet, or of train-00000-of-00002.parquet and its like."""
    return file.name.split("-")[0].split(".")[0]


def below(file):
    return file.relative_to(source)


def check(split, files):
    """Refuses files that are called after one split and do not make one."""
    folders = sorted({str(below(file.parent)) for file in files})
    if len(folders) > 1:
        sys.exit(f"{source} holds {split} in the folders {', '.join(folders)}; name those of one with files, such as "
                 f"{{ {split}: \"{(below(files[0].parent) / split).as_posix()}*.parquet\" }}")
    shards = [shard(file) for file in files]
    whole = [file.name for file in files if file.name == f"{split}.parquet"]
    if len(files) > 1 and (whole or (None in shards and any(shards))):
        sys.exit(f"{files[0].parent} holds {', '.join(file.name for file in files)} for {split}; name one with files")
    if None in shards:
        return
    counts = sorted({count for _, count in shards})
    numbers = [number for number, _ in shards]
    if len(counts) > 1 or len(set(numbers)) < len(numbers):
        sys.exit(f"{files[0].parent} holds shards of several versions of {split}: "
                 f"{', '.join(file.name for file in files)}; name those of one with files")
    missing = next((number for number in range(counts[0]) if number not in numbers), None)
    # Some count from 1.
    if missing is not None and sorted(numbers) != list(range(1, len(files) + 1)) or len(files) != counts[0]:
        sys.exit(f"{files[0].parent} holds {len(files)} of the {counts[0]} files of {split}"
                 + (f", not number {missing}" if missing is not None else "")
                 + "; fetch all, or name those that are there with files")


def remark(split, files):
    """Says where files that were named are part of more."""
    counts = {found[1] for found in map(shard, files) if found}
    if len(counts) == 1 and len(files) < max(counts):
        warn(f"{split} is {len(files)} of {max(counts)} files")


def named():
    """Split to its files, sorted by name."""
    wanted = options["files"]
    for split in wanted:
        if split not in SPLITS:
            sys.exit(f"files names the split {split}; expected train, validation or test")
    if not source.is_dir():
        if wanted:
            sys.exit(f"{source} is a file, but files names some below it")
        remark("train", [source])
        return {"train": [source]}
    files = {}
    if wanted:
        for split in (split for split in SPLITS if split in wanted):
            try:
                files[split] = sorted(file for file in source.glob(wanted[split]) if file.is_file())
            except (ValueError, NotImplementedError) as error:
                sys.exit(f"files has {wanted[split]!r} for {split}, which is no glob below the source: {error}")
            if not files[split]:
                sys.exit(f"{source} holds no file {wanted[split]} for {split}")
            remark(split, files[split])
        return files
    # What tools keep for themselves, such as .cache, begins with a dot.
    found = sorted(file for file in source.rglob("*.parquet")
                   if file.is_file() and not any(part.startswith(".") for part in below(file).parts))
    for split in SPLITS:
        of_split = [file for file in found if stem(file) == split]
        if of_split:
            check(split, of_split)
            files[split] = of_split
    if not files:
        sys.exit(f"{source} holds no train, validation or test .parquet; name the files with files")
    folders = {split: str(below(of_split[0].parent)) for split, of_split in files.items()}
    if len(set(folders.values())) > 1:
        warn("splits lie in several folders: " + ", ".join(f"{split} in {folder}" for split, folder in folders.items()))
    overlooked = [file for file in found if stem(file) in ("valid", "val", "dev", "eval")]
    if overlooked and "validation" not in files:
        warn(f"{below(overlooked[0])} is not read: splits are called train, validation and test; name it with files, "
             f"{{ train: …, validation: {below(overlooked[0])} }}")
    return files


def parse(template):
    """[(literal, column or None)] of a template."""
    parts = []
    for piece in re.findall(r"\{\{|\}\}|\{[^}]*\}|[^{}]+|[{}]", template):
        if piece in ("{", "}"):
            sys.exit(f"template {template!r}: a brace without partner; write {{{{ or }}}} for a brace")
        is_column = len(piece) > 1 and piece[0] == "{" and piece != "{{"
        parts.append((None, piece[1:-1]) if is_column else ({"{{": "{", "}}": "}"}.get(piece, piece), None))
    return parts


def width(kind):
    """The code of struct for a column of floats narrower than Python's, or None."""
    while True:
        if isinstance(kind, pyarrow.BaseExtensionType):
            kind = kind.storage_type
        elif hasattr(kind, "value_type"):
            kind = kind.value_type
        else:
            return "e" if pyarrow.types.is_float16(kind) else "f" if pyarrow.types.is_float32(kind) else None


def shortest(value, code):
    """The fewest digits that are read as the same number of the column's type: 0.1, not 0.10000000149011612.

    A whole number has all of its digits.
    """
    if code is None or value.is_integer() and abs(value) < 1e16:
        return repr(value)
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.unpack(code, struct.pack(code, short))[0] == value:
                return repr(short)
        except OverflowError:
            pass
    return repr(value)


def text(value, place, code):
    """A value as text: no digit is lost and nothing is left out in silence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (str, int, datetime.timedelta)):
        return str(value)
    if type(value).__name__ == "float16":
        value = float(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            sys.exit(f"{place}: {value} is no number; take the row out, or another column")
        return shortest(value, code)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    sys.exit(f"{place}: expected a text or a number, found {'null' if value is None else type(value).__name__}")


def fill(parts, row, place, codes):
    return "".join(literal if column is None else text(row[column], f"{place}, column {column}", codes[column])
                   for literal, column in parts)


def values(batch, place):
    """The rows of a batch as Python's values; ends with row and column where one is none."""
    try:
        return batch.to_pylist()
    except Exception as error:  # pyarrow has no common type for values that do not fit
        for index in range(batch.num_rows):
            for column, name in enumerate(batch.schema.names):
                try:
                    batch.column(column)[index].as_py()
                except Exception as reason:
                    sys.exit(f"{place(index)}, column {name} cannot be read: {reason}; "
                             "write it otherwise, or take another column")
        sys.exit(f"{place(0)} and on cannot be read: {error}")


def batches(file):
    """Struct codes of the columns, and the batches."""
    try:
        table = pyarrow.parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        sys.exit(f"{file} is no Parquet file: {error}")
    names = table.schema_arrow.names
    for column in sorted(wanted.difference(names)):
        sys.exit(f"{file} has no column {column}; it has {', '.join(names)}")
    for column in sorted(column for column in wanted if names.count(column) > 1):
        sys.exit(f"{file} has {names.count(column)} columns called {column}; name them apart where it is written")
    codes = {column: width(table.schema_arrow.field(column).type) for column in wanted}
    rest = table.iter_batches(columns=sorted(wanted), batch_size=4096)
    while True:
        try:
            batch = next(rest, None)
        except (pyarrow.ArrowException, OSError) as error:
            sys.exit(f"{file} cannot be read to its end: {error}")
        if batch is None:
            return
        yield batch, codes


prompt, completion = parse(options["prompt"]), parse(options["completion"])
wanted = {column for _, column in prompt + completion if column is not None}
wanted |= {options["references"]} - {""}
tell("environment", environment={"pyarrow": pyarrow.__version__})
counts = []


def is_full(count):
    return 0 < options["limit"] <= count


for split, files in named().items():
    count = 0
    without_references = 0
    with open(target / f"{split}.jsonl", "w", encoding="utf-8") as output:
        for file in files:
            if is_full(count):
                break
            for batch, codes in batches(file):
                if is_full(count):
                    break
                if options["limit"]:
                    batch = batch.slice(0, options["limit"] - count)
                start = count
                for row in values(batch, lambda index: f"{file}, row {split}-{start + index}"):
                    place = f"{file}, row {split}-{count}"
                    answer = fill(completion, row, place, codes)
                    if not answer:
                        sys.exit(f"{place} has an empty completion")
                    answers = row[options["references"]] if options["references"] else answer
                    answers = answers if isinstance(answers, list) else [answers]
                    without_references += not answers
                    code = codes.get(options["references"])
                    output.write(json.dumps({
                        "id": f"{split}-{count}", "prompt": fill(prompt, row, place, codes), "completion": answer,
                        "references": [text(value, f"{place}, references", code) for value in answers] or [answer],
                    }, ensure_ascii=False) + "\n")
                    count += 1
                tell("progress", done=count, unit="rows", note=split)
    if count == 0:
        sys.exit(f"split {split} has no rows; check files")
    if count < options["limit"]:
        warn(f"limit is {options['limit']} rows, {split} has {count}")
    if without_references:
        warn(f"{without_references} rows of {split} have an empty list of references; their completion stands in for it")
    counts.append(f"{count} {split}")
tell("summary", text=" · ".join(counts))
