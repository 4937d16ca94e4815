"""Hold both verifiers against each other for as long as you like.

    python -m tests.verifier.compare --proofs 1000 --seed 7      # from the top of the repository

Of each proof made up, the proof itself, ten corruptions, and odd figures signed again are shown to both. Exit 0 if they agree on
all, else 1, with the seed.
"""

import argparse
import json
import random
import sys
from collections import Counter

from oracle.attestation.proof import encode_proof
from tests.verifier.corruptions import corrupted_bytes, corrupted_member, members
from tests.verifier.oddities import odd_figures, odd_rules
from tests.verifier.proofs import made_up_proof
from tests.verifier.verdicts import Case, javascript_verdicts, python_verdict

AT_ONCE = 20


def cases_of(seed: int) -> list[Case]:
    """A good proof, ten corruptions of it, and odd figures in it."""
    rng = random.Random(seed)
    good = made_up_proof(seed, of_site=seed % 4 == 3, with_credits=seed % 10 == 0)
    raw, anchor = encode_proof(good.proof), good.signers.anchor
    document = json.loads(raw)
    paths = list(members(document))
    altered = [corrupted_member(rng, document, rng.choice(paths)) for _ in range(8)]
    altered += [corrupted_bytes(rng, raw) for _ in range(2)]
    shown = [(f"case {i}", one, anchor) for i, one in enumerate((raw, *altered))]
    shown += [*odd_figures(rng, good), *odd_rules(rng, good)]
    return [(f"seed {seed}, {what}", one, trusted) for what, one, trusted in shown]


def main() -> int:
    """Compare, and print how often each step refused."""
    parser = argparse.ArgumentParser(description="Hold both verifiers against each other.")
    parser.add_argument("--proofs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.proofs)
    verdicts: Counter[str] = Counter()
    odd = 0
    for first in range(0, len(seeds), AT_ONCE):
        cases = [case for seed in seeds[first : first + AT_ONCE] for case in cases_of(seed)]
        for (what, raw, anchor), theirs in zip(cases, javascript_verdicts(cases), strict=True):
            ours = python_verdict(raw, anchor)
            verdicts[str(ours.get("refused", "accepted"))] += 1
            if (ours.get("refused"), ours.get("held")) != (theirs.get("refused"), theirs.get("held")):
                odd += 1
                sys.stdout.write(f"{what}: {ours}, {theirs}\n")
    sys.stdout.write(f"{verdicts.total()} files, {odd} judged differently: {dict(verdicts.most_common())}\n")
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main())
