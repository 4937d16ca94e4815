"""What both verifiers say of a file, and whether they agree."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from api.proofs.verify import verify_file
from oracle.attestation.proof import Anchor, encode_anchor
from oracle.errors import ProofError

JAVASCRIPT = Path(__file__).resolve().parent / "javascript"
ROOT = JAVASCRIPT.parents[2]
MODULES = ROOT / "contracts" / "node_modules"
BUNDLE = ROOT / "api" / "dashboard" / "vendor" / "verifier.js"
"""The second verifier as pages load it."""
CREDIT_STEPS = ("proofs", "blocks", "issuance", "range", "statements", "retirement", "anchor")
"""Steps of a retirement, after those of the proofs in it."""
Verdict = dict[str, object]
"""{"held": [steps]}, or {"refused": step, "what": why}."""
Case = tuple[str, bytes, Anchor | None]
"""What it is, the file, and what the verifier trusts."""
Verifier = Callable[[Sequence[Case]], list[Verdict]]


def python_verdict(raw: bytes, anchor: Anchor | None) -> Verdict:
    """What `heliograph verify` says."""
    held: list[str] = []
    try:
        verify_file(raw, anchor, None, lambda step: held.append(step.name))
    except ProofError as refusal:
        return {"refused": refusal.step, "what": refusal.what}
    return {"held": held[1:]}  # without "document", which the second verifier does not tell


def javascript_verdicts(cases: Sequence[Case]) -> list[Verdict]:
    """What the second verifier says of each, in one process."""
    return _said_by(["node", str(JAVASCRIPT / "verify.js")], cases)


def bundled_verdicts(cases: Sequence[Case]) -> list[Verdict]:
    """What its bundle for pages says of each, in a context that has nothing of Node."""
    return _said_by(["node", str(JAVASCRIPT / "bundled.js"), str(BUNDLE)], cases)


def _said_by(program: list[str], cases: Sequence[Case]) -> list[Verdict]:
    with tempfile.TemporaryDirectory() as folder:
        arguments, trusted = [], None
        for number, (_, raw, anchor) in enumerate(cases):
            Path(folder, f"{number}.json").write_bytes(raw)
            if anchor != trusted:
                Path(folder, f"{number}-anchor.json").write_bytes(encode_anchor(anchor) if anchor else b"null")
                arguments += ["--trust", f"{number}-anchor.json"]
                trusted = anchor
            arguments.append(f"{number}.json")
        ran = subprocess.run(
            [*program, *arguments],
            cwd=folder, env=os.environ | {"NODE_PATH": str(MODULES)}, capture_output=True, check=False, timeout=600,
        )  # fmt: skip
    assert not ran.stderr, ran.stderr.decode()
    verdicts = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(verdicts) == len(cases)
    return verdicts


def accepted_alike(cases: Sequence[Case], javascript: Verifier) -> None:
    """Both verifiers take the same steps, to the end."""
    for (what, raw, anchor), theirs in zip(cases, javascript(cases), strict=True):
        ours = python_verdict(raw, anchor)
        assert "held" in ours, f"{what}: {ours}"
        assert theirs == ours, f"{what}: {theirs}, {ours}"


def judged_alike(cases: Sequence[Case], javascript: Verifier) -> Counter[str]:
    """Both verifiers say the same, whatever it is; return how often each step refused, and how many were accepted."""
    steps: Counter[str] = Counter()
    for (what, raw, anchor), theirs in zip(cases, javascript(cases), strict=True):
        ours = python_verdict(raw, anchor)
        assert (ours.get("refused"), ours.get("held")) == (theirs.get("refused"), theirs.get("held")), (
            f"{what}: {ours}, {theirs}"
        )
        steps[str(ours.get("refused", "accepted"))] += 1
    return steps


def refused_alike(cases: Sequence[Case], javascript: Verifier) -> Counter[str]:
    """Both verifiers refuse at the same step; return how often each step refused."""
    steps: Counter[str] = Counter()
    for (what, raw, anchor), theirs in zip(cases, javascript(cases), strict=True):
        ours = python_verdict(raw, anchor)
        assert "refused" in ours, f"{what}: accepted"
        assert "refused" in theirs, f"{what}: the second verifier accepts what the first refuses: {ours}"
        assert ours["refused"] == theirs["refused"], f"{what}: {ours}, {theirs}"
        steps[str(ours["refused"])] += 1
    return steps
