"""The loss of MLE and IQLearn over rows of tokens, and what the curves tell of it.

With logits q, v = logsumexp q, log π = q[a] − v and r = q[a] − γ v′ the loss is the mean of −log π + λ r² over the
completion tokens of a step; v′ is 0 after an end token, and the next row's v where a completion is cut off.
"""

import math

import torch

SUMS = ("mle", "td", "entropy", "v", "v0", "r", "r_end", "ended", "flipped", "tokens", "rows")


class Objective:
    """MLE where `lamda` is 0."""

    def __init__(self, model, device, options):
        iq = options["objective"] == "iq"
        self.model, self.device = model, device
        self.lamda, self.gamma = (options["lambda"], options["gamma"]) if iq else (0.0, 1.0)
        self.is_semi = options["gradient"] == "semi"
        self.level = getattr(model.config, "level_offset", 0.0)  # what our stages subtract from the logits
        ends = model.generation_config.eos_token_id
        ends = model.config.eos_token_id if ends is None else ends
        self.ends = set(ends if isinstance(ends, list) else [ends])

    def batch(self, rows):
        """The sums of a batch over its completion tokens; `loss` keeps its graph."""
        rows = [(row, prompt, int(row[-1]) in self.ends) for row, prompt in rows if len(row) > prompt]
        sums = dict.fromkeys(SUMS, 0.0) | {"rows": len(rows)}
        loss, first = torch.zeros((), dtype=torch.float64, device=self.device), 0
        if not rows:
            return {"loss": loss, **sums}
        # Padded on the right, no mask is needed: no token sees what follows it.
        batch = torch.nn.utils.rnn.pad_sequence([row for row, _, _ in rows], batch_first=True).to(self.device)
        hidden = self.model.base_model(input_ids=batch, use_cache=False).last_hidden_state
        states = [hidden[i, p - 1 : len(row) - (1 if ended else 0)] for i, (row, p, ended) in enumerate(rows)]
        logits = self.model.get_output_embeddings()(torch.cat(states)).float() - self.level
        values = logits.logsumexp(-1)
        with torch.no_grad():
            entropies = values - (logits.softmax(-1) * logits).sum(-1)
        for row, prompt, ended in rows:
            count = len(row) - prompt
            actions = row[prompt:].to(self.device)
            v = values[first : first + count + (0 if ended else 1)]
            q = logits[first : first + count].gather(-1, actions[:, None])[:, 0]
            after = torch.cat([v[1:], v.new_zeros(1)]) if ended else v[1:]
            after = after.detach() if self.is_semi else after
            mle, r = (v[:count] - q).double(), (q - self.gamma * after).double()
            loss = loss + mle.sum() + self.lamda * r.square().sum()
            for key, value in {
                "mle": mle.sum(), "td": r.square().sum(), "entropy": entropies[first : first + count].sum(),
                "v": v[:count].sum(), "v0": v[0], "r": r.sum(), "r_end": r[-1] if ended else 0, "ended": ended,
                "flipped": (r.abs() > 1 / (2 * self.lamda)).sum() if self.lamda else 0, "tokens": count,
            }.items():
                sums[key] = sums[key] + (value.detach() if torch.is_tensor(value) else value)
            first += len(v)
        # Read once a batch: a GPU is waited for whenever a number is.
        return {"loss": loss, **{key: float(value) for key, value in sums.items()}}

    def measures(self, parts, step, split, **more):
        """The row of the curves for the batches of a step."""
        total = {key: sum(float(part[key]) for part in parts) for key in ("loss", *SUMS)}
        count = max(total["tokens"], 1)
        row = {"step": step, "split": split, **{key: total[key] / count for key in ("loss", "mle", "td", "entropy")},
               **more, "tokens": int(total["tokens"]), "mean_v": total["v"] / count,
               "mean_v0": total["v0"] / max(total["rows"], 1), "mean_r": total["r"] / count,
               "mean_r_end": total["r_end"] / max(total["ended"], 1)}
        if not math.isfinite(row["loss"]):
            raise SystemExit(f"the {split} loss is not finite at step {step}; lower learning_rate, or set clip_norm")
        return row | ({"lambda": self.lamda, "flipped": total["flipped"] / count} if self.lamda else {})
