#!/usr/bin/env bash
# Test and measure the kernels on a machine with a GPU, by its own Python, torch, Triton and pytest; no
# package registry is asked. `make card`, on any machine, puts a wheel of cumsum into card/, which is
# taken where it is there (WHEELS=, and so `make gpu`, takes the cumsum that is installed).
#     tools/card.sh [--dry] [SLICE ...]      of: probe tests abilities memory times sweep
# Results: $OUT/SLICE.jsonl (card/results), each row as soon as it is known. A slice goes on after
# the rows in $OUT or, where that has none, in card/results. The slices together take at most LIMIT
# seconds (570), each what is left of them. --dry does what needs no GPU (card/dry).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} limit=${LIMIT:-570} before=card/results dry=()
if [[ ${1:-} == --dry ]]; then
    before=card/dry dry=(--dry)
    shift
fi
out=${OUT:-$before}
[[ $# -gt 0 ]] || set -- probe tests abilities memory times sweep

export PYTHONPATH=tests:benchmarks${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
wheels=("${WHEELS-card}"/*.whl)
if [[ -e ${wheels[0]} ]]; then
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    "$python" -m pip install -qq --no-index --no-deps --no-compile --target "$site" "${wheels[@]}"
    PYTHONPATH=$site:$PYTHONPATH
fi

mkdir -p "$out"
status=0
for slice in "$@"; do
    if [[ ! -e $out/$slice.jsonl && -e $before/$slice.jsonl ]]; then
        cp "$before/$slice.jsonl" "$out"
    fi
    left=$((limit - SECONDS))
    if ((left < 5)); then
        echo "$slice: no time left" >&2
        status=1
        continue
    fi
    # TERM lets it end its children; whatever does not end by that is killed.
    timeout -k 10 "$left" "$python" benchmarks/gpu.py "${dry[@]}" --out "$out" "$slice" || status=1
done
exit "$status"
