"""MLE and IQLearn with PyTorch and transformers: the losses, schedule and curves of train-mle and train-iq."""

import json
import math
import os
import pathlib
import shutil
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
import torch
import transformers
from safetensors.torch import load_file

import event_file
from objective import Objective

action = json.loads(pathlib.Path(os.environ["APPRENTICE_ACTION"]).read_text())
options = action["parameters"]
source, tokens = (pathlib.Path(action["in"][port][0]["path"]) for port in ("model", "tokens"))
target, curves = (pathlib.Path(action["out"][port]) for port in ("model", "curves"))
events = os.fdopen(int(os.environ["APPRENTICE_EVENTS"]), "w", buffering=1)


def tell(event, **members):
    print(json.dumps({"event": event, **members}), file=events)


name = options["device"]
device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {action['threads']} threads"
tell("environment", environment={"torch": torch.__version__, "transformers": transformers.__version__,
                                 "device": hardware})
torch.set_num_threads(action["threads"])
torch.manual_seed(options["seed"])
torch.use_deterministic_algorithms(True, warn_only=True)
# Not in training mode: an architecture's own dropout stays off.
model = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).to(device).eval()
objective = Objective(model, device, options)


def read(split):
    """(tokens, prompt length) of every row of a split, or None."""
    if not (tokens / f"{split}.safetensors").exists():
        return None
    data = load_file(tokens / f"{split}.safetensors")
    offsets = data["offsets"].tolist()
    return [(data["tokens"][a:b].long(), p) for a, b, p in zip(offsets, offsets[1:], data["prompt_lengths"].tolist())]


def order(epochs):
    """Row numbers, epoch after epoch; unshuffled they wrap, shuffled a step ends with its epoch."""
    size = options["batch_rows"] * options["accumulate"]
    epoch, left = 0, []
    while epochs is None or epoch < epochs or left:
        if len(left) < size and not (options["shuffle"] and left) and (epochs is None or epoch < epochs):
            generator = torch.Generator().manual_seed(options["seed"] * 1_000_003 + epoch)
            left += (torch.randperm(len(train), generator=generator).tolist() if options["shuffle"]
                     else range(len(train)))
            epoch += 1
            continue
        yield left[:size]
        left = left[size:]


def rate(step):
    """The learning rate of a step."""
    warm = options["warmup_steps"]
    if step < warm:
        return options["learning_rate"] * (step + 1) / warm
    done = (step - warm + 1) / max(steps - warm, 1)
    course = {"constant": 1, "linear": 1 - 0.9 * done, "cosine": 0.1 + 0.45 * (1 + math.cos(math.pi * done))}
    return options["learning_rate"] * course[options["schedule"]]


def evaluate(step):
    with torch.no_grad():
        parts = [objective.batch(validation[i : i + 64]) for i in range(0, len(validation), 64)]
    state["rows"].append(row := objective.measures(parts, step, "validation"))
    if options["keep"] == "best" and row["mle"] < state["lowest"]:
        state["lowest"] = row["mle"]
        state["best"] = {key: value.detach().cpu().clone() for key, value in model.state_dict().items()}


train, validation = read("train"), read("validation")
if not train:
    raise SystemExit(f"{tokens} has no train rows")
if options["steps"] and options["epochs"]:
    raise SystemExit("either steps or epochs, not both")
epochs = None if options["steps"] else options["epochs"] or 1
steps = options["steps"] or sum(1 for _ in order(epochs))
every = options["evaluate_every"] or max(1, (steps + 9) // 10)
decaying = [p for p in model.parameters() if p.dim() >= 2]
others = [p for p in model.parameters() if p.dim() < 2]
optimiser = torch.optim.AdamW(
    [{"params": decaying, "weight_decay": options["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
    betas=(options["beta1"], options["beta2"]), eps=options["epsilon"])
state = {"step": 0, "rows": [], "best": None, "lowest": math.inf}
checkpoint = pathlib.Path(action["work"]) / "checkpoint.pt"
if checkpoint.exists():
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    model.load_state_dict(state.pop("model"))
    optimiser.load_state_dict(state.pop("optimiser"))
begun, first_step, seen, told = time.monotonic(), state["step"], 0, 0.0
for step, indices in enumerate(order(None)):
    if step < state["step"]:
        continue
    if validation and step % every == 0 and step < steps:
        evaluate(step)
    if step == steps:
        break
    rows = [train[index] for index in indices]
    count = max(sum(len(row) - prompt for row, prompt in rows), 1)
    optimiser.zero_grad()
    parts = []
    for i in range(0, len(rows), options["batch_rows"]):
        parts.append(objective.batch(rows[i : i + options["batch_rows"]]))
        if parts[-1]["tokens"]:
            (parts[-1]["loss"] / count).backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), options["clip_norm"] or math.inf)
    for group in optimiser.param_groups:
        group["lr"] = rate(step)
    optimiser.step()
    row = objective.measures(parts, step, "train", gradient_norm=float(norm), learning_rate=rate(step))
    state["rows"].append(row)
    state["step"] = step + 1
    seen += sum(len(row) for row, _ in rows)
    seconds = time.monotonic() - begun
    if seconds - told > 0.25 or step + 1 == steps:
        told = seconds
        tell("progress", done=step + 1, total=steps, unit="steps", rate=(step + 1 - first_step) / seconds,
             note=f"loss {row['loss']:.2f}")
    if (step + 1) % options["checkpoint_every"] == 0 and step + 1 < steps:
        part = checkpoint.with_suffix(".part")
        torch.save({**state, "model": model.state_dict(), "optimiser": optimiser.state_dict()}, part)
        part.replace(checkpoint)
if validation:
    evaluate(steps)
if state["best"]:
    model.load_state_dict(state["best"])
model.save_pretrained(target)
for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
    if (source / name).exists():
        shutil.copyfile(source / name, target / name)
(curves / "curves.jsonl").write_text("".join(json.dumps(row) + "\n" for row in state["rows"]))
event_file.write(curves / "events.out.tfevents.0", state["rows"])
seconds = max(time.monotonic() - begun, 1e-9)
tell("measure", name="tokens_per_second", value=seen / seconds)
checked = [row["mle"] for row in state["rows"] if row["split"] == "validation"]
course = f"validation {checked[0]:.2f} → {min(checked):.2f}" if checked else f"loss {state['rows'][-1]['loss']:.2f}"
tell("summary", text=f"{steps} steps · {course} · {seen / seconds:,.0f} tokens/s on {hardware}")
